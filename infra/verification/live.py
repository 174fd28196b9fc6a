"""The stacks' life in the emulator: created, used, updated, deleted."""

from . import deployed, emulator, options, privileges, providers, running, stacks
from .templates import EXAMPLE, MAIN
from .tools import LOGS

NAME = "gatelet"


def verify(report, levels, bless):
    """The levels that need a deployment."""
    report.heading("Deployed")
    if not report.check("the functions are built for this machine", stacks.build):
        return
    with emulator.running() as aws, providers.Provider(aws) as provider:
        report.level("live", lambda: _life(report, aws, provider, levels, bless))
    if report.failed:
        report.heading(f"The emulator's log, with those of the functions: {LOGS}/ministack.log")


def _life(report, aws, provider, levels, bless):
    stacks.upload(aws)
    main, example = stacks.Stack(aws, NAME, MAIN), stacks.Stack(aws, "orders", EXAMPLE)
    if not report.check("the stack is created", lambda: main.create(**deployed.OFF, OAuthProviders=provider.settings)):
        report.not_shown("anything further, without the stack")
        return
    deployed.created(report, main)
    report.check("the example's stack is created", lambda: example.create(NativeJwtRoute="true"))
    report.check("the example runs the code that was built", lambda: deployed.functions(example))

    keys = {}
    if "running" in levels:
        running.verify(report, main, example, keys, provider)

    report.heading("Updated")
    given = deployed.on(aws) | {"OAuthProviders": provider.settings, "OAuthSecretArns": provider.listed}
    report.check("every condition holds once and fails once", lambda: deployed.both_ways(main, given))
    report.check("the stack is updated, with every conditional part on", lambda: main.update(**given))
    deployed.created(report, main)
    report.check("alarms, dashboard, key, domain and audit stream are as asked for", lambda: options.there(main))
    if "running" in levels:
        running.again(report, main, keys, provider)
    if "privileges" in levels or bless:
        privileges.verify(report, main, provider, bless)

    report.heading("Deleted")
    report.check("the example's stack is deleted", example.delete)
    report.check("the stack is updated back", lambda: main.update(**deployed.OFF))
    resources = main.resources()
    report.check("the stack is deleted", main.delete)
    report.check("nothing is left but what is to be retained", lambda: deployed.left_behind(main, resources))

"""The stacks' life in the emulator: created, used, updated, deleted."""

from . import deployed, emulator, running, stacks
from .templates import EXAMPLE, MAIN
from .tools import LOGS

NAME = "gatelet"


def verify(report, levels):
    """The levels that need a deployment."""
    with emulator.running() as aws:
        report.heading("Deployed")
        stacks.upload(aws)
        main, example = stacks.Stack(aws, NAME, MAIN), stacks.Stack(aws, "orders", EXAMPLE)
        if not report.check("the stack is created", lambda: main.create(**deployed.OFF)):
            report.not_shown(f"anything further, without the stack; the emulator's log is in {LOGS}")
            return
        deployed.created(report, main)
        report.check("the example's stack is created", example.create)
        report.check("the example runs the code that was built", lambda: deployed.functions(example))

        if "running" in levels:
            running.verify(report, main, example)
        if "deployed" in levels:
            _updated_and_deleted(report, main, example)


def _updated_and_deleted(report, main, example):
    report.heading("Updated and deleted")
    report.check("every condition holds once and fails once", lambda: deployed.both_ways(main))
    report.check("the stack is updated, with every conditional part on", lambda: main.update(**deployed.ON))
    deployed.created(report, main)
    report.check("the stack is updated back", lambda: main.update(**deployed.OFF))
    report.check("the example's stack is deleted", example.delete)
    resources = main.resources()
    report.check("the stack is deleted", main.delete)
    report.check("nothing is left but what is to be retained", lambda: deployed.left_behind(main, resources))

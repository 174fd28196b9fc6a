"""The templates' text: linters, rules and assertions, on what is written and on what SAM makes of it."""

import json
from concurrent.futures import ThreadPoolExecutor

import parliament

from . import assertions, mutants
from .templates import MAIN, PATHS, expanded, of_type, resolved, saved, variants, written
from .tools import BIN, ROOT, cfn_guard, run, succeeds

RULES = ROOT / "infra/verification/guard.rules"

# What parliament says and is not to be heeded, each with its reason.
IGNORED = {}


def verify(report):
    """All checks of this level."""
    report.heading("Text")
    with ThreadPoolExecutor() as pool:
        guard = pool.submit(cfn_guard)
        slow = [
            pool.submit(report.check, f"{path}: {name}", lambda path=path, tool=tool: tool(path))
            for path in PATHS
            for name, tool in (("cfn-lint", _lint), ("sam validate", _sam_validate), ("cfn-lint, expanded", _lint_expanded))
        ]
        gradual = saved("gradual.yaml", expanded(MAIN, DeploymentPreference="Canary10Percent5Minutes"))
        slow.append(pool.submit(report.check, f"{MAIN}: cfn-lint, expanded for gradual deployment", lambda: _lint(gradual)))
        for path in PATHS:
            template = expanded(path)
            report.check(f"{path}: cfn-guard", lambda: guard_failures(guard.result(), template))
            report.check(f"{path}: parliament, every policy", lambda: _parliament(template))
            for name, problems in assertions.of(path, written(path), template):
                report.check(f"{path}: {name}", problems)
        report.check(f"each of {len(mutants.ALL)} faults is found by the check that is for it", lambda: mutants.survivors(guard.result()))
        for check in slow:
            check.result()


def _lint(path):
    return succeeds(BIN / "cfn-lint", "--non-zero-exit-code", "warning", path)


def _lint_expanded(path):
    return _lint(saved(path, expanded(path)))


def _sam_validate(path):
    return succeeds(BIN / "sam", "validate", "--template-file", path)


def guard_failures(guard, template):
    """The rules that a template breaks, whatever its conditions, each with cfn-guard's account of it."""
    files = [saved(f"guarded-{number}.yaml", variant) for number, variant in enumerate(variants(template))]
    return sorted({failure for file in files for failure in _guard_failures(guard, file)})


def _guard_failures(guard, file):
    done = run(guard, "validate", "--data", file, "--rules", RULES, "--structured", "--output-format", "json", "--show-summary", "none")
    if done.returncode == 0:
        return []
    try:
        reports, _ = json.JSONDecoder().raw_decode(done.stdout)
    except ValueError:
        return done.stdout.splitlines()
    return [_broken(rule["Rule"]) for report in reports for rule in report["not_compliant"]]


def _broken(rule):
    paths = sorted({part.split("[L:")[0] for part in json.dumps(rule).split('"') if part.startswith("/Resources/")})
    return f"{rule['name']}: {', '.join(paths) or 'see cfn-guard'}"


def _parliament(template):
    policies = 0
    for id, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            policies += 1
            found = parliament.analyze_policy_string(json.dumps(resolved(policy["PolicyDocument"], template)))
            yield from (f"{id}: {finding}" for finding in found.findings if (id, finding.issue) not in IGNORED)
    if not policies:
        yield "there is no policy to look at"

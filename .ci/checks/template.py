"""What cfn-lint cannot see in the templates: whether the resources of one function belong together.

Each function is a group of resources that differ in little but a name. A slip between two groups still deploys, and
then answers 500, runs with another function's rights, or logs where it may not write.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ["infra/template.yaml", "infra/examples/protected-api.yaml"]


class Loader(yaml.SafeLoader):
    """Reads `!GetAtt A.B` as the node `A.B`: what is named matters here, not by which function."""


def untagged(loader, _suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", untagged)


def binaries():
    metadata = subprocess.check_output(["cargo", "metadata", "--no-deps", "--format-version=1"], cwd=ROOT)
    targets = [target for package in json.loads(metadata)["packages"] for target in package["targets"]]
    return {target["name"] for target in targets if "bin" in target["kind"]}


def problems(path):
    resources = yaml.load((ROOT / path).read_text(), Loader)["Resources"]

    def by_type(kind):
        return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}

    functions = by_type("AWS::Serverless::Function")
    roles = by_type("AWS::IAM::Role")
    permissions = defaultdict(lambda: {"FunctionName": None, "SourceArn": ""}, by_type("AWS::Lambda::Permission"))
    integrations = by_type("AWS::ApiGatewayV2::Integration")

    for name, function in functions.items():
        group = name.removesuffix("Function")
        if Path(function["CodeUri"]).name not in BINARIES:
            yield f"{name}: CodeUri names no binary of the workspace: {function['CodeUri']}"
        if function["Role"] != f"{group}Role.Arn":
            yield f"{name}: runs with the role {function['Role']}"
        if function["LoggingConfig"]["LogGroup"] != f"{group}Logs":
            yield f"{name}: logs to {function['LoggingConfig']['LogGroup']}"
        if permissions[f"{group}Permission"]["FunctionName"] != name:
            yield f"{name}: {group}Permission is for another function"

    for name, role in roles.items():
        statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
        logs = {s["Resource"] for s in statements if "logs:PutLogEvents" in s["Action"]}
        if logs != {f"{name.removesuffix('Role')}Logs.Arn"}:
            yield f"{name}: may write to {sorted(logs)}"

    for name, integration in integrations.items():
        group = name.removesuffix("Integration")
        if integration["IntegrationUri"] != f"{group}Function.Arn":
            yield f"{name}: leads to {integration['IntegrationUri']}"
        if not permissions[f"{group}Permission"]["SourceArn"].endswith(":${Api}/*"):
            yield f"{group}Permission: does not name this API"

    for name, route in by_type("AWS::ApiGatewayV2::Route").items():
        target = route["Target"].removeprefix("integrations/${").removesuffix("}")
        if target not in integrations:
            yield f"{name}: leads to {route['Target']}"


BINARIES = binaries()
found = [f"{path}: {problem}" for path in TEMPLATES for problem in problems(path)]
print("\n".join(found) or "every function has its own binary, role, log, permission and integration")
sys.exit(bool(found))

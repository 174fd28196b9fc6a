"""What exists once the stacks are created, held against the code that will use it."""

import base64
import hashlib
import json
import re
import tomllib

from . import conditions
from .report import differences
from .stacks import ZIPS
from .templates import ACCOUNT, of_type
from .tools import ROOT

# Parameters that turn every conditional part of the template off. With `on`, they must tell all conditions apart: a new
# condition fails the check `every condition holds once and fails once` until its parameter is in both.
OFF = {
    "DeletionProtection": "false",
    "SigningKeysKmsKey": "aws",
    "Dashboard": "false",
    # What API Gateway's own JWT authorizer takes. The update returns to the default.
    "SigningAlgorithm": "RS256",
}
DOMAIN = "auth.example.com"


def on(aws):
    """Parameters that turn every conditional part on, with what they name made in the emulator."""
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="verify")["HostedZone"]["Id"]
    stream = aws.client("kinesis")
    stream.create_stream(StreamName="audit", ShardCount=1)
    return {
        "DeletionProtection": "true",
        "SigningKeysKmsKey": "create",
        "Dashboard": "true",
        "Audience": "https://api.example.com",
        "AllowedOrigins": "https://app.example.com,https://www.example.com",
        "Issuer": f"https://{DOMAIN}/api/v1/auth",
        "DomainName": DOMAIN,
        "CertificateArn": aws.client("acm").request_certificate(DomainName=DOMAIN)["CertificateArn"],
        "HostedZoneId": zone.rsplit("/", 1)[-1],
        "HashingConcurrency": "5",
        "DeploymentPreference": "Canary10Percent5Minutes",
        # What is deployed gradually is a version, and a release makes one.
        "Release": "2",
        "AlarmTopicArn": aws.client("sns").create_topic(Name="alarms")["TopicArn"],
        "Tracing": "Active",
        "AuditDestinationArn": stream.describe_stream(StreamName="audit")["StreamDescription"]["StreamARN"],
        "AuditDestinationRoleArn": f"arn:aws:iam::{ACCOUNT}:role/audit",
    }


def created(report, stack):
    """Holds a stack against its template and against the code."""
    client = stack.emulator.client
    resources = stack.resources()
    report.check("every resource exists whose condition holds", lambda: _resources(stack, resources))
    report.check("every route leads to the function that the code names", lambda: _routes(client, stack, resources))
    report.check("every function runs the code that was built, with its own role and log", lambda: functions(stack))
    report.check("the tables are those of the code", lambda: _tables(client, stack, resources))
    report.check("every log is kept as long as the parameter says", lambda: _logs(client, stack, resources))
    report.check("every output is exported for other stacks", lambda: _exports(client, stack))


def both_ways(stack, parameters):
    """Conditions that the two sets of parameters do not tell apart."""
    before, after = (conditions.holding(stack.template, given) for given in (OFF, parameters))
    for name in stack.template.get("Conditions", {}):
        if (name in before) == (name in after):
            yield f"{name} is {str(name in before).lower()} before and after the update"


def left_behind(stack, resources):
    """What is still there after the stack's deletion, and should not be; and the reverse."""
    client = stack.emulator.client
    kept = {resources[id] for id, r in stack.template["Resources"].items() if r.get("DeletionPolicy") == "Retain" and id in resources}
    tables = set(client("dynamodb").list_tables()["TableNames"])
    yield from differences(tables, {name for name in kept if name.startswith(f"{stack.name}-")})
    names = {
        "function": [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]],
        "role": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "log": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "API": [api["Name"] for api in client("apigatewayv2").get_apis()["Items"]],
        "alarm": [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]],
    }
    yield from (f"{kind} {name} is still there" for kind, found in names.items() for name in found if stack.name in name)


def _resources(stack, resources):
    return differences(set(resources), conditions.existing(stack.template, stack.parameters))


def _routes(client, stack, resources):
    """The code's list is the one that a test holds against `functions::ROUTES`: cargo-lambda's, because it is data."""
    router = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["metadata"]["lambda"]["watch"]["router"]
    code = {(f"{entry['method']} {path}", entry["function"]) for path, entries in router.items() for entry in entries}

    api = client("apigatewayv2")
    integrations = {f"integrations/{i['IntegrationId']}": i for i in api.get_integrations(ApiId=resources["Api"])["Items"]}
    binaries = _binaries(stack, resources)
    found = set()
    for route in api.get_routes(ApiId=resources["Api"], MaxResults="500")["Items"]:
        arn = integrations[route["Target"]]["IntegrationUri"]
        found.add((route["RouteKey"], next(binary for name, binary in binaries.items() if f":{name}" in arn)))
    return differences(found, code)


def _binaries(stack, resources):
    """The binary of each function, by the function's name."""
    functions = of_type(stack.template, "AWS::Lambda::Function")
    return {resources[id]: f["Code"]["S3Key"].removesuffix(".zip") for id, f in functions.items() if id in resources}


def functions(stack):
    """Functions that are not as the template has them, or that run something else."""
    resources = stack.resources()
    known = stack.emulator.client("lambda")
    roles = {role["Arn"]: role["RoleName"] for role in stack.emulator.client("iam").list_roles()["Roles"]}
    for name, binary in _binaries(stack, resources).items():
        function = known.get_function(FunctionName=name)["Configuration"]
        code = hashlib.sha256((ZIPS / f"{binary}.zip").read_bytes()).digest()
        stem = next(id for id, physical in resources.items() if physical == name).removesuffix("Function")
        if function["CodeSha256"] != base64.b64encode(code).decode():
            yield f"{name} does not run {binary}.zip"
        if roles.get(function["Role"]) != resources[f"{stem}Role"]:
            yield f"{name} runs with {function['Role']}"
        if function["LoggingConfig"]["LogGroup"] != resources[f"{stem}Logs"]:
            yield f"{name} logs to {function['LoggingConfig']['LogGroup']}"


def _tables(client, stack, resources):
    database = client("dynamodb")
    exist = set(database.list_tables()["TableNames"])
    source = (ROOT / "shared/src/config.rs").read_text()
    named = {stack.name + suffix for suffix in re.findall(r'format!\("\{stack\}(-[a-z-]+)"\)', source)}
    yield from (f"`Tables::of_stack` names {name}, which does not exist" for name in sorted(named - exist))
    if not named:
        yield "`Tables::of_stack` names no table"

    for name in of_type(stack.template, "AWS::Lambda::Function"):
        variables = client("lambda").get_function(FunctionName=resources[name])["Configuration"].get("Environment", {})
        for variable, value in variables.get("Variables", {}).items():
            if variable.endswith("_TABLE") and value not in exist:
                yield f"{name}: {variable} is {value}, which does not exist"
    for id, table in of_type(stack.template, "AWS::DynamoDB::Table").items():
        keys = database.describe_table(TableName=resources[id])["Table"]["KeySchema"]
        if keys != table["KeySchema"]:
            yield f"{id} has the keys {keys}"


def _logs(client, stack, resources):
    days = stack.parameters.get("LogRetentionDays") or stack.template["Parameters"]["LogRetentionDays"]["Default"]
    groups = client("logs").get_paginator("describe_log_groups").paginate()
    kept = {group["logGroupName"]: group.get("retentionInDays") for page in groups for group in page["logGroups"]}
    for id in of_type(stack.template, "AWS::Logs::LogGroup"):
        if str(kept.get(resources[id])) != str(days):
            yield f"{id}: {kept.get(resources[id])} days"


def _exports(client, stack):
    exported = {export["Name"] for export in client("cloudformation").list_exports()["Exports"]}
    true = conditions.holding(stack.template, stack.parameters)
    outputs = [output for output in stack.template["Outputs"].values() if "Export" in output and output.get("Condition") in true | {None}]
    expected = {output["Export"]["Name"]["Fn::Sub"].replace("${AWS::StackName}", stack.name) for output in outputs}
    return differences({name for name in exported if name.startswith(f"{stack.name}-")}, expected)

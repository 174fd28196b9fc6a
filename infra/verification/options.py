"""What the conditional parts of the template come to, asked of each service itself."""

import json

from .conditions import existing
from .report import differences
from .templates import of_type


def there(stack):
    """Problems with what exists when every option is on."""
    resources = stack.resources()
    for look in (_alarms, _dashboard, _key, _domain, _audit):
        yield from look(stack, resources)


def _physical(stack, resources, kind):
    exist = existing(stack.template, stack.parameters)
    return {resources[id] for id in of_type(stack.template, kind) if id in exist}


def _alarms(stack, resources):
    found = {alarm["AlarmName"]: alarm for alarm in stack.emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    yield from differences(set(found), _physical(stack, resources, "AWS::CloudWatch::Alarm"))
    topic = stack.parameters["AlarmTopicArn"]
    for name, alarm in found.items():
        if alarm["AlarmActions"] != [topic] or alarm["OKActions"] != [topic]:
            yield f"{name} tells {alarm['AlarmActions']} and {alarm['OKActions']}"


def _dashboard(stack, resources):
    for name in _physical(stack, resources, "AWS::CloudWatch::Dashboard"):
        body = json.loads(stack.emulator.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])
        if not body["widgets"] or "${" in json.dumps(body):
            yield f"{name} has {len(body['widgets'])} widgets, or names in place of values"


def _key(stack, resources):
    keys = stack.emulator.client("kms")
    for id in _physical(stack, resources, "AWS::KMS::Key"):
        if not keys.get_key_rotation_status(KeyId=id)["KeyRotationEnabled"]:
            yield f"the key {id} is not rotated"
        aliases = {alias["AliasName"] for alias in keys.list_aliases(KeyId=id)["Aliases"]}
        yield from differences(aliases, {f"alias/{stack.name}-signing-keys"})


def _domain(stack, resources):
    name = stack.parameters["DomainName"]
    mappings = stack.emulator.client("apigatewayv2").get_api_mappings(DomainName=name)["Items"]
    found = {(mapping["ApiId"], mapping["Stage"], mapping.get("ApiMappingKey") or "") for mapping in mappings}
    yield from differences(found, {(resources["Api"], "$default", "")})
    records = stack.emulator.client("route53").list_resource_record_sets(HostedZoneId=stack.parameters["HostedZoneId"])
    aliases = {record["Name"].rstrip(".") for record in records["ResourceRecordSets"] if "AliasTarget" in record}
    yield from differences(aliases, {name})


def _audit(stack, resources):
    logs = stack.emulator.client("logs")
    for id in of_type(stack.template, "AWS::Lambda::Function"):
        log = resources[f"{id.removesuffix('Function')}Logs"]
        filters = logs.describe_subscription_filters(logGroupName=log)["subscriptionFilters"]
        found = {(part["destinationArn"], part.get("roleArn")) for part in filters}
        yield from differences(found, {(stack.parameters["AuditDestinationArn"], stack.parameters["AuditDestinationRoleArn"])})

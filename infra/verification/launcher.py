"""Starts ministack with what it lacks and these checks rely on. Runs in its virtual environment, not in that of the rest.

- IAM condition keys of DynamoDB: `dynamodb:LeadingKeys`, and `dynamodb:Attributes` of every expression, not of the
  projection alone. Both are worked out here for each item of a transaction, as on AWS.
- The resource of a call that writes to a log is a stream of it, so that a log group's ARN, which ends in `:*`, covers it.
- The resource of a call that reads a parameter by its ARN is that ARN.
- A Lambda authorizer for which CloudFormation was told no identity source has none, instead of `Authorization`.
- An alarm on an expression is kept as one on the first metric in it: ministack takes no expressions.
- `Fn::Join` and `Fn::FindInMap` count within conditions.
- CodeDeploy, which ministack does not have: its resources are taken, and nothing is deployed gradually.
- Names: the URL that CloudFormation gives an API leads to this process, where the native JWT authorizer looks for keys.
"""

import json
import os
import re
from collections import deque
from contextvars import ContextVar

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import apigateway, dynamodb
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

PORT = os.environ["GATEWAY_PORT"]
WORDS = {"AND", "OR", "NOT", "IN", "BETWEEN", "SET", "ADD", "REMOVE", "DELETE", "begins_with", "contains", "size",
         "attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists", "list_append"}
EXPRESSIONS = ("KeyConditionExpression", "FilterExpression", "ProjectionExpression", "UpdateExpression", "ConditionExpression")

# The contexts of a transaction's items, in the order in which they are checked.
pending = ContextVar("pending", default=None)
plain_context, plain_checks, plain_enforce = (
    iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks, iam_evaluator.enforce)
plain_resource = iam_actions.extract_resource_arn
plain_alarm = provisioners._cw_metric_alarm_record
plain_conditions = engine._evaluate_conditions
plain_open = apigateway._urlopen_async
kinds = provisioners._RESOURCE_HANDLERS
plain_create = kinds["AWS::ApiGatewayV2::Authorizer"]["create"]


def partition_key(request):
    table = dynamodb._tables.get(str(request.get("TableName")).rsplit("/", 1)[-1])
    return next(part["AttributeName"] for part in table["KeySchema"] if part["KeyType"] == "HASH") if table else None


def requests_of(body):
    """The single requests that a request consists of."""
    for table, content in body.get("RequestItems", {}).items():
        if isinstance(content, dict):
            yield from ({**content, "TableName": table, "Key": key} for key in content.get("Keys", []))
        else:
            yield from ({"TableName": table, **part} for entry in content for part in entry.values())
    yield body


def keys_of(request):
    """The values that a request gives the partition key."""
    name = partition_key(request)
    for place in ("Key", "Item"):
        if name in request.get(place, {}):
            yield next(iter(request[place][name].values()))
    names = {alias for alias, meant in request.get("ExpressionAttributeNames", {}).items() if meant == name} | {name}
    for left, right in re.findall(r"(#?\w+)\s*=\s*(:\w+)", request.get("KeyConditionExpression", "")):
        if left in names:
            yield next(iter(request.get("ExpressionAttributeValues", {})[right].values()))


def attributes_of(request):
    """The top-level attributes that a request names."""
    yield from (*request.get("Key", {}), *request.get("Item", {}), *request.get("AttributesToGet", []))
    for expression in EXPRESSIONS:
        # A word that is neither a value nor below another attribute.
        for word in re.findall(r"(?<![\w:.#])#?[A-Za-z_]\w*", request.get(expression, "")):
            if word not in WORDS:
                yield request.get("ExpressionAttributeNames", {}).get(word, word)


def context(body):
    found = plain_context(body)
    parts = list(requests_of(json.loads(body or b"{}")))
    for key, values in (("LeadingKeys", keys_of), ("Attributes", attributes_of)):
        named = sorted({value for part in parts for value in values(part)})
        if named:
            found[f"dynamodb:{key}"] = named
    return found


def transaction_checks(action, body, *place):
    checks = plain_checks(action, body, *place)
    items = json.loads(body or b"{}").get("TransactItems", []) if checks else []
    pending.set(deque(context(json.dumps(part).encode()) for item in items for part in item.values()))
    return checks


def enforce(*arguments, service_context=None, **named):
    own = pending.get() if "dynamodb:EnclosingOperation" in (service_context or {}) else None
    return plain_enforce(*arguments, service_context={**service_context, **own.popleft()} if own else service_context, **named)


def resource_arn(service, method, path, headers, *rest):
    arn = plain_resource(service, method, path, headers, *rest)
    if service == "ssm" and ":parameter/arn:" in arn:
        return arn.split(":parameter/", 1)[1]
    writes = headers.get("x-amz-target", "").endswith((".CreateLogStream", ".PutLogEvents"))
    return f"{arn}:log-stream:" if service == "logs" and writes else arn


def create_authorizer(id, properties, stack):
    return plain_create(id, {"IdentitySource": []} | properties, stack)


def alarm_record(name, properties):
    metrics = [metric["MetricStat"] for metric in properties.get("Metrics", []) if "MetricStat" in metric]
    if not metrics:
        return plain_alarm(name, properties)
    flat = {**metrics[0]["Metric"], "Period": metrics[0]["Period"], "Statistic": "Sum"}
    return plain_alarm(name, {key: value for key, value in properties.items() if key != "Metrics"} | flat)


def settled(node, parameters, mappings):
    """A condition with every text in it worked out."""
    if isinstance(node, list):
        return [settled(part, parameters, mappings) for part in node]
    if not isinstance(node, dict):
        return node
    inner = {key: settled(part, parameters, mappings) for key, part in node.items()}
    if "Ref" in inner:
        return parameters[inner["Ref"]]["Value"]
    if "Fn::FindInMap" in inner:
        name, first, second = inner["Fn::FindInMap"]
        return mappings[name][first][second]
    if "Fn::Join" in inner:
        separator, parts = inner["Fn::Join"]
        return separator.join(parts.split(",") if isinstance(parts, str) else parts)
    return inner


def evaluate_conditions(template, parameters):
    conditions = settled(template.get("Conditions", {}), parameters, template.get("Mappings", {}))
    return plain_conditions({**template, "Conditions": conditions}, parameters)


async def urlopen(url, timeout):
    name = re.match(r"https://([0-9a-f]+)\.execute-api\.[^/]+/", str(url))
    return await plain_open(f"http://127.0.0.1:{PORT}/_aws/execute-api/{name[1]}/$default/{url[name.end():]}" if name else url, timeout)


iam_actions.dynamodb_service_context = context
iam_actions.dynamodb_transaction_checks = transaction_checks
iam_actions.extract_resource_arn = resource_arn
iam_evaluator.enforce = enforce
apigateway._urlopen_async = urlopen
provisioners._cw_metric_alarm_record = alarm_record
for module in (changesets, engine, handlers, stacks):
    if hasattr(module, "_evaluate_conditions"):
        module._evaluate_conditions = evaluate_conditions
kinds["AWS::ApiGatewayV2::Authorizer"]["create"] = create_authorizer
for kind in ("Application", "DeploymentGroup"):
    kinds[f"AWS::CodeDeploy::{kind}"] = {
        "create": lambda id, properties, stack: (f"{stack}-{id}", {}), "delete": lambda *resource: None}
app.main()

"""What no other tool sees in the templates.

Not here, because a Rust test knows more about it: which rights, settings and routes the code needs (`tests/template.rs`,
`tests/wiring.rs`).
"""

import re

from samtranslator.internal.schema_source import aws_serverless_function

from .templates import GIVEN, MAIN, expanded, listed, nodes, of_type, target, variants

# Seconds. API Gateway does not wait longer for an integration, nor for an authorizer.
INTEGRATION_LIMIT = 30
AUTHORIZER_LIMIT = 10


def of(path, source, template):
    """Name and problems of every assertion that a template must pass, whatever its conditions."""

    def of_each(assertion):
        return lambda: {problem for variant in variants(template) for problem in assertion(variant)}

    yield "SAM knows every property, those of events too", lambda: misspelt(source)
    yield "route settings are for routes that exist", of_each(route_settings)
    yield "API Gateway waits for every function", of_each(timeouts)
    yield "what hashes passwords reserves the concurrency that the parameter says", lambda: concurrency(template)
    yield "schedules are rates or times that exist", of_each(schedules)
    yield "integrations speak payload 2.0 and lead to functions that let them", of_each(integrations)
    yield "authorizers speak payload 2.0, and keep no result that they could mistake", of_each(authorizers)
    yield "each function has its own role and log", of_each(groups)
    yield "what is imported is exported", of_each(imports)
    yield "a role is given no wildcard by a parameter", of_each(parameters)


def misspelt(source):
    """The transform drops what it does not know, and cfn-lint then never sees it."""
    parts = [("Globals", aws_serverless_function.Globals, source.get("Globals", {}).get("Function", {}))]
    functions = of_type(source, "AWS::Serverless::Function")
    parts += [(id, aws_serverless_function.Properties, properties) for id, properties in functions.items()]
    for id, model, properties in parts:
        try:
            model(**properties)
        except ValueError as error:
            # One error for each kind of event that this one could have been; the unknown names are what matters.
            unknown = {".".join(map(str, e["loc"])) for e in error.errors() if "extra" in e["type"]}
            yield f"{id}: {sorted(unknown) or error}"


def route_settings(template):
    keys = {route["RouteKey"] for route in of_type(template, "AWS::ApiGatewayV2::Route").values()}
    for id, stage in of_type(template, "AWS::ApiGatewayV2::Stage").items():
        for settings in nodes(stage.get("RouteSettings", {})):
            unknown = {key for key in settings if " /" in key or key.startswith(("/", "$"))} - keys
            yield from (f"{id}: there is no route {key}" for key in sorted(unknown))


def timeouts(template):
    functions = of_type(template, "AWS::Lambda::Function")
    for id, limit in _invoked_by_api_gateway(template):
        seconds = functions[id].get("Timeout", 3) if id in functions else 0
        if seconds > limit:
            yield f"{id}: {seconds} s, where API Gateway waits {limit} s"


def _invoked_by_api_gateway(template):
    for integration in of_type(template, "AWS::ApiGatewayV2::Integration").values():
        yield invoked(template, integration["IntegrationUri"]), INTEGRATION_LIMIT
    # Authorizers are used by other stacks: what may be invoked as one is.
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        if "/authorizers/" in str(permission.get("SourceArn")):
            yield invoked(template, permission["FunctionName"]), AUTHORIZER_LIMIT


def invoked(template, value):
    """The function that a value names, itself or by its alias."""
    id = target(value)
    alias = of_type(template, "AWS::Lambda::Alias").get(id)
    return target(alias["FunctionName"]) if alias else id


def concurrency(template):
    """The emulator drops it. Functions that hash are those that are given the peppers."""
    expected = {"Fn::If": ["HasHashingConcurrency", {"Ref": "HashingConcurrency"}, {"Ref": "AWS::NoValue"}]}
    for id, function in of_type(template, "AWS::Lambda::Function").items():
        hashes = "GATELET_PASSWORD_PEPPERS" in function.get("Environment", {}).get("Variables", {})
        if function.get("ReservedConcurrentExecutions") != (expected if hashes else None):
            yield f"{id}: {function.get('ReservedConcurrentExecutions')}"


UNITS = ("minute", "hour", "day")
TIME = r"cron\((\S+ ){5}\S+\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"


def schedules(template):
    for id, resource in template["Resources"].items():
        if resource["Type"] not in ("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
            continue
        expression = resource["Properties"].get("ScheduleExpression")
        if expression is None and resource["Type"] == "AWS::Events::Rule":
            continue
        rate = re.fullmatch(r"rate\(([1-9]\d*) (\w+)\)", str(expression))
        # One is `1 hour`, every other number `2 hours`.
        if rate and rate[2].removesuffix("s") in UNITS and rate[2].endswith("s") == (rate[1] != "1"):
            continue
        if not re.fullmatch(TIME, str(expression)):
            yield f"{id}: {expression}"


def integrations(template):
    permissions = of_type(template, "AWS::Lambda::Permission").values()
    allowed = {invoked(template, p["FunctionName"]) for p in permissions if "${Api}" in str(p.get("SourceArn"))}
    for id, integration in of_type(template, "AWS::ApiGatewayV2::Integration").items():
        if integration.get("PayloadFormatVersion") != "2.0":
            yield f"{id}: payload {integration.get('PayloadFormatVersion')}"
        function = invoked(template, integration["IntegrationUri"])
        if function not in allowed:
            yield f"{id}: no permission lets the API invoke {function}"
    for id, route in of_type(template, "AWS::ApiGatewayV2::Route").items():
        if target(route["Target"]) not in of_type(template, "AWS::ApiGatewayV2::Integration"):
            yield f"{id}: leads to {route['Target']}"


def authorizers(template):
    for id, authorizer in of_type(template, "AWS::ApiGatewayV2::Authorizer").items():
        sources = listed(authorizer.get("IdentitySource", []))
        if authorizer["AuthorizerType"] == "JWT":
            settings = authorizer.get("JwtConfiguration", {})
            if not sources or not settings.get("Issuer") or not settings.get("Audience"):
                yield f"{id}: a JWT authorizer needs an identity source, an issuer and an audience"
            continue
        if authorizer.get("AuthorizerPayloadFormatVersion") != "2.0" or authorizer.get("EnableSimpleResponses") is not True:
            yield f"{id}: the functions answer payload 2.0 with simple responses"
        # API Gateway's own default is to keep a result for 300 s.
        seconds = authorizer.get("AuthorizerResultTtlInSeconds", 300)
        if seconds and not sources:
            yield f"{id}: one caller's result would be kept for all of them"


def groups(template):
    """A slip between two groups still deploys, and then runs with another function's rights or logs where it may not."""
    for id, function in of_type(template, "AWS::Lambda::Function").items():
        stem = id.removesuffix("Function")
        role, log = target(function["Role"]), target(function["LoggingConfig"]["LogGroup"])
        if (role, log) != (f"{stem}Role", f"{stem}Logs"):
            yield f"{id}: runs with {role}, logs to {log}"
        statements = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        written = {target(s["Resource"]) for s in statements if "logs:PutLogEvents" in listed(s["Action"])}
        if written != {log}:
            yield f"{id}: its role may write to {sorted(map(str, written))}"


def parameters(template):
    """Whose ARNs they hold is for the deployment to say, but not everybody's."""
    for id, role in of_type(template, "AWS::IAM::Role").items():
        statements = [s for policy in role.get("Policies", []) for s in policy["PolicyDocument"]["Statement"]]
        for name in {r["Ref"] for s in statements for r in listed(s["Resource"]) if isinstance(r, dict) and "Ref" in r}:
            pattern = template["Parameters"][name].get("AllowedPattern", "")
            taken = [arn for arn in GIVEN[name] if not re.fullmatch(pattern, arn)]
            wild = [arn for arn in ("*", *(arn[:-1] + "*" for arn in GIVEN[name])) if re.fullmatch(pattern, arn)]
            if taken or wild or not pattern:
                yield f"{id}: {name} refuses {taken}, and takes {wild}"


def imports(template):
    exports = {str(output["Export"]["Name"]) for output in expanded(MAIN)["Outputs"].values() if "Export" in output}
    for node in nodes(template):
        if "Fn::ImportValue" in node:
            name = str(node["Fn::ImportValue"]).replace("${GateletStack}", "${AWS::StackName}")
            if name not in exports:
                yield f"nothing exports {node['Fn::ImportValue']}"

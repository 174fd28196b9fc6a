"""Faults, and the check that must find each: a rule that nothing can break is no rule.

A fault changes the template, written or expanded, in one place.
"""

import copy

from . import assertions, text
from .templates import EXAMPLE, MAIN, expanded, variants, written


def put(*path):
    """A change that sets what lies at a path below `Resources` to the last argument, or removes it if that is `None`."""
    *steps, last, value = path

    def change(template):
        node = template["Resources"]
        for step in steps:
            node = node[step]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return change


def properties(id, *path):
    return put(id, "Properties", *path)


def statement(id, **changes):
    """A change of the last statement of a role's policy."""
    return lambda template: template["Resources"][id]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][-1].update(changes)


RATE = {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 hours)"}}
EVENT = {"Hourly": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)", "Inputt": "{}"}}}
GUARD = [
    ("every_table_can_be_restored", MAIN, properties("UsersTable", "PointInTimeRecoverySpecification", None)),
    ("every_table_is_encrypted", MAIN, properties("UsersTable", "SSESpecification", "SSEEnabled", False)),
    ("every_table_expires", MAIN, properties("SessionsTable", "TimeToLiveSpecification", None)),
    ("every_table_expires", MAIN, properties("ThrottlesTable", "TimeToLiveSpecification", "AttributeName", "expires")),
    ("every_log_ends", MAIN, properties("JwksLogs", "RetentionInDays", None)),
    ("every_function_has_a_log", MAIN, properties("JwksFunction", "Role", "arn:aws:iam::0:role/other")),
    ("no_role_has_a_policy", MAIN, properties("JwksRole", "ManagedPolicyArns", ["arn:aws:iam::aws:policy/ReadOnlyAccess"])),
    ("no_role_can_be_assumed", MAIN,
     properties("JwksRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal", {"Service": "x", "AWS": "*"})),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Action=["dynamodb:GetItem", "dynamodb:*"])),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Resource="*")),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Action=["xray:PutTraceSegments", "dynamodb:Scan"], Resource="*")),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Resource=[{"Fn::Sub": "arn:aws:dynamodb:*"}])),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", NotAction="dynamodb:PutItem")),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Resource={"Ref": "OAuthSecretArns"})),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Action="ssm:GetParameter", Resource={"Ref": "OAuthProviders"})),
    ("no_statement_has_a_wildcard", MAIN, statement("JwksRole", Action="ssm:GetParameter", Resource={"Ref": "AuditDestinationArn"})),
    ("only_these_routes", MAIN, properties("JwksRoute", "RouteKey", "GET /api/v1/auth/private")),
    ("only_these_routes", EXAMPLE, properties("OrdersRoute", "AuthorizerId", None)),
    ("only_these_routes", MAIN, put("JwksUrl", {"Type": "AWS::Lambda::Url", "Properties": {}})),
]
ASSERTIONS = [
    (assertions.misspelt, MAIN, properties("JwksFunction", "Tymeout", 3)),
    (assertions.misspelt, MAIN, properties("JwksFunction", "Events", EVENT)),
    (assertions.route_settings, MAIN, properties("Stage", "RouteSettings", {"POST /api/v1/auth/regster": {"ThrottlingRateLimit": 1}})),
    (assertions.timeouts, MAIN, properties("RefreshFunction", "Timeout", 31)),
    (assertions.timeouts, MAIN, properties("AuthorizerFunction", "Timeout", 11)),
    (assertions.concurrency, MAIN, properties("RegisterFunction", "ReservedConcurrentExecutions", None)),
    (assertions.schedules, MAIN, put("Hourly", RATE)),
    (assertions.integrations, MAIN, properties("JwksIntegration", "PayloadFormatVersion", "1.0")),
    (assertions.integrations, MAIN, properties("JwksPermission", "FunctionName", {"Ref": "RefreshFunction"})),
    (assertions.integrations, EXAMPLE, properties("OrdersRoute", "Target", "integrations/none")),
    (assertions.authorizers, EXAMPLE, properties("RequiredAuthorizer", "AuthorizerPayloadFormatVersion", "1.0")),
    (assertions.authorizers, EXAMPLE, properties("OptionalAuthorizer", "AuthorizerResultTtlInSeconds", None)),
    (assertions.groups, MAIN, properties("JwksFunction", "Role", {"Fn::GetAtt": ["RefreshRole", "Arn"]})),
    (assertions.parameters, MAIN, lambda template: template["Parameters"]["OAuthSecretArns"].pop("AllowedPattern")),
    (assertions.parameters, MAIN, lambda template: template["Parameters"]["OAuthSecretArns"].update(AllowedPattern="^arn:.*$")),
    (assertions.imports, EXAMPLE,
     properties("RequiredAuthorizer", "AuthorizerUri", {"Fn::ImportValue": {"Fn::Sub": "${GateletStack}-authoriser-uri"}})),
]
ALL = GUARD + ASSERTIONS


def survivors(guard):
    """The faults that nothing found."""
    originals = {path: expanded(path) for path in (MAIN, EXAMPLE)}
    for index, (rule, path, change) in enumerate(GUARD):
        mutant = copy.deepcopy(originals[path])
        change(mutant)
        found = text.guard_failures(guard, mutant)
        if not found or not all(failure.startswith(rule) for failure in found):
            yield f"fault {index} of {rule}: found were {found}"
    for index, (assertion, path, change) in enumerate(ASSERTIONS):
        mutant = written(path) if assertion is assertions.misspelt else copy.deepcopy(originals[path])
        change(mutant)
        seen = [mutant] if assertion in (assertions.misspelt, assertions.concurrency) else variants(mutant)
        if not any(list(assertion(variant)) for variant in seen):
            yield f"fault {index} of {assertion.__name__}"

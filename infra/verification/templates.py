"""The templates as written, and as CloudFormation sees them after the SAM transform."""

import json
import logging
import re

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from .tools import ROOT, TOOLS

MAIN = "infra/template.yaml"
EXAMPLE = "infra/examples/protected-api.yaml"
PATHS = (MAIN, EXAMPLE)

REGION = "eu-west-1"
ACCOUNT = "000000000000"
BUCKET = "code"

# What an ARN looks like. A type that is missing here fails the check that meets it.
ARNS = {
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{id}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{id}",
    "AWS::IAM::Role": "iam::{account}:role/{id}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{id}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{id}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{id}:*",
    "AWS::SNS::Topic": "sns:{region}:{account}:{id}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{id}",
}
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::StackName": "gatelet",
          "AWS::URLSuffix": "amazonaws.com"}

# What parameters may hold that name resources of others.
GIVEN = {
    "OAuthSecretArns": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/oauth/google",
                        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:oauth/apple-Ab12Cd"],
}

# It reports metrics about itself to AWS, and warns where nobody takes them.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


class NoManagedPolicies:
    """The templates name none, so that nobody needs to ask AWS for their ARNs."""

    def load(self):
        return {}


def written(path):
    """A template as it is in the repository."""
    return yaml_parse((ROOT / path).read_text())


def expanded(path, **parameters):
    """A template after the transform. Its code lies in a bucket, as `sam deploy` would put it there."""
    template = written(path)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["CodeUri"].rstrip("/").removesuffix(".zip").rsplit("/", 1)[-1]
            resource["Properties"]["CodeUri"] = f"s3://{BUCKET}/{name}.zip"
    return transform(template, parameters, NoManagedPolicies())


def saved(path, template):
    """The file that holds an expanded template, for tools that read files."""
    file = TOOLS / f"expanded-{path.rsplit('/', 1)[-1].removesuffix('.yaml')}.json"
    file.write_text(json.dumps(template, indent=2))
    return file


def variants(template):
    """An expanded template with every condition taken as true, and with every one taken as false."""
    return [_chosen(template, 1), _chosen(template, 2)]


def _chosen(value, branch):
    if isinstance(value, list):
        return [part for part in (_chosen(part, branch) for part in value) if part is not None]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        return _chosen(value["Fn::If"][branch], branch)
    if value == {"Ref": "AWS::NoValue"}:
        return None
    return {key: part for key, part in ((k, _chosen(v, branch)) for k, v in value.items()) if part is not None}


def of_type(template, *kinds):
    """Logical id and properties of every resource of these types."""
    return {id: r.get("Properties", {}) for id, r in template["Resources"].items() if r["Type"] in kinds}


def nodes(value):
    """Every object below a value, itself included."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from nodes(child)


def listed(value):
    """What may be one or a list of several."""
    return value if isinstance(value, list) else [value]


def target(value):
    """The logical id that a `Ref`, `GetAtt` or `Sub` of one resource leads to, else None."""
    if not isinstance(value, dict):
        return None
    if "Ref" in value:
        return value["Ref"]
    if "Fn::GetAtt" in value:
        got = value["Fn::GetAtt"]
        return got[0] if isinstance(got, list) else got.split(".")[0]
    named = re.findall(r"\$\{(\w+)[}.]", value["Fn::Sub"]) if isinstance(value.get("Fn::Sub"), str) else []
    return named[0] if len(named) == 1 else None


def resolved(value, template):
    """A value with its intrinsic functions replaced by what they come to, every condition taken as true."""
    if isinstance(value, list):
        return [part for part in (resolved(part, template) for part in value) if part is not None]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        return resolved(value["Fn::If"][1], template)
    if value == {"Ref": "AWS::NoValue"}:
        return None
    if "Ref" in value:
        return _reference(value["Ref"], template)
    if "Fn::GetAtt" in value:
        return arn(target(value), template)
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([\w:]+)(\.Arn)?\}", lambda m: (arn if m[2] else _reference)(m[1], template), value["Fn::Sub"])
    return {key: part for key, part in ((k, resolved(v, template)) for k, v in value.items()) if part is not None}


def _reference(name, template):
    return PSEUDO.get(name) or GIVEN.get(name) or str(template.get("Parameters", {}).get(name, {}).get("Default") or name)


def arn(id, template):
    """The ARN of a resource, or that of the resource whose ARN a parameter holds."""
    return "arn:aws:" + ARNS[template["Resources"][id]["Type"]].format(region=REGION, account=ACCOUNT, id=id)

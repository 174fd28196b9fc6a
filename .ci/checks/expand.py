"""Expands the SAM template on standard input as CloudFormation's own transform does, so that cfn-lint sees what is deployed.

A deployment puts each function's code into a bucket first; any address of that form does here.
"""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template names none, so that nobody needs to ask AWS for their ARNs."""

    def load(self):
        return {}


template = yaml_parse(sys.stdin.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"

json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=2)

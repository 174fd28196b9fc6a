"""Stacks in the emulator, made by the CloudFormation calls that a deployment makes."""

import json
import time

from botocore.exceptions import ClientError

from .templates import BUCKET, REGION, expanded
from .tools import ROOT, succeeds

ZIPS = ROOT / "target/lambda-x86-64"
STACK_SECONDS = 120

# What the functions are made of.
SOURCES = ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo", "functions", "shared", "examples")


def build():
    """Builds the functions, unless they are there and newer than what they are made of."""
    built = [file.stat().st_mtime for file in ZIPS.glob("*.zip")]
    sources = [file for name in SOURCES for file in (ROOT / name, *(ROOT / name).rglob("*")) if file.is_file()]
    if built and min(built) > max(file.stat().st_mtime for file in sources):
        return []
    return succeeds("infra/package", "--x86-64")


def upload(emulator):
    """Puts the functions' code where the templates expect it."""
    storage = emulator.client("s3")
    storage.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for file in ZIPS.glob("*.zip"):
        storage.put_object(Bucket=BUCKET, Key=file.name, Body=file.read_bytes())


class Stack:
    """A stack of one of the templates."""

    def __init__(self, emulator, name, path):
        self.emulator = emulator
        self.name = name
        self.path = path
        self.template = {}
        self.parameters = {}
        self._client = emulator.client("cloudformation")

    def create(self, **parameters):
        return self._deploy(self._client.create_stack, "CREATE_COMPLETE", parameters)

    def update(self, **parameters):
        return self._deploy(self._client.update_stack, "UPDATE_COMPLETE", parameters)

    def delete(self):
        self._client.delete_stack(StackName=self.name)
        return self._wait("DELETE_COMPLETE")

    def _deploy(self, call, goal, parameters):
        # The transform looks at parameters too: whether deployments are gradual decides which resources there are.
        self.template = expanded(self.path, **parameters)
        key = f"{self.name}.json"
        self.emulator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(self.template).encode())
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
        # The one capability that infra/samconfig.toml gives: no role has a name of its own.
        call(StackName=self.name, TemplateURL=f"{self.emulator.endpoint}/{BUCKET}/{key}", Parameters=given,
             Capabilities=["CAPABILITY_IAM"])
        self.parameters = parameters
        return self._wait(goal)

    def _wait(self, goal):
        """Problems, once the stack has come to rest."""
        deadline = time.monotonic() + STACK_SECONDS
        status = "IN_PROGRESS"
        while status.endswith("IN_PROGRESS"):
            if time.monotonic() > deadline:
                return [f"{self.name} is {status} after {STACK_SECONDS} s"]
            time.sleep(0.05)
            status = self._status()
        return [] if status == goal else [f"{self.name} is {status}", *self._failures()]

    def _status(self):
        try:
            return self._client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            if "does not exist" in str(error):
                return "DELETE_COMPLETE"
            raise

    def _failures(self):
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')[:300]}" for event in failed]

    def resources(self):
        """Physical id by logical id."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [summary for page in pages for summary in page["StackResourceSummaries"]]
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found if "DELETE" not in r["ResourceStatus"]}

    def outputs(self):
        stack = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def url(self, path):
        """Where the emulator serves a path of the stack's API."""
        return f"{self.emulator.endpoint}/_aws/execute-api/{self.resources()['Api']}/$default{path}"

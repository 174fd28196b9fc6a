"""Requests with which a role finds out what it may do, and that change nothing where it may."""

import http.client
import json
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .templates import ACCOUNT, REGION

# Partition key, sort key, and the kinds of key that the table holds: what they are called, and one of each.
TABLES = {
    "UsersTable": ("pk", None, [(f"users `{kind}#`", f"{kind}#probe") for kind in ("user", "id", "identity", "email")]),
    "SessionsTable": ("user_key", "session_id", [("sessions", "probe")]),
    "ApplicationsTable": ("pk", None, [("applications `app#`", "app#probe"), ("applications `key#`", "key#probe")]),
    "SigningKeysTable": ("pk", "sk", [(f"signing_keys `{kind}`", kind) for kind in ("private", "public", "mac", "rotation")]),
    "ThrottlesTable": ("pk", None, [(f"throttles `{kind}#`", f"{kind}#probe") for kind in ("account", "device", "source", "register", "flow")]),
    "FlowsTable": ("pk", None, [(f"flows `{kind}#`", f"{kind}#probe") for kind in ("flow", "code")]),
}
LETTERS = {
    "G": "GetItem", "B": "BatchGetItem", "Q": "Query", "q": "Query for named attributes, `key` not among them", "S": "Scan",
    "P": "PutItem", "U": "UpdateItem", "D": "DeleteItem", "C": "ConditionCheckItem", "W": "BatchWriteItem",
    "L": "PartiQL", "A": "administration of the table",
}
READS = set("GBQqSL")
ADMINISTRATION = {
    "DescribeTable": {}, "DeleteTable": {}, "UpdateTable": {"DeletionProtectionEnabled": False},
    "UpdateTimeToLive": {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": False}},
    "CreateBackup": {"BackupName": "probe"}, "DescribeContinuousBackups": {},
}
# What a role that guards an endpoint has no business with: service, signing name, target, arguments.
FOREIGN = [
    ("kms", "TrentService.Decrypt"),
    ("dynamodb", "DynamoDB_20120810.ListTables"),
    ("kms", "TrentService.ListKeys"),
    ("logs", "Logs_20140328.DescribeLogGroups"),
    ("secretsmanager", "secretsmanager.ListSecrets"),
    ("ssm", "AmazonSSM.DescribeParameters"),
    ("events", "AWSEvents.ListRules"),
]


@dataclass
class Probe:
    """One role's attempts. Requests are put together and signed here: there are thousands of them."""

    emulator: object
    role: str
    resources: dict
    # Letters by what the column is called.
    allowed: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    tried: int = 0

    def __post_init__(self):
        name = f"arn:aws:iam::{ACCOUNT}:role/{self.role}"
        given = self.emulator.client("sts").assume_role(RoleArn=name, RoleSessionName="probe")["Credentials"]
        self.credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port, timeout=30)

    def may(self, service, target, **arguments):
        """Whether the role may do it. What else comes of it does not matter."""
        self.tried += 1
        request = AWSRequest("POST", f"{self.emulator.endpoint}/", data=json.dumps(arguments), headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target})
        SigV4Auth(self.credentials, service, REGION).add_auth(request)
        self.connection.request("POST", "/", request.body, dict(request.headers))
        response = self.connection.getresponse()
        answer = response.read().decode()
        if response.status >= 500 or "InvalidSignature" in answer or "UnrecognizedClient" in answer:
            raise RuntimeError(f"{target}: {response.status} {answer[:300]}")
        return not (response.status >= 400 and "AccessDenied" in answer)

    def asks(self, action, **arguments):
        """Whether the role may do this in DynamoDB."""
        return self.may("dynamodb", f"DynamoDB_20120810.{action}", **arguments)

    def tables(self):
        """Tries everything on every table."""
        for id, (partition, sort, kinds) in TABLES.items():
            table = self.resources[id]
            administers = [self.asks(name, TableName=table, **arguments)
                           for name, arguments in ADMINISTRATION.items()]
            for column, value in kinds:
                letters = self.item(table, partition, sort, value)
                if self.asks("Scan", TableName=table):
                    letters.add("S")
                if any(administers):
                    letters.add("A")
                self.allowed[column] = letters
        return self

    def item(self, table, partition, sort, value):
        """The letters for one kind of key."""
        key = {partition: {"S": value}} | ({sort: {"S": "probe"}} if sort else {})
        # A condition that never holds, so that no write happens.
        never = {"ConditionExpression": "attribute_exists(#p) AND attribute_not_exists(#p)", "ExpressionAttributeNames": {"#p": partition}}
        query = {"KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": partition},
                 "ExpressionAttributeValues": {":p": {"S": value}}}
        single = {
            "G": ("GetItem", {"TableName": table, "Key": key}),
            "P": ("PutItem", {"TableName": table, "Item": key, **never}),
            "U": ("UpdateItem", {"TableName": table, "Key": key, **never}),
            "D": ("DeleteItem", {"TableName": table, "Key": key, **never}),
        }
        several = {
            "B": ("BatchGetItem", {"RequestItems": {table: {"Keys": [key]}}}),
            "W": ("BatchWriteItem", {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}),
            "Q": ("Query", {"TableName": table, **query}),
            "q": ("Query", {"TableName": table, **query, "Select": "SPECIFIC_ATTRIBUTES",
                                        "ProjectionExpression": "#p, created_at"}),
            "C": ("TransactWriteItems", {"TransactItems": [{"ConditionCheck": {"TableName": table, "Key": key, **never}}]}),
            "L": ("ExecuteStatement", {"Statement": f"SELECT * FROM \"{table}\" WHERE {partition} = '{value}'"}),
        }
        letters = {letter for letter, (action, arguments) in (single | several).items() if self.asks(action, **arguments)}
        self._in_transaction(single, letters, f"{table} {value}")
        return letters

    def _in_transaction(self, single, letters, where):
        """A transaction is no action of its own: it takes the rights of its parts, no more and no fewer."""
        members = {"P": "Put", "U": "Update", "D": "Delete"}
        changes = {"UpdateExpression": "SET probe = :v", "ExpressionAttributeValues": {":v": {"S": ""}}}
        for letter, (_, arguments) in single.items():
            part = arguments | (changes if letter == "U" else {})
            if letter == "G":
                may = self.asks("TransactGetItems", TransactItems=[{"Get": part}])
            else:
                may = self.asks("TransactWriteItems", TransactItems=[{members[letter]: part}])
            if may != (letter in letters):
                self.problems.append(f"{self.role}: {LETTERS[letter]} on {where} is {'' if may else 'not '}allowed in a transaction")

    def both(self, one, other):
        """Whether two signing keys of different kinds can be read in one request."""
        table = self.resources["SigningKeysTable"]
        keys = [{"pk": {"S": kind}, "sk": {"S": "probe"}} for kind in (one, other)]
        gets = [{"Get": {"TableName": table, "Key": key}} for key in keys]
        return (self.asks("BatchGetItem", RequestItems={table: {"Keys": keys}})
                or self.asks("TransactGetItems", TransactItems=gets))

    def reads(self, arn):
        """Whether the role may read a client secret, with or without its value in clear text."""
        if ":ssm:" in arn:
            name = arn.split(":parameter", 1)[1]
            return any([self.may("ssm", "AmazonSSM.GetParameter", Name=arn, WithDecryption=True),
                        self.may("ssm", "AmazonSSM.GetParameters", Names=[name]),
                        self.may("ssm", "AmazonSSM.GetParametersByPath", Path="/")])
        return any([self.may("secretsmanager", "secretsmanager.GetSecretValue", SecretId=arn),
                    self.may("secretsmanager", "secretsmanager.BatchGetSecretValue", SecretIdList=[arn])])

    def elsewhere(self, own_log, logs):
        """What the role may do, or not do, outside the tables, and should not."""
        for log in logs:
            if self.may("logs", "Logs_20140328.CreateLogStream", logGroupName=log, logStreamName=self.role) != (log == own_log):
                self.problems.append(f"{self.role} {'may not write to its own log' if log == own_log else f'may write to {log}'}")
        for service, target in FOREIGN:
            if self.may(service, target):
                self.problems.append(f"{self.role} may call {target}")
        return self

#!/usr/bin/env python3
"""Computes the tables of docs/cost.md: from list prices, measured units and stated assumptions.

Usage: docs/cost.py [--check]

Writes the tables into docs/cost.md. With --check nothing is written: the tables must be there as computed, and the units
of every operation must stand in its function's row of the README, whose figures tests/ledger.rs holds to what DynamoDB reports.
"""

import math
import re
import sys
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "cost.md"
MILLION = 1_000_000
GB = 1_000_000_000
HOURS = 730


class Price(NamedTuple):
    dollars: float
    unit: str
    what: str
    source: str


DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
LAMBDA = "https://aws.amazon.com/lambda/pricing/"
CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
API = Price(1.00, "million requests", "HTTP API, first 300 million a month", "https://aws.amazon.com/api-gateway/pricing/")
CALLS = Price(0.20, "million requests", "Lambda", LAMBDA)
TIME = Price(0.0000133334, "GB-second", "Lambda on arm64", LAMBDA)
WRITES = Price(0.625, "million write units", "DynamoDB, on-demand", DYNAMODB)
READS = Price(0.125, "million read units", "DynamoDB, on-demand", DYNAMODB)
STORAGE = Price(0.25, "GB-month", "DynamoDB, stored", DYNAMODB)
RECOVERY = Price(0.20, "GB-month", "DynamoDB, point-in-time recovery", DYNAMODB)
LOGS = Price(0.50, "GB", "CloudWatch Logs, taken in", CLOUDWATCH)
METRIC = Price(0.30, "metric and month", "CloudWatch, custom metrics, by the hour in which they were sent", CLOUDWATCH)
ALARM = Price(0.10, "metric and month", "CloudWatch alarm, standard resolution, by each metric that it reads", CLOUDWATCH)
TRANSFER = Price(0.09, "GB", "to the internet, first 10 TB a month", "https://aws.amazon.com/ec2/pricing/on-demand/")
DASHBOARD = Price(3.00, "dashboard and month", "CloudWatch", CLOUDWATCH)
KEY = Price(1.00, "key and month", "KMS, customer-managed", "https://aws.amazon.com/kms/pricing/")
PRICES = [API, CALLS, TIME, WRITES, READS, STORAGE, RECOVERY, LOGS, METRIC, ALARM, DASHBOARD, KEY, TRANSFER]

# A function of this size has one processor, a smaller one its share (MB).
WHOLE_PROCESSOR = 1769
# Assumed: DynamoDB's answer, network included (ms), and the answer to the caller, headers included (bytes).
ROUND_TRIP = 5.0
ANSWER = 1500
# Assumed: a provider's answer to the request for tokens, while the function waits and is billed (ms). What else it is asked for is kept.
PROVIDER = 200.0
# Bytes in the log, with the 26 that CloudWatch adds to a line. Measured on the local stack: the function's own line, and with an
# audit event and metrics. From the form of these lines: Lambda's (start and report) and API Gateway's.
QUIET, AUDITED, LOGGED_BY_LAMBDA, LOGGED_BY_API = 450, 1000, 700, 450
# Measured by `cargo bench --package tests`: CPU (ms) of a refresh, for whatever hashes no password, and of a sign-in.
CPU, HASHING = 0.6, 21.6
# Assumed: CPU (ms) of the same where a provider's ID token is verified, which an RSA key signs as a rule, and TLS spoken to it.
RELYING = 2.0


class Operation(NamedTuple):
    name: str
    function: str
    units: str
    """As the README says it."""
    writes: float
    reads: float
    round_trips: int
    cpu: float = CPU
    memory: int = 256
    logged: int = QUIET
    api: bool = True
    waits: float = 0.0
    """For others than DynamoDB (ms)."""

    def billed(self):
        computing = self.cpu * WHOLE_PROCESSOR / min(self.memory, WHOLE_PROCESSOR)
        return math.ceil(computing + self.round_trips * ROUND_TRIP + self.waits)

    def parts(self):
        """Dollars per million: HTTP API and transfer, Lambda, DynamoDB, logs."""
        seconds = self.billed() / 1000 * self.memory / 1024 * MILLION
        logged = self.logged + LOGGED_BY_LAMBDA + (LOGGED_BY_API if self.api else 0)
        yield API.dollars + ANSWER * MILLION / GB * TRANSFER.dollars if self.api else 0.0
        yield CALLS.dollars + seconds * TIME.dollars
        yield self.writes * WRITES.dollars + self.reads * READS.dollars
        yield logged * MILLION / GB * LOGS.dollars

    def total(self):
        return sum(self.parts())


OPERATIONS = [
    Operation("register", "register", "1 W + 4 W", 5, 0, 2, HASHING, 1769, AUDITED),
    Operation("sign in by `user_id`", "authenticate", "2 R + 4 W + ½ R", 4, 2.5, 4, HASHING, 1769, AUDITED),
    Operation("refresh", "refresh", "1 W + 1 R", 1, 1, 1, logged=AUDITED),
    Operation("refresh, late (case C)", "refresh", "2 W + 1 R", 2, 1, 2, logged=AUDITED),
    Operation("refresh, without rotation", "refresh", "2 R", 0, 2, 1, logged=AUDITED),
    Operation("log out", "logout", "1 W", 1, 0, 1, logged=AUDITED),
    Operation("token info, whoami", "token_info", "2 R", 0, 2, 1),
    Operation("introspect", "introspect", "2 R", 0, 2, 1),
    Operation("revoke", "revoke", "1 W", 1, 0, 1, logged=AUDITED),
    Operation("list sessions", "sessions", "1 R + 1 R", 0, 2, 1),
    Operation("end one session", "sessions", "3 R + 1 W", 1, 3, 3, logged=AUDITED),
    Operation("end all sessions", "sessions", "2 R + 1 W", 1, 2, 2, logged=AUDITED),
    Operation("begin a sign-in at a provider", "oauth_start", "2 W", 2, 0, 2),
    Operation("end it, with cookies", "oauth_callback", "2 R + 2 W + ½ R", 2, 2.5, 4, RELYING, logged=AUDITED, waits=PROVIDER),
    Operation("end it, with a code", "oauth_callback", "With a code: 2 W", 2, 0, 2, RELYING, waits=PROVIDER),
    Operation("exchange the code", "oauth_exchange", "3 R + 4 W + ½ R", 4, 3.5, 5, logged=AUDITED),
    Operation("list identities", "identities", "list: 2 R", 0, 2, 1),
    Operation("link an identity", "identities", "Link: 4 R + 6 W", 6, 4, 4, logged=AUDITED),
    Operation("remove an identity", "identities", "Remove: 2 R + 4 W", 4, 2, 2, logged=AUDITED),
    Operation("public keys, discovery", "jwks", "0", 0, 0, 0),
    Operation("authorizer, live check `strong`", "authorizer", "`strong` 2 R", 0, 2, 1, api=False),
    Operation("authorizer, `eventual`", "authorizer", "`eventual` 1 R", 0, 1, 1, api=False),
    Operation("authorizer, `off`", "authorizer", "`off` 0", 0, 0, 0, api=False),
]
BY_NAME = {operation.name: operation for operation in OPERATIONS}
# What a person does once, and takes several requests.
TOGETHER = {
    "sign in at a provider, with cookies": ("begin a sign-in at a provider", "end it, with cookies"),
    "sign in at a provider, with a code": ("begin a sign-in at a provider", "end it, with a code", "exchange the code"),
}

# Assumed of an active user in a month: signs in once a week, is there on 20 days for 3 hours, and 20 minutes make one refresh.
USAGE = {"register": 0.1, "sign in by `user_id`": 4, "refresh": 180, "log out": 1, "public keys, discovery": 1}
GUARDED = {"authorizer, live check `strong`": 1000}
# Two items for the account and two sessions, with DynamoDB's overhead (bytes).
STORED = 2500
# Metrics that functions send while there is traffic, and those that `rotate_keys` sends every hour: key age, cold starts.
METRICS, STANDING_METRICS = 19, 2


def main():
    page = PAGE.read_text()
    tables = {"prices": prices(), "operations": operations(), "idle": idle(), "users": users()}
    computed = page
    for name, rows in tables.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        computed, found = re.subn(pattern, lambda match: match[1] + "\n".join(rows) + "\n" + match[2], computed, flags=re.DOTALL)
        if found != 1:
            sys.exit(f"{PAGE}: no place for the table {name}")

    if "--check" not in sys.argv:
        PAGE.write_text(computed)
    elif computed != page:
        sys.exit(f"{PAGE} does not say what it computes: run docs/cost.py")
    elif strays := [operation.name for operation in OPERATIONS if not stated(operation)]:
        sys.exit(f"the README states other units: {strays}")


def stated(operation):
    rows = (DOCS.parent / "README.md").read_text().splitlines()
    row = next(row for row in rows if row.startswith(f"| `{operation.function}` |"))
    return operation.units in row.split("|")[5]


def alarms():
    """How many metrics the template's alarms read, but for those that come with a parameter."""
    resources = re.split(r"\n(?=  \w+:\n)", (DOCS.parent / "infra/template.yaml").read_text())
    standing = [text for text in resources if "Type: AWS::CloudWatch::Alarm" in text and "Condition: HasAlarms" in text]
    return len(standing), sum(text.count("MetricName:") for text in standing)


def money(dollars):
    # Half a cent is rounded up, as people do.
    return f"${dollars + 1e-9:,.2f}"


def prices():
    yield from table(["what", "price", "for a", "source"])
    for price in PRICES:
        dollars = f"{price.dollars:.10f}".rstrip("0").rstrip(".")
        yield row([price.what, f"${dollars}", price.unit, f"<{price.source}>"])


def operations():
    head = ["a million of", "HTTP API, transfer", "Lambda (billed)", "DynamoDB", "logs", "together"]
    yield from table(head)
    for name, parts in [*((operation.name, [operation]) for operation in OPERATIONS), *together()]:
        api, compute, database, logs = (money(sum(column)) for column in zip(*(part.parts() for part in parts)))
        billed, total = sum(part.billed() for part in parts), sum(part.total() for part in parts)
        yield row([name, api, f"{compute} ({billed} ms)", database, logs, f"**{money(total)}**"])


def together():
    return ((name, [BY_NAME[part] for part in parts]) for name, parts in TOGETHER.items())


def standing():
    """Dollars a month of a stack that nobody uses, by what they are for."""
    count, metrics = alarms()
    rotations = Operation("rotate_keys", "rotate_keys", "", 0, 3, 2, 10, 1024, api=False)
    return {
        f"{count} alarms, which read {metrics} metrics": metrics * ALARM.dollars,
        "the dashboard": DASHBOARD.dollars,
        f"{STANDING_METRICS} metrics that `rotate_keys` sends": STANDING_METRICS * METRIC.dollars,
        "the KMS key": KEY.dollars,
        f"`rotate_keys`, {HOURS} times": HOURS / MILLION * rotations.total(),
    }


def idle():
    yield from table(["what", "a month"])
    for what, dollars in standing().items():
        yield row([what, money(dollars)])
    yield row(["together", f"**{money(sum(standing().values()))}**"])


def users():
    head = ["active users", "requests", "a second, on average", "usage", "storage", "standing", "together", "a user"]
    yield from table([*head, "with 1000 guarded requests each"])
    requests = sum(USAGE.values())
    usage, guarded = spent(USAGE), spent(GUARDED)
    storage = STORED / GB * (STORAGE.dollars + RECOVERY.dollars)
    fixed = sum(standing().values()) + (METRICS - STANDING_METRICS) * METRIC.dollars
    for people in (1_000, 10_000, 100_000, 1_000_000):
        parts = [people * usage, people * storage, fixed]
        total, rate = sum(parts), people * requests / (HOURS * 3600)
        sums = [*map(money, parts), f"**{money(total)}**", f"${total / people:.4f}", money(total + people * guarded)]
        yield row([f"{people:,}", f"{people * requests:,.0f}", f"{rate:.1f}", *sums])


def spent(usage):
    return sum(count * BY_NAME[name].total() for name, count in usage.items()) / MILLION


def table(head):
    return [row(head), row(["---"] * len(head)).replace(" ", "")]


def row(cells):
    return f"| {' | '.join(cells)} |"


main()

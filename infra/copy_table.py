"""Copies the items of one DynamoDB table into another that has the same key.

Without --replace an item that the target has already stays as it is there. Nothing is ever deleted. The copy can be
repeated after an interruption.
"""

import argparse
import collections
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# As many parts of the source are read and written at the same time.
SEGMENTS = 8


def main():
    parser = argparse.ArgumentParser(prog="infra/copy-table", description=__doc__)
    parser.add_argument("source", help="the table that is read")
    parser.add_argument("target", help="the table that is written to")
    parser.add_argument("--replace", action="store_true", help="overwrite items that the target has already")
    parser.add_argument("--dry-run", action="store_true", help="write nothing, and count what would be written")
    parser.add_argument("--source-region", help="where the source is (default: as the target)")
    parser.add_argument("--region", help="where the target is (default: as the AWS tools are configured)")
    options = parser.parse_args()

    region = options.region or os.environ.get("AWS_REGION")
    source, target = client(options.source_region or region), client(region)
    key = key_of(source, options.source)
    if key_of(target, options.target) != key:
        parser.error(f"{options.source} and {options.target} have different keys")

    with ThreadPoolExecutor(SEGMENTS) as pool:
        counts = list(pool.map(lambda segment: copy(source, target, key, options, segment), range(SEGMENTS)))
    total = sum(counts, collections.Counter())
    print(f"{total['written']} {'would be ' if options.dry_run else ''}written, {total['kept']} left as the target has them")


def client(region):
    # The endpoint can be another one, by AWS_ENDPOINT_URL_DYNAMODB. Adaptive: slows down when the table throttles.
    return boto3.client("dynamodb", region_name=region, config=Config(retries={"mode": "adaptive", "max_attempts": 20}))


def key_of(dynamodb, table):
    schema = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    return [(part["AttributeName"], part["KeyType"]) for part in schema]


def copy(source, target, key, options, segment):
    """Copies one part of the table, and returns how many items were written and how many kept."""
    counts = collections.Counter()
    scan = source.get_paginator("scan")
    for page in scan.paginate(TableName=options.source, Segment=segment, TotalSegments=SEGMENTS, ConsistentRead=True):
        for item in page["Items"]:
            counts["written" if put(target, key, options, item) else "kept"] += 1
    return counts


def put(target, key, options, item):
    if options.dry_run:
        identity = {name: item[name] for name, _ in key}
        there = "Item" in target.get_item(TableName=options.target, Key=identity, ConsistentRead=True)
        return options.replace or not there

    condition = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": key[0][0]}}
    try:
        target.put_item(TableName=options.target, Item=item, **({} if options.replace else condition))
    except target.exceptions.ConditionalCheckFailedException:
        return False
    return True


try:
    main()
except (BotoCoreError, ClientError) as error:
    sys.exit(f"infra/copy-table: {error}")

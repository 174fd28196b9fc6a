"""The command `infra/verify`."""

import argparse
import sys

from . import live, text
from .report import Report

LEVELS = ("text", "deployed", "running")


def main():
    parser = argparse.ArgumentParser(prog="infra/verify", description="Proves the templates on three levels.")
    parser.add_argument("levels", nargs="*", metavar="LEVEL", help=f"only these: {', '.join(LEVELS)}")
    chosen = set(parser.parse_args().levels or LEVELS)
    if unknown := chosen - set(LEVELS):
        parser.error(f"no such level: {', '.join(sorted(unknown))}")

    report = Report()
    if "text" in chosen:
        text.verify(report)
    if chosen - {"text"}:
        live.verify(report, chosen)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

"""The command `infra/verify`."""

import argparse
import sys

from . import text
from .report import Report

LEVELS = {"text": text}


def main():
    parser = argparse.ArgumentParser(prog="infra/verify", description="Proves the templates on three levels.")
    parser.add_argument("levels", nargs="*", metavar="LEVEL", help=f"only these: {', '.join(LEVELS)}")
    chosen = parser.parse_args().levels or list(LEVELS)
    unknown = set(chosen) - set(LEVELS)
    if unknown:
        parser.error(f"no such level: {', '.join(sorted(unknown))}")

    report = Report()
    for name in chosen:
        LEVELS[name].verify(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

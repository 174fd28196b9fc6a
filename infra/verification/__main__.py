"""The command `infra/verify`."""

import argparse
import signal
import sys

from . import live, text
from .report import Report

LEVELS = ("text", "deployed", "running", "privileges")


def main():
    parser = argparse.ArgumentParser(prog="infra/verify", description="Proves the templates on three levels.")
    parser.add_argument("levels", nargs="*", metavar="LEVEL", help=f"only these: {', '.join(LEVELS)}")
    parser.add_argument("--bless", action="store_true", help="write infra/privileges.md as it is found to be")
    options = parser.parse_args()
    chosen = set(options.levels or LEVELS)
    if unknown := chosen - set(LEVELS):
        parser.error(f"no such level: {', '.join(sorted(unknown))}")

    # As Ctrl-C: the emulator must not outlive this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    report = Report()
    if "text" in chosen:
        report.level("text", lambda: text.verify(report))
    if chosen - {"text"}:
        report.level("live", lambda: live.verify(report, chosen, options.bless))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

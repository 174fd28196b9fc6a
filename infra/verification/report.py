"""One line per check, and their count."""

import sys
import threading
import time
import traceback


class Report:
    """Collects the outcome of checks that may run at the same time."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._lock = threading.Lock()
        self._start = time.monotonic()

    def heading(self, text):
        self._print(f"\n{text}")

    def check(self, name, problems):
        """`problems` is a list, empty if the check holds; or what makes one, whose exceptions are problems too."""
        try:
            problems = list(problems() if callable(problems) else problems)
        except Exception as error:  # Whatever goes wrong in one check, the others still run.
            problems = [_told(error)]
        with self._lock:
            self.passed += not problems
            self.failed += bool(problems)
        self._print("\n".join([f"{'FAILED' if problems else 'ok'}: {name}", *(f"        {problem}" for problem in problems)]))
        return not problems

    def level(self, name, verify):
        """Runs the checks of a level. What ends them early is a failure, and the count is printed all the same."""
        try:
            verify()
        except Exception as error:
            self.check(f"the level `{name}` comes to its end", [_told(error)])

    def not_shown(self, what):
        """Says what a check of this kind would be expected to show, and why it does not."""
        self._print(f"NOT SHOWN: {what}")

    def finish(self):
        seconds = round(time.monotonic() - self._start)
        self._print(f"\n{self.passed} passed, {self.failed} failed in {seconds} s")
        return 1 if self.failed else 0

    def _print(self, text):
        with self._lock:
            print(text, file=sys.stdout, flush=True)


def _told(error):
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({where.filename.rsplit('/', 1)[-1]}:{where.lineno})"


def differences(actual, expected):
    """What two sets do not have in common, in words."""
    yield from (f"unexpected: {item}" for item in sorted(actual - expected, key=str))
    yield from (f"missing: {item}" for item in sorted(expected - actual, key=str))

"""A local stack for a check: started with `cargo dev`, and gone afterwards."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECRET = "nine teal kettles sing"

# The stack may have to be compiled first.
START_SECONDS = 20 * 60
STOP_SECONDS = 30


@contextlib.contextmanager
def local_stack(*options):
    """Yields what the stack's ready file says."""
    with tempfile.TemporaryDirectory() as directory:
        ready_file = Path(directory, "ready.json")
        command = ["cargo", "dev", "--port", "0", "--exit-with-stdin", "--ready-file", ready_file]
        command += ["--log-file", Path(directory, "functions.log"), *options]
        settings = {"cwd": ROOT, "env": environment(), "stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
        process = subprocess.Popen(command, start_new_session=True, **settings)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not ready_file.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"FAILED: the local stack is not ready; exit code {process.poll()}")
                time.sleep(0.1)
            yield json.loads(ready_file.read_text())

            process.stdin.close()
            if process.wait(STOP_SECONDS) != 0:
                sys.exit(f"FAILED: the local stack's exit code is {process.returncode}")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def environment():
    """The developer's, without what would lead to another deployment or around this machine."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATELET_"))}
    return {**ours, "no_proxy": "127.0.0.1"}


def sign_up(stack):
    """A function that signs a new user of the application `service` in."""
    user = {"user_id": f"user-{time.monotonic_ns()}", "user_secret": SECRET}
    post(stack, "/register", user)
    return lambda: post(stack, "/authenticate", user)


def post(stack, path, body):
    headers = {"Api-Key": stack["applications"]["service"]["secret_key"], "Content-Type": "application/json"}
    request = urllib.request.Request(f"{stack['base_url']}/api/v1/auth{path}", json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return json.load(answer)

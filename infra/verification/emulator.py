"""The AWS emulator: ministack on a free port, with each function's own rights enforced."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

from .templates import ACCOUNT, REGION
from .tools import LOGS, TOOLS

START_SECONDS = 60
STOP_SECONDS = 5


class Emulator:
    """A running emulator. Its clients use the account's root credentials."""

    def __init__(self, port):
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self._session = boto3.session.Session(region_name=REGION)

    def client(self, service, credentials=None):
        """A client of one service, by default with every right."""
        key, secret, token = credentials or ("test", "test", None)
        return self._session.client(
            service, endpoint_url=self.endpoint, config=Config(retries={"total_max_attempts": 1}),
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token)


@contextlib.contextmanager
def running():
    """Starts an emulator, and ends it and every function that it started."""
    shutil.rmtree(LOGS, ignore_errors=True)
    temporary = LOGS / "tmp"
    temporary.mkdir(parents=True)
    port = free_port()
    with (LOGS / "ministack.log").open("w") as log:
        command = [TOOLS / "ministack/bin/python", "-I", Path(__file__).with_name("launcher.py")]
        process = subprocess.Popen(
            command, env=_environment(port, temporary), cwd=LOGS, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(process, port)
            yield Emulator(port)
        finally:
            _end(process)
            shutil.rmtree(temporary, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(port, temporary):
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATELET_"))}
    return own | {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "TMPDIR": str(temporary),
        # Inherited by the functions: where their DynamoDB and their client secrets are.
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_SSM": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://127.0.0.1:{port}",
    }


def _wait(process, port):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ministack ended with {process.returncode}: {(LOGS / 'ministack.log').read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
                return
        time.sleep(0.05)
    raise RuntimeError(f"ministack did not answer within {START_SECONDS} s")


def _end(process):
    """The functions are in the emulator's process group."""
    for name in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, name)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)

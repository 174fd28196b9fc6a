"""Where things are, and programs that are not Python."""

import base64
import hashlib
import platform
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target/tools"
# What a failed run leaves behind.
LOGS = ROOT / "target/verify"
BIN = Path(sys.executable).parent

# The npm package that carries the binary of cfn-guard, which is on no registry by itself.
GUARD_PACKAGE = "@cdklabs/cdk-validator-cfnguard@0.0.62"
GUARD_SHA512 = "Sg2k8067B0AIJ82QFSLhHTUIqxOYTKABvVrTHiyc6j0rE2NHli2diIYqf+w+DkuDKCYYgMIOga3OrYMOHUw0mQ=="


def run(*command, **options):
    """Runs a program in the project's folder; its output is the result."""
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def succeeds(*command, **options):
    """The lines that a program printed, if it failed."""
    done = run(*command, **options)
    return done.stdout.splitlines() or [f"exit code {done.returncode}"] if done.returncode else []


def cfn_guard():
    """The path of cfn-guard, which is fetched the first time."""
    folder = TOOLS / "cfn-guard-0.0.62"
    binary = folder / "cfn-guard"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        packed = run("npm", "pack", "--silent", "--pack-destination", folder, GUARD_PACKAGE, check=True)
        archive = folder / packed.stdout.split()[-1]
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != GUARD_SHA512:
            raise RuntimeError(f"{archive.name} is not the file that was pinned: sha512 {digest}")
        machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
        system = "macos" if sys.platform == "darwin" else "ubuntu"
        with tarfile.open(archive) as content:
            partial = folder / "partial"
            partial.write_bytes(content.extractfile(f"package/bin/{system}/{machine}/cfn-guard").read())
        partial.chmod(0o755)
        partial.rename(binary)
        archive.unlink()
    return binary

#!/usr/bin/env python3
"""Makes .venv from the lock files, so that `make run` and `make test` work on a fresh machine.

Standard library only and readable by any Python 3, so that an old one gets a sentence instead of a
traceback. Safe to run again: it does only what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (ROOT / "portal" / "requirements.lock", ROOT / "portal" / "model.lock")
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "setup.stamp"
MINIMUM = (3, 11)


class Refused(Exception):
    """The set-up cannot go on; the text is the one line a person reads."""


def main():
    try:
        check_machine()
        wanted = fingerprint()
        if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
            return 0
        install()
        STAMP.write_text(wanted)
    except Refused as refusal:
        return "Set-up stopped: {}".format(refusal)
    except KeyboardInterrupt:
        return "Set-up stopped by you. Run it again to go on."
    return 0


def check_machine():
    if sys.version_info < MINIMUM:
        raise Refused(
            "Python {}.{} or newer is needed and this is {}. Install one and run "
            "`make run PYTHON=python3.12`.".format(MINIMUM[0], MINIMUM[1], sys.version.split()[0])
        )
    probe = ROOT / ".write-probe-{}".format(os.getpid())
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refused(
            "the folder {} cannot be written to ({}). Unpack the package into a folder of "
            "yours.".format(ROOT, error.strerror)
        ) from None
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise Refused(
            "this Python comes without its venv module. Install it (Debian and Ubuntu: "
            "`apt-get install python3-venv`) and run again."
        ) from None


def install():
    started = time.monotonic()
    print("-- Making the environment in .venv (once, a minute or two)", flush=True)
    if VENV.exists():
        shutil.rmtree(str(VENV))
    run("the environment cannot be made", sys.executable, "-m", "venv", str(VENV))
    pip("--requirement", str(LOCKS[0]))
    pip("--no-deps", "--requirement", str(LOCKS[1]))
    print("-- Environment ready after {:.0f} s".format(time.monotonic() - started), flush=True)


def pip(*arguments):
    run(
        "pip could not install the libraries; its message is above. Check the network or the "
        "package index that pip is set to, and run again",
        str(PYTHON),
        *("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"),
        *arguments,
    )


def run(failure, *command):
    if subprocess.call(list(command)) != 0:
        raise Refused("{}.".format(failure))


def fingerprint():
    digest = hashlib.sha256("{} {}".format(VENV, sys.version_info[:2]).encode())
    for path in LOCKS:
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())

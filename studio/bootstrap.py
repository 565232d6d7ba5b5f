#!/usr/bin/env python3
"""Makes a fresh checkout runnable: environment from the lock files, then the front end.

Runs before anything is installed: standard library only, and readable by any Python 3, so that an
old one gets a sentence instead of a traceback. Safe to run again; does only what is missing.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "deploy" / "locks"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MINIMUM = (3, 11)
PIP = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet"]


class Refused(Exception):
    """The set-up cannot go on; the text is the one line a person reads."""


def main():
    parser = argparse.ArgumentParser(prog="make setup", description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    options = parser.parse_args()
    try:
        check_machine()
        with Lock():
            make_environment(dev=options.dev)
        subprocess.run([str(PYTHON), "-m", "studio.assets"], cwd=str(ROOT), check=True)
    except Refused as refusal:
        return "Set-up stopped: {}".format(refusal)
    except subprocess.CalledProcessError as error:
        return "Set-up stopped: `{}` failed (exit {}); its message is above.".format(
            " ".join(str(part) for part in error.cmd[:5]), error.returncode
        )
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
            "the folder {} cannot be written to ({}). Move the checkout to a folder of yours.".format(
                ROOT, error.strerror
            )
        ) from None
    if PYTHON.exists():
        return
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise Refused(
            "this Python comes without its venv module. Install it (Debian and Ubuntu: "
            "`apt-get install python3-venv`) and run again."
        ) from None


class Lock:
    """One set-up of a checkout at a time; a second one waits."""

    def __enter__(self):
        self.file = (ROOT / ".setup.lock").open("w")
        if os.name != "nt":
            import fcntl

            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def make_environment(dev):
    locks = [LOCKS / name for name in ("runtime.lock", "build.lock", "model.lock")]
    if dev:
        locks.insert(0, LOCKS / "dev.lock")
    wanted = fingerprint(locks)
    stamp = VENV / ("setup-dev.stamp" if dev else "setup.stamp")
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    if not usable():
        if VENV.exists():
            shutil.rmtree(str(VENV))
        say("Making the environment in .venv")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    say("Installing the locked dependencies (once, a minute or two)")
    for path in locks:
        bare = ["--no-deps"] if path.name == "model.lock" else []
        pip("--require-hashes", *bare, "-r", str(path))
    pip("--no-build-isolation", "--no-deps", "--editable", ".")
    for old in VENV.glob("setup*.stamp"):
        old.unlink()
    stamp.write_text(wanted)
    if dev:
        (VENV / "setup.stamp").write_text(fingerprint(locks[1:]))
    say("Environment ready after {:.0f} s".format(time.monotonic() - started))


def usable():
    """Whether the environment belongs to this folder and its interpreter still starts."""
    if not PYTHON.exists():
        return False
    try:
        home = subprocess.run(
            [
                str(PYTHON),
                "-c",
                "import sys; print(sys.prefix); assert sys.version_info >= (3, 11)",
            ],
            stdout=subprocess.PIPE,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return Path(home.stdout.decode().strip()) == VENV


def pip(*arguments):
    try:
        subprocess.run([str(PYTHON), *PIP, *arguments], cwd=str(ROOT), check=True)
    except subprocess.CalledProcessError:
        raise Refused(
            "pip could not install the dependencies; its message is above. Check the network or "
            "the package index that pip is set to, and run again."
        ) from None


def fingerprint(paths):
    digest = hashlib.sha256("{} {}".format(ROOT, sys.version_info[:2]).encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def say(text):
    print("-- " + text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

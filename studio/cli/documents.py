"""Text files as arguments: from disk, or `-` for standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from studio.cli.output import refuse

LIMIT_BYTES = 1024 * 1024
"""As in `yaml_io`; read no more than it would take."""


def shown(path: str) -> str:
    return "<stdin>" if path == "-" else path


def read(path: str) -> str:
    """The text of a file. Raises Refused, by name, if it cannot be read as UTF-8 or is too large."""
    try:
        return read_bytes(path, LIMIT_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse(f"{shown(path)} is not UTF-8 text (byte {error.start}).")


def read_bytes(path: str, most: int) -> bytes:
    """The first bytes of a file, at most so many. Raises Refused, by name, if it cannot be read."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(most)
        with Path(path).open("rb") as file:
            return file.read(most)
    except OSError as error:
        refuse(f"{shown(path)} cannot be read: {error.strerror}.")


def write(path: str, text: str, *, force: bool) -> None:
    """Write a new file. Raises Refused if there is one already (unless `force`) or no place for it."""
    try:
        with Path(path).open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        refuse(f"{path} exists already. Choose another name, or replace it with --force.")
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}.")

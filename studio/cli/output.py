"""What the command line prints: results on stdout, everything else on stderr.

With --json stdout holds exactly one JSON document, whether the command succeeded or not.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from apps.runtime.errors import Conflict, ServiceFault, StudioError, UserFault
from studio.cli import exits

PLAIN_EVERY_S = 2.0
"""Between two lines of progress where stderr is no terminal."""


class Refused(UserFault):
    """An argument that argparse could not judge."""

    code = "cli.argument"
    sentence = "{reason}"


class Output:
    def __init__(self, *, as_json: bool, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.lively = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._bar_length = 0
        self._last_line = ("", 0.0)

    def result(self, data: dict[str, Any], text: str) -> None:
        """The command's answer, in the form that was asked for."""
        self.clear()
        print(json.dumps(data, ensure_ascii=False, indent=2) if self.as_json else text, flush=True)

    def write(self, text: str) -> None:
        """A part of the answer as it comes; nothing with --json, where it comes whole."""
        if not self.as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Something that a person may want to know and a pipeline does not."""
        if not self.quiet:
            self.clear()
            print(text, file=sys.stderr, flush=True)

    def progress(self, what: str, done: int, total: int, message: str = "") -> None:
        """A bar on a terminal; elsewhere a line when something changed, at most every two seconds."""
        if self.quiet:
            return
        share = f"{done}/{total}" if total else ""
        rest = " ".join(part for part in (share, message) if part)
        line = f"{what}: {rest}" if rest else what
        if self.lively:
            self._draw(line, done, total)
            return
        last, at = self._last_line
        if line != last and time.monotonic() - at >= PLAIN_EVERY_S:
            self._last_line = (line, time.monotonic())
            print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the bar off the terminal."""
        if self._bar_length:
            print("\r" + " " * self._bar_length + "\r", end="", file=sys.stderr, flush=True)
            self._bar_length = 0

    def _draw(self, line: str, done: int, total: int) -> None:
        width = shutil.get_terminal_size().columns - 1
        filled = round(20 * done / total) if total else 0
        bar = f"[{'#' * filled}{'.' * (20 - filled)}] " if total else ""
        text = f"{bar}{line}"[:width]
        print(f"\r{text.ljust(self._bar_length)}", end="", file=sys.stderr, flush=True)
        self._bar_length = len(text)

    def error(self, error: StudioError) -> int:
        """Say what went wrong; returns the exit code for it."""
        self.clear()
        data = error.as_dict()
        if self.as_json:
            print(json.dumps({"error": data}, ensure_ascii=False, indent=2), flush=True)
        else:
            print(f"genai-studio: {error}", file=sys.stderr)
            for finding in data.get("findings", [])[:50]:
                print(
                    f"  {_place(finding)}{finding['code']}: {finding['message']}", file=sys.stderr
                )
        return exit_code(error)

    def crashed(self, error: Exception) -> int:
        """An error of ours: the traceback for whoever mends it, and still one JSON document."""
        self.clear()
        traceback.print_exception(error)
        message = f"This stopped on an error of ours: {type(error).__name__}: {error}"
        if self.as_json:
            print(json.dumps({"error": {"code": "cli.crashed", "message": message}}, indent=2))
        print(f"genai-studio: {message}", file=sys.stderr)
        return exits.FAILED

    def interrupted(self) -> int:
        self.clear()
        if self.as_json:
            message = "Interrupted; nothing that was confirmed is lost."
            print(json.dumps({"error": {"code": "cli.interrupted", "message": message}}, indent=2))
        else:
            print("genai-studio: interrupted.", file=sys.stderr)
        return exits.INTERRUPTED


def _place(finding: Mapping[str, Any]) -> str:
    """ "line 3, column 9: ", or the path where the line is not known, or nothing."""
    if line := finding.get("line"):
        column = finding.get("column")
        return f"line {line}, column {column}: " if column else f"line {line}: "
    return f"{finding['path']}: " if finding.get("path") else ""


def exit_code(error: StudioError) -> int:
    if isinstance(error, ServiceFault) or error.code.startswith("service."):
        return exits.UNAVAILABLE if error.status in {400, 502, 503, 504} else exits.FAILED
    if isinstance(error, Conflict):
        return exits.FAILED
    return exits.BAD_INPUT if isinstance(error, UserFault) else exits.FAILED


def refuse(reason: str) -> NoReturn:
    raise Refused(reason=reason)

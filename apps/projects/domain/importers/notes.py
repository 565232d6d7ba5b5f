"""What is said about an import: one note per element, each at its place in the foreign file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from apps.projects.domain.findings import Finding, Severity
from apps.projects.domain.importers.document import Document
from apps.projects.domain.importers.secrets import Secrets
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

MOST: Final = 500
SPILL: Final = 4000
"""Characters beyond a limit that are looked at, so that no secret is cut in two before it is seen."""


@dataclass(slots=True)
class Notes:
    """Collects; `done` gives them in the order of the file. Texts of the file go through `text`."""

    document: Document
    secrets: Secrets = field(default_factory=Secrets)
    found: list[Finding] = field(default_factory=list)
    more: int = 0

    def carried(self, path: Path, message: str) -> None:
        self._add("import.carried", message, path, "info")

    def changed(self, path: Path, message: str) -> None:
        self._add("import.changed", message, path, "warning")

    def left_out(self, path: Path, message: str) -> None:
        self._add("import.left-out", message, path, "warning")

    def open(self, path: Path, message: str) -> None:
        """Something that is left for the person to do."""
        self._add("import.to-do", message, path, "warning")

    def secret(self, path: Path, name: str) -> None:
        message = (
            f"{short(name)} held a secret. It is not taken over: put it into the connection that needs "
            "it, and change it if this file was ever passed on."
        )
        self._add("import.secret", message, path, "warning")

    def broken(self, path: Path, message: str) -> None:
        """Something is wrong with the file; the import goes on without it."""
        self._add("import.broken", message, path, "warning")

    def prevents(self, code: str, message: str, path: Path = ()) -> None:
        self._add(code, message, path, "error")

    def block(self, value: Any, path: Path) -> dict[str, Any]:
        return self._typed(value, path, dict, "a block of keys") or {}

    def items(self, value: Any, path: Path) -> list[Any]:
        return self._typed(value, path, list, "a list") or []

    def text(self, value: Any, path: Path, limit: int = 20_000) -> str:
        """A text or number of the file as text: without secrets, no longer than `limit`."""
        if value is None:
            return ""
        if isinstance(value, (dict, list)):
            self.broken(path, f"{_last(path)} must be text. It is left out.")
            return ""
        given = str(value)[: limit + SPILL].strip()
        whole = self.secrets.scrub(given)
        if whole != given:
            self.secret(path, f"A text in {_last(path)}")
        if len(whole) > limit or len(str(value)) > limit + SPILL:
            self.changed(path, f"{_last(path)} is cut off after {limit:,} characters.")
        return whole[:limit]

    def done(self) -> list[Finding]:
        if self.more:
            message = f"{self.more:,} further notes are not listed."
            self.found.append(Finding("import.more", message, (), "warning"))
        placed = [self._placed(one) for one in dict.fromkeys(self.found)]
        return sorted(placed, key=lambda one: (one.severity != "error", one.line, one.column))

    def _placed(self, one: Finding) -> Finding:
        line, column = self.document.place(one.path)
        message = self.secrets.scrub(one.message)
        return replace(one, message=message, line=line, column=column)

    def _typed(self, value: Any, path: Path, kind: type, words: str) -> Any:
        if value is None or isinstance(value, kind):
            return value
        self.broken(path, f"{_last(path)} must be {words}. It is left out.")
        return None

    def _add(self, code: str, message: str, path: Path, severity: Severity) -> None:
        if len(self.found) >= MOST and severity != "error":
            self.more += 1
        else:
            self.found.append(Finding(code, message, path, severity))


def _last(path: Path) -> str:
    return short(next((part for part in reversed(path) if isinstance(part, str)), "The file"))

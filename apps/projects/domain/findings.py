"""What is wrong with a spec, said the same way beside a form field, a YAML line or a node."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
"""info: nothing is wrong; said so that nothing happens in silence (importers)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """code   stable, dotted ("spec.value.out-of-range")
    path     where in the document: ("spec", "parameters", "temperature")
    line, column   1-based place in the YAML text where it is known, else 0
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    severity: Severity = "error"
    line: int = 0
    column: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": ".".join(str(part) for part in self.path)}

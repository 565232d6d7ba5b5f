"""A foreign file as plain values with the place of each: the limits of every format in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from apps.projects.domain.shape import Path

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_DEPTH: Final = 48
"""Levels of nesting. Workflow files have about ten, twenty with data inside."""
MAX_VALUES: Final = 60_000
"""Values of a file. A workflow of 200 nodes has about 15,000."""
MAX_ELEMENTS: Final = 500
MAX_EDGES: Final = 2000
"""Nodes and edges of a graph, as many as a flow takes."""

Place = tuple[int, int]


@dataclass(slots=True)
class Document:
    """places: 1-based line and column of every value by its path."""

    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """That of the value, or of the nearest block around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


class Refused(Exception):
    """The file as a whole cannot be imported, because of one place."""

    def __init__(self, code: str, message: str, place: Place = (1, 1)) -> None:
        self.code, self.message, self.place = code, message, place
        super().__init__(message)


def decoded(raw: bytes) -> str:
    """The text of a file. Raises Refused if it is too large or no UTF-8."""
    if len(raw) > MAX_BYTES:
        raise too_large()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise Refused(
            "import.encoding",
            f"The file is not UTF-8 text (byte {error.start}). Save it as UTF-8.",
            (before.count(b"\n") + 1, column),
        ) from error
    return text


def too_large() -> Refused:
    return Refused(
        "import.too-large",
        f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB. A workflow holds settings only; "
        "take documents and data out of it.",
    )


def too_many(place: Place) -> Refused:
    return Refused("import.too-large", f"The file has more than {MAX_VALUES:,} values.", place)


def too_deep(place: Place) -> Refused:
    return Refused("import.too-deep", f"This is nested more than {MAX_DEPTH} levels deep.", place)

"""The parts of redis:// and postgresql:// addresses."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

PORTS = {"redis": 6379, "rediss": 6379, "postgresql": 5432}


@dataclass(frozen=True, slots=True)
class Place:
    """database: a number for Redis. sslmode: "" leaves it to the client."""

    scheme: str
    host: str
    port: int
    user: str = ""
    database: str = ""
    sslmode: str = ""


def place_of(url: str) -> Place:
    """Raises ValueError for what is no address at all; `connections.domain.guard` says it better."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in PORTS:
        raise ValueError("it is not an address of this kind of store")
    return Place(
        parts.scheme,
        parts.hostname,
        parts.port or PORTS[parts.scheme],
        unquote(parts.username or ""),
        unquote(parts.path.strip("/")),
        parse_qs(parts.query).get("sslmode", [""])[0],
    )

"""Keys, tokens and passwords in foreign files: taken out before anything else looks at the values.

What is taken out is known by its key (huggingFaceToken, api_key), by the field that declares it (type:
password), or by its looks (Bearer …, sk-…, user:password@). References to secrets stay, they hold none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from apps.projects.domain.shape import Path

GONE: Final = "[removed]"
SHORTEST: Final = 6
"""Characters from which a secret is looked for in other texts; shorter ones would hit words."""
MOST: Final = 200
"""Secrets that are looked for in other texts."""

_KEY: Final = re.compile(
    r"(api|access|private|secret|auth|encryption|signing|account)[_-]?key([_-]?id)?$|token$"
    r"|password$|passwd$|passphrase$|secret$|credentials?$|authorization$|connection[_-]?string$"
)
_HARMLESS: Final = frozenset(("", "na", "n/a", "none", "null", "true", "false", "no-auth", "***"))
_REFERENCE: Final = re.compile(r"\s*(\{\{[^{}]*\}\}|\$\{?\w+\}?|\$\(\w+\)|<[\w -]+>)\s*")
_DECLARED: Final = frozenset(("password", "secret", "secret-input", "credential"))
_DECLARED_BY: Final = ("type", "value_type", "form_type")
_CALLED_BY: Final = ("name", "key", "variable")
_HELD_IN: Final = ("value", "default")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# All bounded: in a long text, an open end would make the search quadratic.
_LOOKS: Final = (
    re.compile(r"\b(?:Bearer|Basic)\s+(?!\{\{|\$)([A-Za-z0-9._~+/=-]{6,})", re.IGNORECASE),
    re.compile(r"\b((?:sk|pk|rk)-[A-Za-z0-9_-]{12,})"),
    re.compile(r"\b(hf_[A-Za-z0-9]{8,})"),
    re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{12,})"),
    re.compile(r"\b(xox[abprs]-[A-Za-z0-9-]{8,})"),
    re.compile(r"\b((?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,})"),
    re.compile(r"\b(eyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{0,2000})"),
    re.compile(
        r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?)"
    ),
    re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://([^\s/@:]{0,300}:[^\s/@]{1,300})@", re.IGNORECASE),
    re.compile(
        r"[?&;](?:api[_-]?key|key|access[_-]?token|token|password|secret|sig|signature)="
        r"(?!\{\{)([^&\s#\"']+)",
        re.IGNORECASE,
    ),
    re.compile(
        r"^[ \t]*[\"']?(?:[\w-]{0,60}[_-](?:key|token|secret)|apikey|authorization|password|token)"
        r"[\"']?[ \t]*[:=][ \t]*"
        r"(?!\{\{)[\"']?([^\s\"',]{6,})",
        re.IGNORECASE | re.MULTILINE,
    ),
)

Noted = Callable[[Path, str], None]


@dataclass(slots=True)
class Secrets:
    """What was taken out, so that it can be taken out of other texts as well."""

    known: list[str] = field(default_factory=list)

    def strip(self, value: Any, noted: Noted, path: Path = ()) -> Any:
        """The same values without secrets. noted: is told the place and what the secret was called."""
        if isinstance(value, dict):
            declared = _declares(value)
            called = next((value[one] for one in _CALLED_BY if _is_text(value.get(one))), "")
            return {
                key: self._entry(key, item, called if declared else "", noted, (*path, key))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.strip(item, noted, (*path, at)) for at, item in enumerate(value)]
        return value

    def scrub(self, text: str) -> str:
        """A text without what was taken out elsewhere, and without what looks like a secret."""
        for secret in self.known:
            if secret in text:
                text = text.replace(secret, GONE)
        for looks in _LOOKS:
            text = looks.sub(_without_group, text)
        return text

    def _entry(self, key: str, value: Any, called: str, noted: Noted, path: Path) -> Any:
        """called: what a block that declares its value secret is called."""
        secret = is_secret_key(key) or (called and key in _HELD_IN)
        if not secret or isinstance(value, (bool, type(None))):
            return self.strip(value, noted, path)
        if isinstance(value, (dict, list)):
            return self.strip(value, noted, path)
        text = str(value)
        if text.strip().lower() in _HARMLESS or _REFERENCE.fullmatch(text):
            return value
        if len(text) >= SHORTEST and len(self.known) < MOST and text not in self.known:
            self.known.append(text)
        noted(path, called if called and key in _HELD_IN else key)
        return ""


def is_secret_key(key: str) -> bool:
    return _KEY.search(_CAMEL.sub("_", key[-200:]).lower()) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _declares(block: dict[str, Any]) -> bool:
    """Whether a block says of itself that its value is secret, as fields, variables and headers do."""
    said = (block.get(key) for key in _DECLARED_BY)
    called = (block.get(key) for key in _CALLED_BY)
    return any(one in _DECLARED for one in said if isinstance(one, str)) or any(
        is_secret_key(one) for one in called if isinstance(one, str)
    )


def _without_group(found: re.Match[str]) -> str:
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    whole = found.group()
    return whole if whole[start:end] == GONE else whole[:start] + GONE + whole[end:]

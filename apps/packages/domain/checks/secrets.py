"""No stored secret in any byte, in clear or encoded."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from apps.packages.domain.checks.files import Files, error, warning
from apps.packages.domain.tree import Entry
from apps.projects.domain.findings import Finding

SHORT = 8
"""Characters below which a match may be chance (an empty-minded key "test"): then a warning."""


def check_secrets(files: Files, secrets: Sequence[str]) -> Iterator[Finding]:
    """One finding per file and secret. The finding never repeats the secret."""
    needles = {secret: _forms(secret) for secret in dict.fromkeys(secrets) if secret}
    if not needles:
        return
    longest = max(len(form) for forms in needles.values() for form in forms)
    for entry in files.entries:
        for secret in _found(entry, needles, longest):
            say = warning if len(secret) < SHORT else error
            yield say(
                "package.secret",
                f"{entry.path} holds a stored secret. Take it out of the project or its documents.",
                entry.path,
            )


def _found(entry: Entry, needles: dict[str, set[bytes]], longest: int) -> list[str]:
    found: set[str] = set()
    tail = b""
    for block in (entry.path.encode(), b"\0" * longest, *entry.blocks()):
        window = tail + block
        found |= {
            secret
            for secret, forms in needles.items()
            if secret not in found and any(form in window for form in forms)
        }
        tail = window[-longest:]
    return sorted(found)


def _forms(secret: str) -> set[bytes]:
    """The secret's bytes as they are, escaped for JSON and URLs, in hex and in base64."""
    raw = secret.encode()
    escaped = {json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode()}
    hexadecimal = {raw.hex().encode(), raw.hex().upper().encode()}
    return {raw} | escaped | hexadecimal | _base64_forms(raw)


def _base64_forms(raw: bytes) -> set[bytes]:
    """What base64 makes of these bytes wherever they begin in a longer text: for each of the three
    alignments the characters that do not depend on the neighbours."""
    forms: set[bytes] = set()
    for shift in range(3):
        padded = b"\0" * shift + raw
        padded += b"\0" * (-len(padded) % 3)
        first = -(-shift * 8 // 6)
        last = (shift + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(padded)[first:last])
    return {form for form in forms if len(form) >= 4}

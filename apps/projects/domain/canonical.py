"""One byte form per spec, whatever its YAML looks like, and its hash."""

from __future__ import annotations

import hashlib
import json

from apps.projects.domain.spec import ProjectSpec


def canonical_json(spec: ProjectSpec) -> bytes:
    """UTF-8 JSON with sorted keys, every default written out, no spaces."""
    values = spec.model_dump(mode="json", by_alias=True)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(spec: ProjectSpec) -> str:
    return hashlib.sha256(canonical_json(spec)).hexdigest()

"""One byte form per spec, whatever its YAML looks like, and its hash.

Left out is what changes nothing about what runs: where nodes stand on the canvas, tags, and parts that are at
their default and that earlier releases did not know, so that the hashes of their versions stay.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, Final

from apps.projects.domain.spec import Knowledge, Part, ProjectSpec, Retrieve, Spec

LATER: Final[dict[str, tuple[str, ...]]] = {
    "spec": ("starters", "speech", "languages", "summary", "guardrails", "flow"),
    "spec.knowledge": ("rerank", "store"),
    "spec.knowledge.retrieve": ("diversity", "min_score"),
}
"""Keys that came after the first release."""
_MODELS: Final[dict[str, type[Part]]] = {
    "spec": Spec,
    "spec.knowledge": Knowledge,
    "spec.knowledge.retrieve": Retrieve,
}


def canonical_json(spec: ProjectSpec) -> bytes:
    """UTF-8 JSON with sorted keys, defaults written out but for LATER's, no spaces."""
    values = spec.model_dump(mode="json", by_alias=True)
    del values["spec"]["layout"], values["metadata"]["tags"]
    for place, keys in LATER.items():
        block: Any = values
        for part in place.split("."):
            block = block[part]
        for key in keys:
            if block[key] == _default(place, key):
                del block[key]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


@cache
def _default(place: str, key: str) -> Any:
    field = _MODELS[place].model_fields[key]
    default = field.get_default()
    if isinstance(default, tuple):
        return list(default)
    return (
        default.model_dump(mode="json", by_alias=True)
        if default is not None and hasattr(default, "model_dump")
        else default
    )


def sha256(spec: ProjectSpec) -> str:
    return hashlib.sha256(canonical_json(spec)).hexdigest()

"""Edits of a spec: pure functions from spec to spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from apps.projects.domain.findings import Finding
from apps.projects.domain.pydantic_findings import did_you_mean, from_validation
from apps.projects.domain.shape import Path, is_open_at, keys_at
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import plain
from apps.projects.domain.yaml_nodes import Unreadable, read
from apps.projects.errors import SpecRefused

ROOTS = ("apiVersion", "kind", "metadata", "spec")


def assign(spec: ProjectSpec, changes: Mapping[str, Any]) -> ProjectSpec:
    """The spec with each dotted path set to its value; "deployment.port" means "spec.deployment.port".

    A block is merged, a list replaced. Raises SpecRefused with every finding.
    """
    values = plain(spec)
    findings: list[Finding] = []
    for dotted, value in changes.items():
        finding = _put(values, _path(dotted), value)
        findings += [finding] if finding else []
    if findings:
        raise SpecRefused(findings)
    return _validated(values)


def assign_text(spec: ProjectSpec, assignments: list[str]) -> ProjectSpec:
    """As `assign`, from "path=value" strings whose values are read as YAML ("8081", "[a, b]")."""
    changes: dict[str, Any] = {}
    for assignment in assignments:
        dotted, sign, text = assignment.partition("=")
        if not sign or not dotted.strip():
            message = f"“{assignment}” is not an assignment. Write path=value."
            raise SpecRefused([Finding("spec.assignment", message)])
        try:
            changes[dotted.strip()] = read(text).value if text.strip() else ""
        except Unreadable as error:
            raise SpecRefused([Finding(error.code, error.message, _path(dotted))]) from error
    return assign(spec, changes)


def digest(spec: ProjectSpec, parts: Iterable[Path]) -> str:
    """A short fingerprint of what the spec says at these places, to tell whether it has changed."""
    values = [_value_at(plain(spec), part) for part in parts]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def with_collections(spec: ProjectSpec, names: tuple[str, ...]) -> ProjectSpec:
    return assign(spec, {"spec.knowledge.collections": list(names)})


def renamed(spec: ProjectSpec, name: str, title: str) -> ProjectSpec:
    return assign(spec, {"metadata.name": name, "metadata.title": title})


def _value_at(values: Any, path: Path) -> Any:
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _path(dotted: str) -> tuple[str, ...]:
    parts = tuple(dotted.strip().split("."))
    return parts if parts[0] in ROOTS else ("spec", *parts)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> Finding | None:
    block = values
    for depth, part in enumerate(path):
        allowed = keys_at(path[:depth])
        if part not in allowed and not is_open_at(path[:depth]):
            hint = did_you_mean(part, allowed) or (
                f" Known here: {', '.join(allowed)}." if allowed else ""
            )
            dotted = ".".join(path)
            return Finding("spec.key.unknown", f"There is no setting {dotted}.{hint}", path)
        if depth < len(path) - 1:
            block = block.setdefault(part, {})
    if isinstance(value, dict) and isinstance(block.get(path[-1]), dict):
        block[path[-1]] = _deep(block[path[-1]], value)
    else:
        block[path[-1]] = value
    return None


def _deep(old: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        inner = merged.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        merged[key] = _deep(inner, value) if both else value  # type: ignore[arg-type]
    return merged


def _validated(values: dict[str, Any]) -> ProjectSpec:
    try:
        return ProjectSpec.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise SpecRefused(from_validation(error)) from error

"""The spec as YAML text and back, keeping comments, order and places."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString
from ruamel.yaml.util import load_yaml_guess_indent

from apps.projects.domain import shape
from apps.projects.domain.findings import Finding
from apps.projects.domain.pydantic_findings import from_validation
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.starter import starter
from apps.projects.domain.upgrade import upgrade
from apps.projects.domain.yaml_nodes import STUMBLES, Document, Place, Unreadable, read, short
from apps.projects.domain.yaml_patch import Unpatchable, Writing, patched
from apps.projects.errors import VersionUnknown

__all__ = ["brief", "dump", "locate", "merge", "parse", "starter"]

WIDE = 1_000_000
"""Columns before ruamel folds a line: never."""


def parse(text: str) -> tuple[ProjectSpec | None, list[Finding]]:
    """The spec, or None and what is wrong, each with line and column. Never raises."""
    spec, findings = _parsed(text)
    return spec, list(findings)


@lru_cache(maxsize=32)
def _parsed(text: str) -> tuple[ProjectSpec | None, list[Finding]]:
    """One request reads the same file several times: to show it, to edit it, to say what changed."""
    try:
        document = read(text)
    except Unreadable as error:
        finding = Finding(error.code, error.message, (), "error", error.line, error.column)
        return None, [finding]
    spec, findings = _validate(document.value)
    return spec, _with_places(document, findings)


def locate(text: str, findings: Iterable[Finding]) -> list[Finding]:
    """The findings with the lines and columns that their paths have in this text, top to bottom."""
    try:
        return _with_places(read(text), findings)
    except Unreadable:
        return list(findings)


def dump(spec: ProjectSpec) -> str:
    """The whole spec as YAML, defaults written out."""
    stream = io.StringIO()
    _writer().dump(_for_yaml(plain(spec)), stream)
    return stream.getvalue()


def written(value: Any) -> str:
    """A plain value as YAML, as it is written in a project's file."""
    stream = io.StringIO()
    _writer().dump(_for_yaml(value), stream)
    return stream.getvalue()


def brief(spec: ProjectSpec) -> str:
    """The spec as YAML, parts and settings that are at their default left out."""
    name, application = spec.metadata.name, spec.spec.application
    head = f"apiVersion: {spec.api_version}\nkind: {spec.kind}\nmetadata:\n  name: {name}\n"
    return merge(f"{head}spec:\n  application: {application}\n", spec)


def merge(text: str, spec: ProjectSpec) -> str:
    """`text` with the spec's values: comments and order stay, keys at their default are not added.

    Byte-identical when nothing changed. Falls back to `dump` if the text cannot be edited so that it
    reads back as the same spec.
    """
    if parse(text)[0] == spec:
        return text
    for edit in (_patched, _edited):
        try:
            edited = edit(text, spec)
        except (YAMLError, Unpatchable, Unreadable, *STUMBLES):
            continue
        if parse(edited)[0] == spec:
            return edited
    return dump(spec)


def plain(spec: ProjectSpec) -> dict[str, Any]:
    """The spec as JSON-like values under the names that the file uses. Nodes of a flow say only what they
    set themselves."""
    values: dict[str, Any] = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for node in values["spec"].get("flow", {}).get("nodes", ()):
        for key in ("title", "params"):
            if not node[key]:
                del node[key]
    return values


def _validate(value: Any) -> tuple[ProjectSpec | None, list[Finding]]:
    if value is None:
        message = "The file is empty. Start with the output of “genai-studio init”."
        return None, [Finding("spec.document.empty", message)]
    if not isinstance(value, dict):
        message = f"The file is {type_name(value)}. It must be a block of keys."
        return None, [Finding("spec.value.type", message)]
    if "apiVersion" in value:
        try:
            value = upgrade(value)
        except VersionUnknown as error:
            return None, [Finding(error.code, str(error), ("apiVersion",))]
    else:
        message = "apiVersion is missing. Begin the file with apiVersion: genai.studio/v1."
        return None, [Finding("spec.key.missing", message, ("apiVersion",))]
    try:
        return ProjectSpec.model_validate_json(json.dumps(_set_keys(value, ())), strict=True), []
    except ValidationError as error:
        return None, from_validation(error)


def type_name(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"“{short(value)}”"


def _set_keys(value: Any, path: Path) -> Any:
    """Without keys that stand there empty (`title:`): they mean “not set”, as in Kubernetes."""
    if isinstance(value, dict):
        known = shape.keys_at(path)
        return {
            key: _set_keys(item, (*path, key))
            for key, item in value.items()
            if item is not None or key not in known
        }
    if isinstance(value, list):
        return [_set_keys(item, (*path, index)) for index, item in enumerate(value)]
    return value


_AT_KEY = frozenset(("spec.key.unknown",))


def _with_places(document: Document, findings: Iterable[Finding]) -> list[Finding]:
    placed = [_placed(document.places, finding) for finding in findings]
    return sorted(placed, key=lambda one: (one.line, one.column))


def _placed(places: dict[Path, Place], finding: Finding) -> Finding:
    if finding.line:
        return finding
    path = finding.path
    exact = path in places
    while path and path not in places:
        path = path[:-1]
    place = places.get(path, Place(1, 1, 1, 1))
    at_key = not exact or finding.code in _AT_KEY
    line, column = (place.key_line, place.key_column) if at_key else (place.line, place.column)
    return dataclasses.replace(finding, line=line, column=column)


def _writer() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = WIDE
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


_BLOCK_LIST = re.compile(r"^ *- ", re.MULTILINE)


def _patched(text: str, spec: ProjectSpec) -> str:
    lines = text.replace("\r\n", "\n")
    writing = Writing(written, _without_defaults)
    edited = patched(lines, read(lines), plain(spec), _defaults(spec), writing)
    return edited.replace("\n", "\r\n") if lines != text else edited


def _edited(text: str, spec: ProjectSpec) -> str:
    yaml = _writer()
    document, indent, offset = load_yaml_guess_indent(text, yaml=yaml)
    if indent is not None and _BLOCK_LIST.search(text):
        yaml.indent(mapping=2, sequence=indent, offset=offset or 0)
    yaml.explicit_start = text.startswith("---")
    _update(document, plain(spec), _defaults(spec))
    stream = io.StringIO()
    yaml.dump(document, stream)
    edited = stream.getvalue()
    return edited.replace("\n", "\r\n") if "\r\n" in text else edited


def _defaults(spec: ProjectSpec) -> dict[str, Any]:
    """What the same project says when only its required keys are set."""
    bare = {
        "metadata": {"name": spec.metadata.name},
        "spec": {"application": spec.spec.application},
    }
    return plain(ProjectSpec.model_validate(bare))


def _update(block: CommentedMap, wanted: dict[str, Any], defaults: dict[str, Any]) -> None:
    for key, value in wanted.items():
        default = defaults.get(key)
        if isinstance(value, dict):
            if isinstance(block.get(key), CommentedMap):
                _update(block[key], value, default or {})
            elif changed := _without_defaults(value, default or {}):
                _set(block, key, _for_yaml(changed))
        elif key in block and block[key] is not None:
            _replace(block, key, value)
        elif value != default:
            _set(block, key, _for_yaml(value))
    for key in [key for key in block if key not in wanted and block[key] is not None]:
        del block[key]


def _without_defaults(value: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            if inner := _without_defaults(item, default.get(key) or {}):
                kept[key] = inner
        elif item != default.get(key):
            kept[key] = item
    return kept


def _replace(block: CommentedMap, key: str, value: Any) -> None:
    old = block[key]
    if isinstance(old, CommentedSeq) and isinstance(value, list):
        if _bare(old) != value:
            _replace_items(old, value)
    elif isinstance(old, bool) != isinstance(value, bool) or old != value:
        _set(block, key, _for_yaml(value))


def _replace_items(items: CommentedSeq, wanted: list[Any]) -> None:
    """Takes out what is gone and adds what is new, so that comments of kept items stay."""
    if not items:
        items.fa.set_flow_style()
    for index in range(len(items) - 1, -1, -1):
        if _bare(items[index]) not in wanted:
            del items[index]
    if [_bare(item) for item in items] == wanted[: len(items)]:
        items.extend(_for_yaml(item) for item in wanted[len(items) :])
        return
    items.clear()
    items.extend(_for_yaml(item) for item in wanted)


def _set(block: CommentedMap, key: str, value: Any) -> None:
    block[key] = value


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value


def _for_yaml(value: Any) -> Any:
    """Plain values in the types that ruamel writes the way people write them."""
    if isinstance(value, dict):
        return CommentedMap((key, _for_yaml(item)) for key, item in value.items())
    if isinstance(value, list):
        items = CommentedSeq(_for_yaml(item) for item in value)
        if not value:
            items.fa.set_flow_style()
        return items
    if isinstance(value, str) and "\n" in value and _can_be_literal(value):
        return LiteralScalarString(value)
    if isinstance(value, str) and not value.isprintable():
        # ruamel leaves NEL bare, where the reader takes it for the end of a line.
        return DoubleQuotedScalarString(value)
    return value


def _can_be_literal(text: str) -> bool:
    lines = text.split("\n")
    return (text.isprintable() or all(line.isprintable() for line in lines)) and not lines[
        0
    ].startswith(" ")

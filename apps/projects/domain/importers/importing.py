"""Reads projects of other programs. Pure and total: whatever the text is, the answer says what is wrong.

imported = import_text(text, "helpdesk")
imported.spec     None where nothing can be made of the file
imported.notes    what was carried, changed and left out, each at its place in the file
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from apps.projects.domain.findings import Finding
from apps.projects.domain.importers.dify import sketch_dify
from apps.projects.domain.importers.document import MAX_BYTES, Document, Refused, decoded, too_large
from apps.projects.domain.importers.finish import finish
from apps.projects.domain.importers.flowise import sketch_flowise
from apps.projects.domain.importers.gmc import resource_name, sketch_gmc
from apps.projects.domain.importers.json_reader import read_json
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import Sketch
from apps.projects.domain.importers.yaml_reader import read_yaml
from apps.projects.domain.spec import API_VERSION, ProjectSpec
from apps.projects.domain.validate import check
from apps.projects.domain.yaml_io import plain
from apps.projects.domain.yaml_nodes import MAX_CONTENT_CHARS, MAX_NODES, short

Kind = Literal["flowise", "gmc", "dify", "project", ""]
FORMATS: Final[dict[str, str]] = {
    "flowise": "GenAIStudio workflow (JSON)",
    "gmc": "OPEA GMConnector (YAML)",
    "dify": "Dify app (DSL, YAML)",
    "project": "GenAI Studio project (YAML)",
}
UNKNOWN: Final = (
    "This is none of the formats that can be imported: " + ", ".join(FORMATS.values()) + "."
)
SKETCHING: Final[dict[str, Callable[[list[Any], Notes], Sketch | None]]] = {
    "flowise": sketch_flowise,
    "gmc": sketch_gmc,
    "dify": sketch_dify,
}


@dataclass(frozen=True, slots=True)
class Imported:
    """notes: errors first, then in the order of the file. kind: "" where the format is unknown. resources:
    the names of all that could be imported, where a file may hold several; resource: the one that was."""

    kind: Kind
    spec: ProjectSpec | None
    notes: list[Finding]
    resources: tuple[str, ...] = ()
    resource: str = ""

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(one for one in self.resources if one != self.resource)


def detect(text: str) -> Kind:
    """The format of a file; "" where it is none of them, or cannot be read at all."""
    try:
        return _kind(_documents(text))
    except Refused:
        return ""


def import_bytes(raw: bytes, name: str = "", resource: str = "") -> Imported:
    """As `import_text`, from what a file holds."""
    try:
        text = decoded(raw)
    except Refused as refused:
        return _refused(refused)
    return import_text(text, name, resource)


def import_text(text: str, name: str = "", resource: str = "") -> Imported:
    """The project that a foreign file describes. Never raises.

    name: of the project where the file has no title of its own, for example the file's name. resource:
    which of several GMConnectors; "" for the first.
    """
    try:
        documents = _documents(text)
    except Refused as refused:
        return _refused(refused)
    kind = _kind(documents)
    if kind == "project":
        return _own(text)
    if kind not in SKETCHING:
        return Imported("", None, [Finding("import.unknown", UNKNOWN, (), "error", 1, 1)])
    candidates: dict[str, Document] = {}
    for one in documents:
        if _kind([one]) == kind:
            candidates.setdefault(resource_name(one.value), one)
    names = tuple(candidates) if kind == "gmc" else ()
    if resource and resource not in names:
        held = f"It holds: {', '.join(map(short, names))}." if names else "It is one project."
        message = f"There is no “{short(resource)}” in the file. {held}"
        finding = Finding("import.resource-unknown", message, (), "error", 1, 1)
        return Imported(kind, None, [finding], names)
    main = candidates[resource or next(iter(candidates))]
    notes = Notes(main)
    values = [notes.secrets.strip(main.value, notes.secret)]
    values += [
        notes.secrets.strip(one.value, lambda path, name: None)
        for one in documents
        if one is not main
    ]
    sketch = SKETCHING[kind](values, notes)
    spec = finish(sketch, name, notes) if sketch else None
    if spec is not None and not _fits(spec):
        message = "The project would be larger than a project file may be. Import parts of it."
        notes.prevents("import.too-large", message)
        spec = None
    return Imported(kind, spec, notes.done(), names, resource_name(main.value) if names else "")


def _documents(text: str) -> list[Document]:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise too_large()
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return [read_json(text.removeprefix("\ufeff"))]
    documents = read_yaml(text)
    if not documents:
        raise Refused("import.empty", "The file is empty.")
    return documents


def _kind(documents: list[Document]) -> Kind:
    blocks = [one.value for one in documents if isinstance(one.value, dict)]
    if any(one.get("apiVersion") == API_VERSION for one in blocks):
        return "project"
    if any(str(one.get("apiVersion", "")).startswith("gmc.opea.io/") for one in blocks):
        return "gmc"
    if any(one.get("kind") == "GMConnector" for one in blocks):
        return "gmc"
    if any(isinstance(one.get("app"), dict) for one in blocks):
        return "dify"
    return "flowise" if any({"nodes", "flowData"} & one.keys() for one in blocks) else ""


def _fits(spec: ProjectSpec) -> bool:
    """Whether the project's file could be read again."""
    values = plain(spec)
    chars = len(json.dumps(values, ensure_ascii=False))
    return _size(values) <= MAX_NODES and chars <= MAX_CONTENT_CHARS // 2


def _size(value: Any) -> int:
    """As the reader of project files counts: keys, too."""
    if isinstance(value, dict):
        return 1 + sum(1 + _size(item) for item in value.values())
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _own(text: str) -> Imported:
    spec, found = check(text)
    return Imported("project", spec, found)


def _refused(refused: Refused) -> Imported:
    line, column = refused.place
    finding = Finding(refused.code, refused.message, (), "error", line, column)
    return Imported("", None, [finding])

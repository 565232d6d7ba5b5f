"""The workflow JSON of opea-project/GenAIStudio, which is a Flowise canvas: as exported, or as its back
end keeps it. What a node is fed by is said by its inputs; the edges are what was drawn."""

from __future__ import annotations

import difflib
import re
from typing import Any, Final

from apps.projects.domain.importers.document import MAX_ELEMENTS, Refused
from apps.projects.domain.importers.json_reader import read_json
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import (
    Element,
    Feed,
    Sketch,
    mapping,
    position_of,
    roles,
    slug,
)
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

REFERENCE: Final = re.compile(r"\{\{([^{}]{1,200}?)\.data\.instance\}\}")
PREFIX: Final = "opea_service@"
SKIPPED: Final = frozenset(("stickyNote", "sticky_note"))
MOST_COMPARED: Final = 2000
NEAR: Final = 0.82
"""How alike a misspelt key must be to the one that is meant."""


def sketch_flowise(values: list[Any], notes: Notes) -> Sketch | None:
    graph, path = _graph(values[0], notes)
    if graph is None:
        return None
    rows = notes.items(graph.get("nodes"), (*path, "nodes"))
    if len(rows) > MAX_ELEMENTS:
        message = f"The workflow has {len(rows):,} nodes; at most {MAX_ELEMENTS} can be imported."
        notes.prevents("import.too-large", message, (*path, "nodes"))
        return None
    reader = _Reader(notes)
    for at, row in enumerate(rows):
        reader.node(row, (*path, "nodes", at))
    reader.feeds()
    if "edges" in graph:
        reader.edges(notes.items(graph["edges"], (*path, "edges")), (*path, "edges"))
    reader.sketch.title = notes.text(values[0].get("name"), ("name",), 120)
    if rows:
        message = "Icons, sizes, colours and descriptions of the drawing have no counterpart."
        notes.carried((*path, "nodes"), message)
    return reader.sketch


def _graph(value: dict[str, Any], notes: Notes) -> tuple[dict[str, Any] | None, Path]:
    """The block with the nodes, which a back end's answer has one level further down, or as text."""
    if "nodes" in value or "flowData" not in value:
        return value, ()
    inner = value["flowData"]
    if isinstance(inner, str):
        try:
            inner = notes.secrets.strip(read_json(inner).value, notes.secret, ("flowData",))
        except Refused as refused:
            notes.prevents(refused.code, f"flowData: {refused.message}", ("flowData",))
            return None, ("flowData",)
    return notes.block(inner, ("flowData",)), ("flowData",)


class _Reader:
    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.sketch = Sketch()
        self.data: dict[str, tuple[dict[str, Any], Path]] = {}
        self.wires: dict[tuple[str, str], str] = {}
        self.compared = 0

    def node(self, row: Any, path: Path) -> None:
        outer = self.notes.block(row, path)
        inner = self.notes.block(outer.get("data"), (*path, "data")) if "data" in outer else outer
        place = (*path, "data") if "data" in outer else path
        name = self.notes.text(inner.get("name"), (*place, "name"), 200)
        node_id = str(outer.get("id") or inner.get("id") or "")[:200]
        if str(outer.get("type")) in SKIPPED or name in SKIPPED:
            self.notes.left_out(path, "A sticky note has no counterpart. It is left out.")
            return
        if not name or not node_id:
            missing = "name" if node_id else "id"
            self.notes.broken(path, f"This node has no {missing}. It is left out.")
            return
        if node_id in self.data:
            message = f"A second node is called “{short(node_id)}”. It is left out."
            self.notes.broken(path, message)
            return
        self.data[node_id] = inner, place
        self._element(node_id, name, outer, path, place)

    def _element(
        self, node_id: str, name: str, outer: dict[str, Any], path: Path, place: Path
    ) -> None:
        inner = self.data[node_id][0]
        table, exact = _table(name)
        title = self.notes.text(inner.get("label"), (*place, "label"), 80) or name.removeprefix(
            PREFIX
        )
        element = self.sketch.add(Element(node_id, table.get("role", "nothing"), path, title))
        element.name = node_id.removeprefix(PREFIX)
        element.position = position_of(outer)
        if not table:
            message = (
                f"“{title}” ({short(name)}) has no counterpart. It is left out; what it got is "
            )
            self.notes.left_out(path, f"{message}handed on to what follows it.")
        elif not exact:
            self.notes.changed(path, f"“{title}” ({short(name)}) is read as {table['role']}.")
        elif note := table.get("note"):
            self.notes.changed(path, f"“{title}”: {note}")
        self._settings(element, table, inner, place)

    def _settings(
        self, element: Element, table: dict[str, Any], inner: dict[str, Any], place: Path
    ) -> None:
        if application := table.get("application"):
            self.sketch.application = application
        given = self.notes.block(inner.get("inputs"), (*place, "inputs"))
        engines = self.notes.block(inner.get("dependent_services"), (*place, "dependent_services"))
        for key, value in given.items():
            self._setting(element, table, key, value, (*place, "inputs", key))
        if not table:
            return
        if store := table.get("store"):
            element.put("kind", store, (*place, "name"))
        for engine, inside in engines.items():
            at = (*place, "dependent_services", engine)
            model = self.notes.block(inside, at).get("modelName")
            name = table["settings"].get("modelName")
            if model and name and name not in element.params:
                element.put(name, self.notes.text(model, (*at, "modelName"), 200), at)
        server = table.get("own_server") or next(iter(engines), "") or table.get("server", "")
        if server and "server" in roles()[element.role].params and "server" not in element.params:
            element.put("server", server, (*place, "dependent_services"))

    def _setting(
        self, element: Element, table: dict[str, Any], key: str, value: Any, path: Path
    ) -> None:
        if wired := _references(value):
            self.wires[element.id, key] = wired[0]
            element.feeds += [Feed(source) for source in wired]
            return
        if value is None or value == "" or value == [] or not table:
            return
        settings = table.get("settings", {})
        name = key if key in settings else self._meant(key, settings)
        if name is None:
            self._no_counterpart(element, table, key, value, path)
            return
        if name != key:
            self.notes.changed(path, f"“{element.title}”: {short(key)} is read as {name}.")
        self._put(element, settings[name], value, path)

    def _meant(self, key: str, known: dict[str, Any]) -> str | None:
        """What a key means by its spelling. Comparing takes time, so a file has only so many."""
        self.compared += 1
        return _nearest(key, known) if self.compared < MOST_COMPARED else None

    def _no_counterpart(
        self, element: Element, table: dict[str, Any], key: str, value: Any, path: Path
    ) -> None:
        if self._meant(key, dict.fromkeys(table.get("anchors", ()))) is not None:
            message = f"{short(key)} names no node ({short(value)}). That wire is left out."
            self.notes.broken(path, f"“{element.title}”: {message}")
        elif key not in mapping("flowise")["quiet"]:
            shown = short(self.notes.secrets.scrub(str(value)))
            message = f"{short(key)} ({shown}) has no counterpart. It is left out."
            self.notes.left_out(path, f"“{element.title}”: {message}")

    def _put(self, element: Element, target: str, value: Any, path: Path) -> None:
        if target == "template":
            said = instruction_of(self.notes.text(value, path))
            if said:
                element.put("instruction", said, path)
                message = (
                    "its template became the instruction; question and passages are put in here"
                )
                self.notes.changed(path, f"“{element.title}”: {message} by the prompt.")
        elif target == "ui":
            choice = mapping("flowise")["ui"].get(str(value))
            if choice and not self.sketch.application:
                self.sketch.application = choice
        elif target == "search":
            self._search(element, str(value), path)
        elif target == "spread":
            number = value if isinstance(value, (int, float)) and value == value else 0.5
            if element.params.get("diversity") is not None:
                element.put("diversity", round(min(max(1 - number, 0), 1), 4), path)
        elif target == "collections":
            element.put(target, [slug(self.notes.text(value, path, 200), "documents")], path)
        else:
            element.put(
                target,
                value if isinstance(value, (int, float)) else self.notes.text(value, path),
                path,
            )

    def _search(self, element: Element, kind: str, path: Path) -> None:
        settings = mapping("flowise")["search"].get(kind)
        if settings is None:
            message = f"it cannot search by {short(kind)}; it searches by meaning instead"
            self.notes.changed(path, f"“{element.title}”: {message}.")
            settings = {"mode": "dense"}
        for name, value in settings.items():
            if name not in element.params:
                element.put(name, value, path)

    def feeds(self) -> None:
        for (node_id, key), source in self.wires.items():
            if source not in self.sketch.elements:
                inner, place = self.data[node_id]
                message = f"{short(key)} names “{short(source)}”, which is not in the file."
                self.notes.broken((*place, "inputs", key), f"{message} That wire is left out.")
        for element in self.sketch.elements.values():
            element.feeds = [feed for feed in element.feeds if feed.source in self.sketch.elements]

    def edges(self, rows: list[Any], path: Path) -> None:
        drawn: set[tuple[str, str]] = set()
        for at, row in enumerate(rows):
            edge = self.notes.block(row, (*path, at))
            source, target = str(edge.get("source", "")), str(edge.get("target", ""))
            if source in self.sketch.elements and target in self.sketch.elements:
                drawn.add((source, target))
                self._edge(source, target, edge, (*path, at))
            elif edge:
                missing = source if source not in self.sketch.elements else target
                message = (
                    f"This edge names “{short(missing)}”, which is not in the file or left out."
                )
                self.notes.broken((*path, at), f"{message} It is left out.")
        for (node_id, key), source in self.wires.items():
            if source in self.sketch.elements and (source, node_id) not in drawn:
                place = (*self.data[node_id][1], "inputs", key)
                message = f"{short(key)} is wired to “{short(source)}” and no edge is drawn there."
                self.notes.changed(place, f"{message} The wire counts.")

    def _edge(self, source: str, target: str, edge: dict[str, Any], path: Path) -> None:
        element = self.sketch.elements[target]
        if any(feed.source == source for feed in element.feeds):
            return
        handle = str(edge.get("targetHandle", "")).split("-")
        anchor = handle[2] if len(handle) > 2 else ""
        wired = self.wires.get((target, anchor))
        if wired is not None:
            message = (
                f"This edge comes from “{short(source)}”, and the input {short(anchor)} is wired to "
                f"“{short(wired)}”. The wire counts, the edge is left out."
            )
            self.notes.broken(path, message)
            return
        element.feeds.append(Feed(source))
        message = (
            f"This edge is drawn, and the input {short(anchor)} is not wired. The edge counts."
        )
        self.notes.changed(path, message)


def instruction_of(template: str) -> str:
    """What a chat template tells the model, without the lines that put question and passages in."""
    kept = []
    for line in template.split("\n"):
        if re.search(r"\{\{?\s*\w+\s*\}?\}", line) or re.fullmatch(r"[#\s]*\w+\s*:\s*", line):
            continue
        kept.append(re.sub(r"^#+\s*", "", line).rstrip())
    return "\n".join(kept).strip()


def _table(name: str) -> tuple[dict[str, Any], bool]:
    """The entry of a node's name, by the name itself or by what it contains; and whether by itself."""
    table = mapping("flowise")
    bare = name.removeprefix(PREFIX).lower()
    for entry in table["nodes"]:
        if bare in entry["names"]:
            return entry, True
    for entry in table["nodes"]:
        if any(word in bare for word in entry.get("words", ())):
            return entry, False
    return {}, False


def _references(value: Any) -> list[str]:
    """What a value refers to: one node, or several in a list."""
    parts = value if isinstance(value, list) else [value]
    found = [REFERENCE.search(one) for one in parts[:50] if isinstance(one, str)]
    return [one.group(1).strip() for one in found if one]


def _nearest(key: str, known: dict[str, Any]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]", "", one.lower()): one for one in known}
    bare = re.sub(r"[^a-z0-9]", "", key[:60].lower())
    near = difflib.get_close_matches(bare, list(plain), n=1, cutoff=NEAR)
    return plain[near[0]] if near else None

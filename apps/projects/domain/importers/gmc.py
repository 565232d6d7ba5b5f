"""OPEA's GMConnector resources (gmc.opea.io/v1alpha3): a router's nodes, each a list of steps.

A Sequence runs its steps one after the other, a Switch those whose condition holds, an Ensemble all of
them side by side. A step with isDownstreamService is no step: another one calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from apps.projects.domain.importers.document import MAX_ELEMENTS
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import (
    OTHERWISE,
    WAYS,
    Element,
    Feed,
    Sketch,
    mapping,
    roles,
    slug,
)
from apps.projects.domain.pydantic_findings import did_you_mean
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

ROUTERS: Final = ("Sequence", "Ensemble", "Switch")
CONDITION: Final = re.compile(r"\s*([\w.\[\]-]{1,100})\s*==\s*[\"']?(.{0,200}?)[\"']?\s*")
FIELD: Final = re.compile(r"[\w.-]+")
ENDPOINT: Final = re.compile(r"(ENDPOINT|_URL|_HOST|SERVICE)(_\w+)?$", re.IGNORECASE)


def sketch_gmc(values: list[Any], notes: Notes) -> Sketch | None:
    """values: the file's documents, the GMConnector to be imported first."""
    for other in values[1:]:
        name = short(resource_name(other))
        if isinstance(other, dict) and _is_connector(other):
            message = (
                f"The file holds another GMConnector, “{name}”. It becomes a project of its own."
            )
        else:
            kind = short(other.get("kind", "value") if isinstance(other, dict) else "value")
            message = f"A {kind} “{name}” is in the file, too. The package has its own resources."
        notes.left_out((), message)
    return _Reader(values[0], notes).read()


def _is_connector(value: dict[str, Any]) -> bool:
    return value.get("kind") == "GMConnector" or (
        "kind" not in value and str(value.get("apiVersion", "")).startswith("gmc.opea.io/")
    )


def resource_name(value: Any) -> str:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name[:200] if isinstance(name, str) and name else "without a name"


@dataclass(slots=True)
class _Step:
    """given: the step as it stands. service: what others call it by."""

    name: str
    path: Path
    given: dict[str, Any]
    service: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)


class _Reader:
    def __init__(self, resource: dict[str, Any], notes: Notes) -> None:
        self.notes, self.resource = notes, resource
        self.spec = notes.block(resource.get("spec"), ("spec",))
        self.nodes = notes.block(self.spec.get("nodes"), ("spec", "nodes"))
        self.sketch = Sketch()
        self.engines: dict[str, _Step] = {}
        self.steps: dict[str, list[_Step]] = {}
        self.services: dict[str, Path] = {}

    def read(self) -> Sketch | None:
        self._title()
        if "root" not in self.nodes:
            message = (
                "spec.nodes has no “root”, where a GMConnector begins. Name its first node root."
            )
            self.notes.prevents("import.gmc.root", message, ("spec", "nodes"))
            return None
        if not self._known_version():
            return None
        for name, node in self.nodes.items():
            self.steps[name] = self._steps(name, node)
        if sum(map(len, self.steps.values())) > MAX_ELEMENTS:
            message = f"The resource has more than {MAX_ELEMENTS} steps."
            self.notes.prevents("import.too-large", message, ("spec", "nodes"))
            return None
        start = self.sketch.add(Element("question", "chat-input", ()))
        ends = self._node("root", [Feed(start.id)], ("root",))
        self.sketch.add(Element("answer", "chat-output", (), feeds=ends))
        return self.sketch

    def _known_version(self) -> bool:
        version = str(self.resource.get("apiVersion", ""))
        if version != "gmc.opea.io/v1alpha3":
            message = f"apiVersion is {short(version) or 'missing'}; read as gmc.opea.io/v1alpha3."
            self.notes.changed(("apiVersion",), message)
        if not isinstance(self.spec.get("routerConfig"), dict):
            message = "spec.routerConfig is missing; a cluster refuses the resource without it."
            self.notes.broken(("spec",), message)
        return True

    def _title(self) -> None:
        metadata = self.notes.block(self.resource.get("metadata"), ("metadata",))
        title = self.notes.text(metadata.get("name"), ("metadata", "name"), 120)
        self.sketch.title = title
        self._application(title)
        self._application(str(metadata.get("namespace", ""))[:200])

    def _application(self, text: str) -> None:
        bare = re.sub(r"[^a-z]", "", text.lower())
        for word, application in mapping("gmc")["applications"].items():
            if word in bare and not self.sketch.application:
                self.sketch.application = application

    def _steps(self, name: str, node: Any) -> list[_Step]:
        path: Path = ("spec", "nodes", name)
        block = self.notes.block(node, path)
        if block.get("routerType") not in ROUTERS:
            given = short(block.get("routerType", "missing"))
            message = f"routerType is {given}, not {', '.join(ROUTERS)}. Read as Sequence."
            self.notes.broken((*path, "routerType"), message)
        rows = self.notes.items(block.get("steps"), (*path, "steps"))
        found = [self._step(row, (*path, "steps", at)) for at, row in enumerate(rows)]
        return [one for one in found if one is not None]

    def _step(self, row: Any, path: Path) -> _Step | None:
        given = self.notes.block(row, path)
        name = self.notes.text(given.get("name"), (*path, "name"), 100)
        step = _Step(name, path, given)
        step.table = self._table(step)
        internal = self.notes.block(given.get("internalService"), (*path, "internalService"))
        config_path = (*path, "internalService", "config")
        step.config = self.notes.block(internal.get("config"), config_path)
        step.service = self.notes.text(
            internal.get("serviceName"), (*path, "internalService", "serviceName"), 200
        )
        if step.service in self.services:
            message = f"A second step has the service “{short(step.service)}”; GMC refuses that."
            self.notes.broken((*path, "internalService", "serviceName"), message)
        elif step.service:
            self.services[step.service] = path
        if step.table.get("engine"):
            self.engines[step.service] = step
        return step

    def _table(self, step: _Step) -> dict[str, Any]:
        known, unknown = mapping("gmc")["steps"], mapping("gmc")["unknown_steps"]
        if step.name in known:
            return dict(known[step.name])
        place = (*step.path, "name")
        if not step.name:
            self.notes.broken(step.path, "This step has no name; GMC's webhook refuses that.")
            return {}
        table = unknown.get(step.name, {})
        what = f"It is read as {table['as']}." if table else "It is left out."
        hint = "" if table else did_you_mean(step.name, list(known))
        message = (
            f"GMC has no step “{short(step.name)}”: its admission webhook rejects this resource, so "
            f"it has never run in a cluster. {what}{hint}"
        )
        self.notes.broken(place, message)
        return dict(table)

    def _node(self, name: str, feeds: list[Feed], inside: tuple[str, ...]) -> list[Feed]:
        """What comes out of a node that gets this."""
        kind = self.nodes[name].get("routerType") if isinstance(self.nodes[name], dict) else ""
        if kind == "Switch":
            return self._switch(name, feeds, inside)
        steps = [step for step in self.steps[name] if self._runs(step)]
        if kind == "Ensemble":
            return [out for step in steps for out in self._one(step, feeds, inside)]
        for step in steps:
            feeds = self._one(step, feeds, inside)
        return feeds

    def _runs(self, step: _Step) -> bool:
        if step.table.get("engine"):
            return False
        if left := step.table.get("left"):
            self.notes.left_out(step.path, f"“{short(step.name)}” is left out. {left}")
            return False
        return True

    def _switch(self, name: str, feeds: list[Feed], inside: tuple[str, ...]) -> list[Feed]:
        path: Path = ("spec", "nodes", name)
        ways: dict[str, list[_Step]] = {}
        for step in self.steps[name]:
            if self._runs(step):
                ways.setdefault(str(step.given.get("condition", "")).strip()[:300], []).append(step)
        if not ways:
            return feeds
        element = self.sketch.add(Element(self._free(name), "switch", path, name))
        element.feeds = feeds
        *named, last = ways
        labels = dict(zip(named, WAYS, strict=False)) | {last: OTHERWISE}
        element.put("cases", list(labels.values()), path)
        self._rules(element, labels, ways)
        ends: list[Feed] = []
        for condition, steps in ways.items():
            if condition not in labels:
                message = "A switch has five ways here, and this is another. It is left out."
                self.notes.left_out(steps[0].path, f"“{short(condition)}”: {message}")
                continue
            here = [Feed(element.id, labels[condition])]
            for step in steps:
                here = self._one(step, here, inside)
            ends += here
        return ends

    def _rules(
        self, element: Element, labels: dict[str, str], ways: dict[str, list[_Step]]
    ) -> None:
        """What leads to each way but the last: a field of the request that has a value. A switch looks at
        one field."""
        for condition, way in labels.items():
            path = (*ways[condition][0].path, "condition")
            if way == OTHERWISE:
                if condition:
                    message = f"“{short(condition)}” is not looked at: it takes all that is left."
                    self.notes.changed(path, message)
                continue
            found = CONDITION.fullmatch(condition)
            name, value = (found.group(1)[:40], found.group(2).strip()) if found else ("", "")
            if not value or not FIELD.fullmatch(name):
                message = (
                    f"The condition “{short(condition)}” cannot be read. Set a rule on the canvas."
                )
                self.notes.open(path, message)
            elif element.params.get("field", name) != name:
                known = element.params["field"]
                message = (
                    f"It asks for {name}, and this switch looks at {known}. Add a second switch."
                )
                self.notes.open(path, f"“{short(condition)}”: {message}")
            else:
                element.put("by", "pattern", path)
                element.put("field", name, path)
                element.put(way, [rf"^\s*{re.escape(value)}\s*$"], path)

    def _one(self, step: _Step, feeds: list[Feed], inside: tuple[str, ...]) -> list[Feed]:
        """What comes out of a step: of the node it jumps to, else of the service that it is."""
        if (jump := step.given.get("nodeName")) is not None:
            return self._jump(step, str(jump), feeds, inside)
        if not step.table.get("role"):
            if step.name in mapping("gmc")["steps"]:
                message = f"“{short(step.name)}” has no counterpart. It is left out."
                self.notes.left_out(step.path, message)
            return feeds
        if application := step.table.get("application"):
            self.sketch.application = application
        self._application(step.service)
        if len(self.sketch.elements) >= MAX_ELEMENTS:
            return feeds
        title = step.name if step.service in ("", step.name) else f"{step.name} {step.service}"
        element = self.sketch.add(
            Element(self._free(step.service or step.name), step.table["role"], step.path, title)
        )
        self._settings(element, step)
        internal = step.given.get("internalService")
        if isinstance(internal, dict) and internal.get("isDownstreamService") is True:
            return feeds
        element.feeds = list(feeds)
        return [Feed(element.id)]

    def _jump(
        self, step: _Step, target: str, feeds: list[Feed], inside: tuple[str, ...]
    ) -> list[Feed]:
        place = (*step.path, "nodeName")
        if target not in self.nodes:
            hint = did_you_mean(target, list(self.nodes))
            self.notes.broken(place, f"There is no node “{short(target)}”.{hint} It is left out.")
            return feeds
        if target in inside or len(inside) > 20:
            self.notes.broken(place, f"“{short(target)}” leads back to itself. It is left out.")
            return feeds
        if len(self.sketch.elements) >= MAX_ELEMENTS:
            return feeds
        return self._node(target, feeds, (*inside, target))

    def _settings(self, element: Element, step: _Step) -> None:
        path = (*step.path, "internalService", "config")
        known = roles()[element.role].params
        for key, value in step.config.items():
            self._setting(element, key, value, (*path, key))
        if url := step.given.get("externalService"):
            self._external(
                element, self.notes.text(url, (*step.path, "externalService"), 500), step
            )
        if store := step.table.get("store"):
            named = mapping("gmc")["stores"].items()
            kind = next((kind for word, kind in named if word in step.service.lower()), store)
            element.put("kind", kind, step.path)
        if "rules" in known:
            rail = {"kind": "opea", "action": "block", "connection": slug(step.service, "guard")}
            element.put("rules", [rail], step.path)
        if "server" in known and "server" not in element.params and step.service:
            element.put("server", step.service, step.path)
        if "model" in known and "model" not in element.params and "size" not in known:
            message = "The file names no model; the step had its image's own. Choose one."
            self.notes.open(step.path, f"{element.called}: {message}")

    def _setting(self, element: Element, key: str, value: Any, path: Path) -> None:
        known = roles()[element.role].params
        text = self.notes.text(value, path, 500)
        engine = self.engines.get(_host(text))
        if engine is not None:
            self._engine(element, engine, path)
        elif (name := mapping("gmc")["config"].get(key)) in known:
            element.put(name, [slug(text, "documents")] if name == "collections" else text, path)
        elif ENDPOINT.search(key[:200]) and _host(text) in self.services:
            return
        elif ENDPOINT.search(key[:200]) and "server" in known:
            element.put("server", _host(text), path)
        elif key not in mapping("gmc")["quiet"] and text:
            message = f"{short(key)} ({short(text)}) has no counterpart. It is left out."
            self.notes.left_out(path, f"{element.called}: {message}")

    def _engine(self, element: Element, engine: _Step, path: Path) -> None:
        known = roles()[element.role].params
        model = engine.config.get("MODEL_ID")
        place = (*engine.path, "internalService", "config", "MODEL_ID")
        if "server" in known:
            element.put("server", engine.service, path)
        if model:
            name = "model" if "model" in known else "embedding"
            element.put(name, self.notes.text(model, place, 200), place)

    def _external(self, element: Element, url: str, step: _Step) -> None:
        if "server" in roles()[element.role].params:
            element.put("server", _host(url), (*step.path, "externalService"))
            message = f"It calls {short(url, 80)}; give that address to the connection."
            self.notes.open((*step.path, "externalService"), f"{element.called}: {message}")

    def _free(self, name: str) -> str:
        wanted, number = name, 2
        while wanted in self.sketch.elements:
            wanted, number = f"{name}-{number}", number + 1
        return wanted


def _host(text: str) -> str:
    """The host of an address, or of a bare service name."""
    try:
        return urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""

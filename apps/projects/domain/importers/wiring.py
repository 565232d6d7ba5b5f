"""From ordered elements to nodes and edges of the catalog's components, connected by the types of ports.

A foreign edge says only that one thing follows another; here each input needs a value of its type. It
gets the nearest one before it: what an element does not give itself, it hands on from what feeds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.catalog.domain.catalog import Component, Parameter, components
from apps.projects.domain.flow_findings import unfit
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.order import INPUT, OUTPUT
from apps.projects.domain.importers.sketch import Element, Feed, Role, fitted, roles, slug
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import Flow, FlowEdge, FlowNode, Position, edge
from apps.projects.domain.yaml_nodes import short

Port = tuple[str, str]
"""A node's id and one of its outputs."""
Given = dict[str, list[Port]]
"""By type, where a value of it may come from."""
MOST_SOURCES: Final = 12
"""Of one input; a join takes no more."""
ATTACHED: Final = ("image", "audio", "document")
"""What a question may bring along, which is no part of the answer."""
PROMPT: Final = "prompt"
NOTHING: Final = "nothing"
SEARCH: Final = "search"
ANSWER_TEXT: Final = "answer-text"
AS_TEXT: Final = "answer as text"
"""In place of an output: the text of an answer, whose node is made once something reads it."""
STORE, PREPARING = "store", "knowledge"
SETTING: Final = (STORE, PREPARING, "embedding")
"""Roles of what only prepares documents."""
UNSAID: Final = frozenset(("instruction", "cases"))
"""Parameters of elements that a note does not repeat."""
JOINS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "answer": ("join", {}),
    "passages": ("fuse", {}),
    "text": ("join-text", {"pick": "first"}),
}
"""By type, the component that makes one value of several, with its parameters."""
STEP_X, BESIDE_Y = 60, 120


@dataclass(slots=True)
class Wired:
    """ids: from the file's elements to the nodes that they became."""

    nodes: list[FlowNode] = field(default_factory=list)
    edges: list[FlowEdge] = field(default_factory=list)
    layout: dict[str, Position] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def flow(self) -> Flow:
        return Flow(nodes=tuple(self.nodes), edges=tuple(self.edges))


def component_of(element: Element) -> Component | None:
    """What does this element's work: None where it only carries settings, or the catalog has nothing."""
    known = components()
    return next((known[one] for one in roles()[element.role].components if one in known), None)


def survivors(rows: Iterable[Element], notes: Notes) -> list[Element]:
    """What the catalog can do. An element that it has no component for carries nothing any more, only
    hands on what it gets; of ways that part there the first is left."""
    gone: set[str] = set()
    kept: list[Element] = []
    rows = list(rows)
    _searched_by_agents(rows, notes)
    for element in rows:
        feeds = [feed for feed in element.feeds if not {feed.source, _way(feed)} & gone]
        if element.feeds and not feeds:
            gone.add(element.id)
            notes.left_out(element.path, f"{element.called} stood on a way that is left out.")
            continue
        element.feeds = feeds
        if roles()[element.role].components and component_of(element) is None:
            gone |= _missing(element, notes)
        kept.append(element)
    return kept


def _searched_by_agents(rows: list[Element], notes: Notes) -> None:
    """An agent searches documents by itself: a retriever that only agents read says how, and is no node."""
    readers: dict[str, list[Element]] = {}
    agents: dict[str, Element] = {}
    for row in rows:
        for feed in row.feeds:
            readers.setdefault(feed.source, []).append(row)
    for row in reversed(rows):
        reading = readers.get(row.id, [])
        if row.role not in ("retriever", "rerank") or not reading:
            continue
        if not all(one.id in agents or _searches(one) for one in reading):
            continue
        agents[row.id] = agents.get(reading[0].id, reading[0])
        message = f"{agents[row.id].called} searches by itself."
        if row.role == "rerank":
            notes.left_out(row.path, f"{row.called}: {message} What it finds is not reranked.")
        else:
            notes.changed(row.path, f"{row.called}: {message} This says how.")
        row.role = SEARCH
        row.params = {
            name: value for name, value in row.params.items() if name in roles()[SEARCH].params
        }


def _searches(element: Element) -> bool:
    component = component_of(element)
    return component is not None and any(one.name == "search" for one in component.parameters)


def _way(feed: Feed) -> str:
    return f"{feed.source}/{feed.branch}"


def _missing(element: Element, notes: Notes) -> set[str]:
    role = roles()[element.role]
    ways: set[str] = set()
    message = (
        f"The catalog has no component for it ({role.components[0]}). It is left out; what it got "
    )
    if role.branching:
        ways = {f"{element.id}/{way}" for way in (element.params.get("cases") or [])[1:]}
        message += "is handed on to the first of its ways, and the others are left out as well."
    else:
        message += "is handed on to what follows it."
    notes.left_out(element.path, f"{element.called}: {message}")
    element.role, element.params = NOTHING, {}
    return ways


def wire(rows: Iterable[Element], settings: Mapping[str, Any], notes: Notes) -> Wired:
    """rows: survivors, each after what feeds it. settings: what the spec says, which nodes need not repeat."""
    return _Wiring(settings, notes).run(list(rows))


class _Wiring:
    def __init__(self, settings: Mapping[str, Any], notes: Notes) -> None:
        self.settings, self.notes = settings, notes
        self.wired = Wired()
        self.after: dict[str, Given] = {}
        self.own: dict[str, Component] = {}
        self.joined: dict[tuple[str, tuple[Port, ...]], Port] = {}
        self.texts: dict[str, Port] = {}
        self.stores: dict[str, Port] = {}
        self.rows: dict[str, Element] = {}

    def run(self, rows: list[Element]) -> Wired:
        self.only_model = sum("instruction" in row.params for row in rows) <= 1
        self.rows = {row.id: row for row in rows}
        for element in rows:
            before = self._before(element)
            component = component_of(element)
            if component is not None:
                self._node(element, component, before)
            elif element.role == STORE:
                self.after[element.id] = {**before, "index": [(element.id, STORE)]}
            else:
                self.after[element.id] = before
        self._say_settings(rows)
        return self.wired

    def _say_settings(self, rows: list[Element]) -> None:
        """What only prepares documents and became no node of its own."""
        for row in rows:
            if row.role in SETTING and row.path and row.id not in self.wired.ids:
                message = f"{row.called} is part of the project's settings"
                self.notes.carried(row.path, f"{message}{_params_said(row)}.")

    def _before(self, element: Element) -> Given:
        """What reaches an element."""
        given: Given = {}
        for feed in element.feeds:
            for kind, ports in self._behind(feed).items():
                row = given.setdefault(kind, [])
                row += [port for port in ports if port not in row]
                del row[MOST_SOURCES:]
        return given

    def _behind(self, feed: Feed) -> Given:
        given = self.after.get(feed.source, {})
        component = self.own.get(feed.source)
        if component is None or not feed.branch:
            return given
        port = component.port(feed.branch)
        return given | {port.type: [(self.wired.ids[feed.source], port.name)]} if port else given

    def _node(self, element: Element, component: Component, before: Given) -> None:
        node_id = self._free(element)
        self.wired.ids[element.id] = node_id
        self.own[element.id] = component
        params = self._params(element, component, roles()[element.role])
        title = "" if element.title == component.title else element.title[:80]
        self.wired.nodes.append(
            FlowNode(id=node_id, component=component.id, title=title, params=params)
        )
        if element.position:
            x, y = element.position
            self.wired.layout[node_id] = Position(x=x, y=y)
        self._connect(element, component, node_id, before)
        gives: Given = {}
        for port in component.outputs:
            gives.setdefault(port.type, []).append((node_id, port.name))
        first = {kind: ports[:1] for kind, ports in gives.items()}
        self.after[element.id] = {**before, **first}
        if "answer" in first and "text" not in first:
            self.after[element.id]["text"] = [(node_id, AS_TEXT)]
        if any(port.type == "index" for port in component.inputs):
            self.after[element.id].pop("index", None)
        if element.path:
            self._say(element, component, node_id)

    def _connect(self, element: Element, component: Component, node_id: str, before: Given) -> None:
        taken: set[str] = set()
        for port in component.inputs:
            ports = before.get(port.type, [])
            if port.type == "index":
                ports = [self._store(name) for name, _ in ports or self._only_store()][:1]
            elif port.type == "text" and _reads_answers(component):
                ports = [one for one in ports if one[1] != AS_TEXT]
            if element.role == OUTPUT and port.type in ATTACHED:
                ports = [one for one in ports if one[0] != self._input()]
            if port.type in taken:
                continue
            taken.add(port.type)
            if port.type == "messages" and not ports:
                ports = [self._prompt(element, node_id, before)]
            if not ports and port.required:
                self._unfed(element, port.name, port.type, before)
            elif ports:
                source = ports[0] if len(ports) == 1 else self._join(element, port.type, ports)
                self._edge(self._text(source), node_id, port.name)

    def _unfed(self, element: Element, name: str, kind: str, before: Given) -> None:
        message = f"Nothing before it gives {kind}, which it needs as {name}."
        if kind == "answer" and element.role == OUTPUT:
            message = "Nothing before it writes an answer."
        self.notes.open(element.path, f"{element.called}: {message} Connect it on the canvas.")

    def _text(self, source: Port) -> Port:
        """The port itself, or of an answer that is read as text, the node that makes it one."""
        node_id, name = source
        if name != AS_TEXT:
            return source
        if node_id not in self.texts:
            text_id = self._unused(f"{node_id}-text")
            self.wired.nodes.append(FlowNode(id=text_id, component=ANSWER_TEXT))
            answer = next(
                port.name
                for port in components()[self._component(node_id)].outputs
                if port.type == "answer"
            )
            self._edge((node_id, answer), text_id, "answer")
            if place := self.wired.layout.get(node_id):
                self._place(text_id, (place.x, place.y + BESIDE_Y))
            self.texts[node_id] = text_id, "text"
        return self.texts[node_id]

    def _only_store(self) -> list[Port]:
        """The one store of a file whose retriever names none: GMC's is found by its address."""
        stores = [row for row in self.rows.values() if row.role == STORE]
        read = {feed.source for row in self.rows.values() for feed in row.feeds}
        free = [row for row in stores if row.id not in read]
        return [(row.id, STORE) for row in free] if len(stores) == len(free) == 1 else []

    def _store(self, name: str) -> Port:
        """The index of a store, with the nodes that lead into it."""
        if name in self.stores:
            return self.stores[name]
        element = self.rows[name]
        source = self._prepared(element)
        chosen = element.params.get("collections")
        params = {
            **(source.params if source else {}),
            **({"collections": chosen} if chosen else {}),
        }
        path = source.path if source else element.path
        dataprep = self._beside(
            source, "dataprep", params, path, source.position if source else None
        )
        embedder = self._embedder()
        embedding = self._beside(
            embedder,
            "embedding",
            {**(embedder.params if embedder else {}), **params},
            embedder.path if embedder else path,
            embedder.position if embedder else _between(source, element),
        )
        kind = f"vector-store-{element.params.get('kind', 'embedded')}"
        store = self._beside(element, kind, element.params, element.path, element.position)
        self._edge((dataprep, "chunks"), embedding, "chunks")
        self._edge((embedding, "vectors"), store, "vectors")
        self.stores[name] = store, "index"
        return self.stores[name]

    def _beside(
        self,
        element: Element | None,
        name: str,
        params: Mapping[str, Any],
        path: Path,
        position: tuple[int, int] | None,
    ) -> str:
        """A node on the way into a store. element: what it was in the file, None for what its own steps did."""
        component = components()[name]
        known = {one.name for one in component.parameters}
        own = {key: value for key, value in params.items() if key in known}
        role = roles()[STORE if name.startswith("vector-store") else PREPARING]
        as_role = Element(
            name, STORE, path, element.title if element else component.title, params=own
        )
        node_id = self._free(element) if element else self._unused(name)
        title = element.title[:80] if element and element.title != component.title else ""
        self.wired.nodes.append(
            FlowNode(
                id=node_id,
                component=name,
                title=title,
                params=self._params(as_role, component, role),
            )
        )
        if position:
            self._place(node_id, position)
        if element and element.path:
            self.wired.ids[element.id] = node_id
            message = f"{element.called} becomes {component.title} ({node_id})"
            self.notes.carried(element.path, f"{message}{_params_said(element)}.")
        return node_id

    def _prepared(self, element: Element) -> Element | None:
        """What prepares the documents of a store: the nearest that feeds it, else the only one there is."""
        waiting = [feed.source for feed in element.feeds]
        while waiting:
            row = self.rows[waiting.pop(0)]
            if row.role == PREPARING:
                return row
            waiting += [feed.source for feed in row.feeds if not component_of(row)]
        every = [row for row in self.rows.values() if row.role == PREPARING]
        return every[0] if len(every) == 1 else None

    def _embedder(self) -> Element | None:
        """The file's next embedding that is no node yet."""
        rows = (row for row in self.rows.values() if row.role == "embedding")
        return next((row for row in rows if row.id not in self.wired.ids), None)

    def _component(self, node_id: str) -> str:
        return next(one.component for one in self.wired.nodes if one.id == node_id)

    def _place(self, node_id: str, position: tuple[int, int]) -> None:
        x, y = (min(max(value, -100_000), 100_000) for value in position)
        self.wired.layout[node_id] = Position(x=x, y=y)

    def _prompt(self, element: Element, node_id: str, before: Given) -> Port:
        """The node that makes one request of question, passages and instruction."""
        prompt_id = self._unused(f"{node_id}-{PROMPT}" if PROMPT in self._ids() else PROMPT)
        said = str(element.params.get("instruction", ""))
        params: dict[str, Any] = {} if self.only_model else {"instruction": said}
        self.wired.nodes.append(FlowNode(id=prompt_id, component=PROMPT, params=params))
        if element.position:
            x, y = element.position
            self.wired.layout[prompt_id] = Position(x=max(x - STEP_X, -100_000), y=y + BESIDE_Y)
        self._connect(
            Element(element.id, NOTHING, element.path, element.title),
            components()[PROMPT],
            prompt_id,
            before,
        )
        return prompt_id, "messages"

    def _join(self, element: Element, kind: str, ports: list[Port]) -> Port:
        """One value where several ways come together."""
        key = kind, tuple(ports)
        if key in self.joined:
            return self.joined[key]
        name, params = JOINS.get(kind, ("", {}))
        if any(port[1] == AS_TEXT for port in ports):
            params = {"pick": "all"}  # an answer and what was asked: the reader needs both
        join = components().get(name)
        inputs = [port for port in join.inputs if port.type == kind] if join else []
        for port in ports[max(len(inputs), 1) :]:
            message = f"{port[0]} leads here as well, and no more edges fit. That one is left out."
            self.notes.left_out(element.path, f"{element.called}: {message}")
        if join is None:
            return ports[0]
        node_id = self._unused(name)
        self.wired.nodes.append(FlowNode(id=node_id, component=name, params=params))
        for into, source in zip(inputs, ports, strict=False):
            self._edge(self._text(source), node_id, into.name)
        self.joined[key] = node_id, next(out.name for out in join.outputs if out.type == kind)
        return self.joined[key]

    def _params(self, element: Element, component: Component, role: Role) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        for name, value in element.params.items():
            setting = role.params[name].setting if name in role.params else ""
            parameter = _parameter(component, name, setting)
            place = element.places.get(name, element.path)
            if parameter is None:
                if name not in UNSAID and setting not in self.settings:
                    message = f"{component.title} has no setting for {name} ({short(value)})."
                    self.notes.left_out(place, f"{element.called}: {message} It is left out.")
            elif wrong := unfit(parameter, value):
                self.notes.changed(place, f"{element.called}: {wrong} Its default is used.")
            elif not parameter.setting or self.settings.get(parameter.setting) != value:
                chosen[parameter.name] = value
        return chosen

    def _say(self, element: Element, component: Component, node_id: str) -> None:
        said = _params_said(element)
        message = f"{element.called} becomes {component.title} ({node_id})"
        if component.id != roles()[element.role].components[0]:
            message += f", as the catalog has no {roles()[element.role].components[0]}"
            self.notes.changed(element.path, f"{message}.")
        else:
            self.notes.carried(element.path, f"{message}{said}.")

    def _edge(self, source: Port, node_id: str, port: str) -> None:
        self.wired.edges.append(edge(f"{source[0]}.{source[1]}", f"{node_id}.{port}"))

    def _input(self) -> str:
        return next((one.id for one in self.wired.nodes if one.component == INPUT), "")

    def _ids(self) -> set[str]:
        return {node.id for node in self.wired.nodes}

    def _free(self, element: Element) -> str:
        if element.role in (INPUT, OUTPUT):
            return self._unused("question" if element.role == INPUT else "answer")
        return self._unused(slug(element.name or element.id) or slug(element.title) or element.role)

    def _unused(self, name: str) -> str:
        taken, number, wanted = self._ids(), 2, name
        while wanted in taken:
            wanted, number = f"{name}-{number}", number + 1
        return wanted


def _params_said(element: Element) -> str:
    """Its settings behind a colon, "" where it has none."""
    said = ", ".join(
        f"{name} {short(value, 60)}"
        for name, value in element.params.items()
        if name not in UNSAID and value
    )
    return f": {said}" if said else ""


def _reads_answers(component: Component) -> bool:
    return any(port.type == "answer" for port in component.inputs)


def _between(one: Element | None, other: Element) -> tuple[int, int] | None:
    if one is None or one.position is None or other.position is None:
        return None
    (x, y), (right, down) = one.position, other.position
    return (x + right) // 2, (y + down) // 2 + BESIDE_Y


def _parameter(component: Component, name: str, setting: str) -> Parameter | None:
    """By its setting, else by its name."""
    rows = component.parameters
    return next(
        (row for row in rows if setting and row.setting == setting),
        next((row for row in rows if row.name == name), None),
    )


def fit_params(element: Element, notes: Notes) -> None:
    """Brings an element's values to the kinds that its role has for them."""
    known = roles()[element.role].params
    for name in list(element.params):
        value = known.get(name)
        if value is None:
            continue
        given = element.params[name]
        fit = fitted(given, value.kind)
        if fit is None:
            place = element.places.get(name, element.path)
            notes.changed(
                place, f"{element.called}: {name} cannot be {short(given)}. It is left out."
            )
            del element.params[name]
        else:
            element.params[name] = fit

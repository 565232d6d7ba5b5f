"""From a sketch to a project: an application with settings where it is one, else a flow of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.importers.document import MAX_EDGES, MAX_ELEMENTS
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.order import INPUT, OUTPUT, ordered
from apps.projects.domain.importers.sketch import Element, Feed, Sketch, roles, shapes, slug
from apps.projects.domain.importers.wiring import SEARCH, fit_params, survivors, wire
from apps.projects.domain.pydantic_findings import from_validation
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import API_VERSION, ProjectSpec
from apps.projects.domain.starter import INSTRUCTIONS, TITLES
from apps.projects.domain.yaml_nodes import short

CUSTOM: Final = "custom"
KEEPS: Final = "keeps vectors"
CONNECTIONS: Final = {
    "model.connection": "answers",
    "knowledge.embedding.connection": "embeds documents and questions",
    "knowledge.rerank.connection": "reranks passages",
    "knowledge.store.connection": KEEPS,
    "speech.recognition.connection": "turns speech into text",
    "speech.synthesis.connection": "speaks the answer",
}
"""Settings that name a connection, and what the model there does."""
SERVICE: Final = "is called"
SETTINGS_FIRST: Final = ("embedding", "knowledge")
"""Roles whose settings count before those of others that have the same."""


def finish(sketch: Sketch, name: str, notes: Notes) -> ProjectSpec | None:
    """The project of a sketch, or None where nothing of it can be built; the notes say why.

    name: of the project, unless the sketch has a title.
    """
    if not any(roles()[row.role].components for row in sketch.elements.values()):
        notes.prevents("import.empty", "There is nothing in this file that can be built.")
        return None
    for element in sketch.elements.values():
        fit_params(element, notes)
    rows = ordered(sketch, notes)
    application = _application(sketch, rows)
    if application == CUSTOM:
        rows = survivors(_guarded(sketch, rows), notes)
    settings = _Settings(sketch, notes)
    settings.take(rows)
    title = sketch.title or name.replace("-", " ").replace("_", " ").strip().capitalize()
    metadata = {
        "name": slug(title) or slug(name, "imported"),
        "title": title[:120],
        "description": sketch.description[:2000],
    }
    _collection(rows, settings, metadata["name"], notes)
    _models(settings, notes)
    block: dict[str, Any] = {"application": application}
    if application == CUSTOM:
        wired = wire(rows, settings.values, notes)
        if len(wired.nodes) > MAX_ELEMENTS or len(wired.edges) > MAX_EDGES:
            message = (
                f"It would be a flow of {len(wired.nodes):,} nodes and {len(wired.edges):,} edges; at "
                f"most {MAX_ELEMENTS:,} and {MAX_EDGES:,} fit."
            )
            notes.prevents("import.too-large", message)
            return None
        layout = {key: place.model_dump() for key, place in wired.layout.items()}
        block |= {"flow": wired.flow.model_dump(by_alias=True), "layout": layout}
    else:
        _say(rows, application, notes)
        _instruction(rows, application, settings, notes)
    _connections(settings, rows, notes)
    return _validated(metadata, block, settings, notes)


class _Settings:
    """Values by place below `spec.`, each with where it comes from."""

    def __init__(self, sketch: Sketch, notes: Notes) -> None:
        self.notes = notes
        self.values = {place: value for place, (value, _) in sketch.settings.items()}
        self.paths = {place: path for place, (_, path) in sketch.settings.items()}

    def take(self, rows: Iterable[Element]) -> None:
        """The first element of its kind says it for the spec, others of that kind at their node."""
        several = sum("instruction" in row.params for row in rows) > 1
        for element in sorted(rows, key=_precedence):
            for name, value in roles()[element.role].params.items():
                if name not in element.params or not value.setting:
                    continue
                if name == "instruction" and several:
                    continue
                self._put(element, name, value.setting)

    def _put(self, element: Element, name: str, setting: str) -> None:
        value, path = element.params[name], element.places.get(name, element.path)
        if setting not in self.values:
            self.values[setting], self.paths[setting] = value, path
        elif setting == "knowledge.collections":
            self.values[setting] = list(dict.fromkeys([*self.values[setting], *value]))
        elif self.values[setting] != value and setting.startswith("knowledge.embedding."):
            message = (
                f"{element.called} asks for {name} {short(value)}, and {short(self.values[setting])}"
                " is set already: documents and questions are embedded by one model. That is kept."
            )
            self.notes.changed(path, message)


def _precedence(element: Element) -> int:
    return SETTINGS_FIRST.index(element.role) if element.role in SETTINGS_FIRST else 9


def _collection(rows: list[Element], settings: _Settings, name: str, notes: Notes) -> None:
    """Documents do not come along: names the collection that is to hold them."""
    asking = [row for row in rows if row.role in ("retriever", SEARCH)]
    if not asking:
        return
    place = "knowledge.collections"
    if not settings.values.get(place):
        settings.values[place], settings.paths[place] = [name], asking[0].path
    names = ", ".join(f"“{one}”" for one in settings.values[place])
    message = f"Documents are not part of the file. Make the collection {names} and add them to it."
    notes.open(settings.paths[place], message)


def _application(sketch: Sketch, rows: list[Element]) -> str:
    """The application whose blueprint the chain of roles is; custom where there is none."""
    working = [row for row in rows if roles()[row.role].components]
    if not _is_chain(rows):
        return CUSTOM
    chain = [row.role for row in working]
    wanted = sketch.application
    order = (
        [wanted, *(one for one in shapes() if one != wanted)] if wanted in shapes() else shapes()
    )
    return next((one for one in order if _fits(chain, shapes()[one])), CUSTOM)


def _is_chain(rows: list[Element]) -> bool:
    """Whether each working element is fed by the one before it alone, settings on the way aside."""
    nearest: dict[str, set[str]] = {}
    before: str | None = None
    for row in rows:
        sources = set().union(*(nearest[feed.source] for feed in row.feeds), set())
        if not roles()[row.role].components:
            nearest[row.id] = sources
            continue
        if sources != ({before} if before else set()):
            return False
        nearest[row.id] = {row.id}
        before = row.id
    return True


def _fits(chain: list[str], shape: tuple[str, ...]) -> bool:
    left = list(chain)
    for step in shape:
        may_miss, names = step.endswith("?"), step.rstrip("?").split("|")
        if left and left[0] in names:
            left.pop(0)
        elif not may_miss:
            return False
    return not left


def _say(rows: list[Element], application: str, notes: Notes) -> None:
    for row in rows:
        if row.path:
            said = ", ".join(
                f"{name} {short(value, 60)}"
                for name, value in row.params.items()
                if name != "instruction"
            )
            message = f"{row.called} is part of {TITLES[application]}"
            notes.carried(row.path, f"{message}{': ' if said else ''}{said}.")


def _guarded(sketch: Sketch, rows: list[Element]) -> list[Element]:
    """With nodes for guardrails that belong to the file as a whole."""
    start = next(row for row in rows if row.role == INPUT)
    end = next(row for row in rows if row.role == OUTPUT)
    if "guardrails.input" in sketch.settings:
        guard = Element("guard-input", "guard-input", sketch.settings["guardrails.input"][1])
        for row in rows:
            row.feeds = [Feed(guard.id) if one.source == start.id else one for one in row.feeds]
        guard.feeds = [Feed(start.id)]
        rows = [start, guard, *(row for row in rows if row is not start)]
    if "guardrails.output" in sketch.settings:
        guard = Element("guard-output", "guard-output", sketch.settings["guardrails.output"][1])
        guard.feeds, end.feeds = end.feeds, [Feed(guard.id)]
        rows = [*(row for row in rows if row is not end), guard, end]
    return rows


def _instruction(rows: list[Element], application: str, settings: _Settings, notes: Notes) -> None:
    """What the model is told where the file says nothing: a bare conversation needs nothing."""
    talking = application == "qna" and not any(row.role == "retriever" for row in rows)
    if not settings.values.get("instruction") and not talking:
        settings.values["instruction"], settings.paths["instruction"] = (
            INSTRUCTIONS[application],
            (),
        )
        message = (
            f"The file has no instruction for the model. It gets that of {TITLES[application]}."
        )
        notes.changed((), message)


def _models(settings: _Settings, notes: Notes) -> None:
    """A connection without a model: to be chosen, or for embeddings the built-in one instead."""
    values = settings.values
    if "model.connection" in values:
        values.setdefault("model.name", "")
    embedding = "knowledge.embedding.connection"
    if embedding in values and not values.get("knowledge.embedding.name"):
        path = settings.paths[embedding]
        message = (
            "The file names no embedding model. The built-in one embeds documents and questions."
        )
        notes.changed(path, message)
        del values[embedding]


def _connections(settings: _Settings, rows: list[Element], notes: Notes) -> None:
    """Which connections the project needs, and what for."""
    named: dict[str, list[tuple[str, Path]]] = {}
    for place, does in CONNECTIONS.items():
        if name := settings.values.get(place):
            named.setdefault(name, []).append((does, settings.paths[place]))
    for row in rows:
        working = roles()[row.role].components or row.role == "store"
        name = row.params.get("server") if working else None
        if name and name not in named:
            does = {"http": SERVICE, "store": KEEPS}.get(row.role, "answers")
            named[name] = [(does, row.places.get("server", row.path))]
    for name, uses in named.items():
        if name != BUILTIN:
            does = " and ".join(dict.fromkeys(use for use, _ in uses))
            what = {SERVICE: "service", KEEPS: "vector store"}.get(does, "model server")
            message = (
                f"Make a connection “{name}” for the {what} that {does}, with its address and its key, "
                "or choose another one."
            )
            notes.open(uses[0][1], message)


def _validated(
    metadata: dict[str, str], block: dict[str, Any], settings: _Settings, notes: Notes
) -> ProjectSpec | None:
    """The spec. A setting that does not fit is left out with the reason, so its default holds."""
    values = dict(settings.values)
    while True:
        document = {
            "apiVersion": API_VERSION,
            "metadata": metadata,
            "spec": block | _nested(values),
        }
        try:
            return ProjectSpec.model_validate(document)
        except ValidationError as error:
            found = from_validation(error)
        unfit = {place for one in found for place in values if _within(one.path, place)}
        for one in found:
            place = next((place for place in unfit if _within(one.path, place)), None)
            if place is None:
                notes.prevents(one.code, one.message)
            else:
                notes.changed(settings.paths[place], f"{one.message} Its default is used.")
        if not unfit:
            return None
        values = {place: value for place, value in values.items() if place not in unfit}


def _within(path: Path, place: str) -> bool:
    return path[: place.count(".") + 2] == ("spec", *place.split("."))


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for place, value in values.items():
        *parts, last = place.split(".")
        block = whole
        for part in parts:
            block = block.setdefault(part, {})
        block[last] = value
    return whole

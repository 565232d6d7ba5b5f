"""The graph of a Dify workflow or chatflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from apps.projects.domain.importers.dify_parts import (
    VARIABLE,
    left_features,
    left_tool,
    model_settings,
    plain_prompt,
    ranking,
)
from apps.projects.domain.importers.document import MAX_ELEMENTS
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.secrets import GONE
from apps.projects.domain.importers.sketch import (
    OTHERWISE,
    WAYS,
    Element,
    Feed,
    Sketch,
    mapping,
    position_of,
    slug,
)
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

FIELD: Final = re.compile(r"[\w.-]{1,40}")
MOST_CONDITIONS: Final = 100
METHODS: Final = ("GET", "POST")
NOTE_TYPES: Final = frozenset(("custom-note", "note"))


def sketch_graph(sketch: Sketch, document: dict[str, Any], notes: Notes) -> Sketch | None:
    workflow = notes.block(document.get("workflow"), ("workflow",))
    path: Path = ("workflow", "graph")
    graph = notes.block(workflow.get("graph"), path)
    rows = notes.items(graph.get("nodes"), (*path, "nodes"))
    if len(rows) > MAX_ELEMENTS:
        message = f"The workflow has {len(rows):,} nodes; at most {MAX_ELEMENTS} can be imported."
        notes.prevents("import.too-large", message, (*path, "nodes"))
        return None
    reader = _Reader(sketch, notes)
    reader.fields = {pair for row in rows for pair in _asked(row)}
    for at, row in enumerate(rows):
        reader.node(row, (*path, "nodes", at))
    for at, row in enumerate(notes.items(graph.get("edges"), (*path, "edges"))):
        reader.edge(row, (*path, "edges", at))
    reader.behind()
    for kind in ("environment_variables", "conversation_variables"):
        for at, row in enumerate(notes.items(workflow.get(kind), ("workflow", kind))):
            block = notes.block(row, ("workflow", kind, at))
            name = notes.text(block.get("name"), ("workflow", kind, at), 80)
            notes.left_out(("workflow", kind, at), f"The variable “{name}” has no counterpart.")
    features = notes.block(workflow.get("features"), ("workflow", "features"))
    left_features(sketch, features, ("workflow", "features"), notes)
    return sketch


@dataclass(frozen=True, slots=True)
class _Test:
    """A case's rules and their values; whether all have to hold, and whether they must not."""

    rules: list[tuple[dict[str, Any], str]]
    together: bool
    negated: bool


class _Reader:
    def __init__(self, sketch: Sketch, notes: Notes) -> None:
        self.sketch, self.notes = sketch, notes
        self.names: dict[str, str] = {}
        self.ends: dict[str, str] = {}
        """From a node that became two, to the one that others are fed by."""
        self.looks: dict[str, str] = {}
        """By switch, the field that its conditions ask for, "" for the text."""
        self.fields: set[tuple[str, str]] = set()
        """Variables of a start that are not the question, with its node."""

    def node(self, row: Any, path: Path) -> None:
        outer = self.notes.block(row, path)
        place = (*path, "data")
        data = self.notes.block(outer.get("data"), place)
        kind = str(data.get("type", ""))
        title = self.notes.text(data.get("title"), (*place, "title"), 80) or kind
        if str(outer.get("type")) in NOTE_TYPES:
            self.notes.left_out(path, "A note on the canvas has no counterpart. It is left out.")
            return
        node_id = str(outer.get("id") or "")[:200]
        if not node_id or node_id in self.names:
            wrong = "has the id of another" if node_id else "has no id"
            self.notes.broken(path, f"“{title}” {wrong}. It is left out.")
            return
        table = mapping("dify")["nodes"].get(kind)
        role = (table or {}).get("role", "nothing")
        self.names[node_id] = self._free(slug(title) or slug(kind) or "node")
        element = self.sketch.add(Element(self.names[node_id], role, path, title))
        element.position = position_of(outer)
        if table is None or "why" in table:
            why = table["why"] if table else f"“{short(kind)}” is not known."
            self.notes.left_out(path, f"“{title}” is left out. {why}")
        read = getattr(self, f"_{kind.replace('-', '_')}", None) if table else None
        if read is not None and kind in READ_BY_ITSELF:
            read(element, data, place)

    def edge(self, row: Any, path: Path) -> None:
        edge = self.notes.block(row, path)
        source, target = (self.names.get(str(edge.get(side, ""))) for side in ("source", "target"))
        if source is None or target is None:
            if edge:
                self.notes.broken(
                    path, "This edge leads to a node that is not there, or was left out."
                )
            return
        handle = str(edge.get("sourceHandle", ""))
        element = self.sketch.elements[source]
        handles = element.params.get("handles", {})
        branch = handles.get(handle, "")
        if handles and not branch:
            message = f"This edge leaves by “{short(handle)}”, which the node does not have."
            self.notes.broken(path, f"{message} It is left out.")
            return
        self.sketch.elements[target].feeds.append(Feed(source, branch))

    def behind(self) -> None:
        """Where one node became two, others are fed by the second."""
        for element in self.sketch.elements.values():
            element.params.pop("handles", None)
            element.feeds = [
                Feed(self.ends[feed.source])
                if feed.source in self.ends and self.ends[feed.source] != element.id
                else feed
                for feed in element.feeds
            ]

    def _start(self, element: Element, data: dict[str, Any], path: Path) -> None:
        rows = self.notes.items(data.get("variables"), (*path, "variables"))
        written = [row for row in rows if isinstance(row, dict) and row.get("type") != "file"]
        for row in written[1:]:
            name = self.notes.text(row.get("variable"), (*path, "variables"), 80)
            message = f"The field “{name}” has no place of its own: people write one question."
            self.notes.changed((*path, "variables", rows.index(row)), message)

    def _answer(self, element: Element, data: dict[str, Any], path: Path) -> None:
        text = self.notes.text(data.get("answer"), (*path, "answer"))
        rest = VARIABLE.sub("", text).strip()
        if rest:
            message = f"The answer adds words of its own ({short(rest)}). They are left out."
            self.notes.left_out((*path, "answer"), message)

    def _llm(self, element: Element, data: dict[str, Any], path: Path) -> None:
        model_settings(element, data.get("model"), (*path, "model"), self.notes)
        template = data.get("prompt_template")
        if isinstance(template, dict):
            template = [{"role": "system", "text": template.get("text")}]
        said: list[str] = []
        place = (*path, "prompt_template")
        for at, row in enumerate(self.notes.items(template, place)):
            block = self.notes.block(row, (*place, at))
            text = self.notes.text(block.get("text"), (*place, at, "text"))
            if block.get("role") == "system" and text:
                said.append(plain_prompt(text, (*place, at, "text"), self.notes))
            elif rest := VARIABLE.sub("", text).strip():
                kind = short(block.get("role", "user"))
                message = f"Words around the question ({kind}) became part of the instruction."
                self.notes.changed((*place, at, "text"), message)
                said.append(rest)
        if said:
            element.put("instruction", "\n\n".join(said)[:20_000], place)
        vision = self.notes.block(data.get("vision"), (*path, "vision"))
        if vision.get("enabled"):
            self.notes.changed((*path, "vision"), "Looks at pictures: use VisualChat for that.")

    def _agent(self, element: Element, data: dict[str, Any], path: Path) -> None:
        place = (*path, "agent_parameters")
        given = self.notes.block(data.get("agent_parameters"), place)
        inner = {
            key: row.get("value") if isinstance(row, dict) else row for key, row in given.items()
        }
        model = inner.get("model")
        if isinstance(model, dict):
            plain = {"name": model.get("model"), "provider": model.get("provider")}
            plain["completion_params"] = model.get("completion_params")
            model_settings(element, plain, (*place, "model", "value"), self.notes)
        said = self.notes.text(inner.get("instruction"), (*place, "instruction", "value"))
        if said:
            element.put(
                "instruction", plain_prompt(said, (*place, "instruction"), self.notes), place
            )
        tools = inner.get("tools")
        for at, tool in enumerate(tools if isinstance(tools, list) else []):
            left_tool(tool, (*place, "tools", "value", at), self.notes)

    def _knowledge_retrieval(self, element: Element, data: dict[str, Any], path: Path) -> None:
        single = data.get("retrieval_mode") == "single"
        key = "single_retrieval_config" if single else "multiple_retrieval_config"
        config = self.notes.block(data.get(key), (*path, key))
        ids = self.notes.items(data.get("dataset_ids"), (*path, "dataset_ids"))
        if ids:
            count = f"{len(ids)} data sets are" if len(ids) > 1 else "A data set is"
            message = f"{count} named by an id of Dify's; one collection stands for it."
            self.notes.changed((*path, "dataset_ids"), message)
        feed = ranking(self.sketch, element, config, (*path, key), self.notes)[0]
        if feed.source != element.id:
            self.ends[element.id] = feed.source

    def _question_classifier(self, element: Element, data: dict[str, Any], path: Path) -> None:
        model_settings(element, data.get("model"), (*path, "model"), self.notes)
        if self.notes.text(data.get("instruction"), (*path, "instruction")):
            message = "The classifier's own words are left out; describe its ways instead."
            self.notes.left_out((*path, "instruction"), message)
        rows = self.notes.items(data.get("classes"), (*path, "classes"))
        handles: dict[str, str] = {}
        for at, row in enumerate(rows):
            place = (*path, "classes", at)
            block = self.notes.block(row, place)
            name = self.notes.text(block.get("name"), (*place, "name"), 500)
            handle = str(block.get("id", at))
            if at == len(rows) - 1:
                handles[handle] = OTHERWISE
                message = (
                    f"“{short(name)}” is where everything goes that fits no other description."
                )
                self.notes.changed(place, message)
            elif at < len(WAYS):
                handles[handle] = WAYS[at]
                element.put(WAYS[at], name, place)
            else:
                self._too_many(name, place)
        self._ways(element, handles, path)

    def _if_else(self, element: Element, data: dict[str, Any], path: Path) -> None:
        cases = self.notes.items(data.get("cases"), (*path, "cases"))
        if not cases and data.get("conditions"):
            single = {"case_id": "true", "conditions": data["conditions"]}
            cases = [single | {"logical_operator": data.get("logical_operator")}]
        tests = [self._test(element, row, (*path, "cases", at)) for at, row in enumerate(cases)]
        pattern = any(rule.get("pattern") for test in tests for rule, _ in test.rules)
        handles: dict[str, str] = {}
        together, unless = [], []
        for at, test in enumerate(tests[: len(WAYS)]):
            place = (*path, "cases", at)
            block = cases[at] if isinstance(cases[at], dict) else {}
            handle = str(block.get("case_id") or block.get("id") or at)
            element.put(
                WAYS[at], [_rule(rule, value, pattern) for rule, value in test.rules], place
            )
            handles[handle] = WAYS[at]
            together += [WAYS[at]] if test.together else []
            if test.negated and len(tests) == 1:
                handles[handle], handles["false"] = OTHERWISE, WAYS[at]
            elif test.negated:
                unless.append(WAYS[at])
        for name, ways in (("together", together), ("unless", unless)):
            if ways:
                element.put(name, ways, path)
        for at in range(len(WAYS), len(tests)):
            self._too_many(f"case {at + 1}", (*path, "cases", at))
        handles.setdefault("false", OTHERWISE)
        if pattern:
            element.put("by", "pattern", path)
        self._ways(element, handles, path)

    def _test(self, element: Element, row: Any, path: Path) -> _Test:
        """A case. “Not a and not b” is the opposite of “a or b”."""
        block = self.notes.block(row, path)
        rows = self.notes.items(block.get("conditions"), (*path, "conditions"))
        if len(rows) > MOST_CONDITIONS:
            message = f"A case has at most {MOST_CONDITIONS} conditions here. The rest is left out."
            self.notes.left_out((*path, "conditions"), message)
        found: list[tuple[Path, dict[str, Any], str]] = []
        for at, one in enumerate(rows[:MOST_CONDITIONS]):
            place = (*path, "conditions", at)
            inner = self.notes.block(one, place)
            given = str(inner.get("comparison_operator", ""))
            value = self.notes.text(inner.get("value"), (*place, "value"), 200)
            rule = mapping("dify")["operators"].get(given)
            if rule is None or not value:
                message = (
                    f"A switch cannot compare by “{short(given)}”. Set the rule on the canvas."
                )
                self.notes.open(place, message)
            elif self._same_place(element, inner, place):
                found.append((place, rule, value))
        negated = bool(found) and all(rule.get("not") for _, rule, _ in found)
        for place, rule, _ in found:
            if rule.get("not") and not negated:
                message = (
                    "It asks for what a text is not, beside what it is. Set the rule on the canvas."
                )
                self.notes.open(place, f"{element.called}: {message}")
        rules = [(rule, value) for _, rule, value in found if negated or not rule.get("not")]
        every = block.get("logical_operator") == "and" and len(rules) > 1
        either = block.get("logical_operator") == "or" and len(rules) > 1
        return _Test(rules, either if negated else every, negated)

    def _same_place(self, element: Element, condition: dict[str, Any], path: Path) -> bool:
        """Whether a condition looks at what the switch looks at: the text, or one field of the request."""
        selector = condition.get("variable_selector")
        parts = [str(one) for one in selector] if isinstance(selector, list) else []
        name = parts[1] if len(parts) == 2 and (parts[0], parts[1]) in self.fields else ""
        if self.looks.setdefault(element.id, name) == name:
            if name:
                element.put("field", name, path)
            return True
        message = "It looks at another variable than the conditions before it. Add a second switch."
        self.notes.open(path, f"{element.called}: {message}")
        return False

    def _too_many(self, name: str, path: Path) -> None:
        message = f"“{short(name)}” is one way more than there are here. It is left out."
        self.notes.left_out(path, message)

    def _ways(self, element: Element, handles: dict[str, str], path: Path) -> None:
        element.put("cases", list(handles.values()), path)
        element.params["handles"] = handles

    def _http_request(self, element: Element, data: dict[str, Any], path: Path) -> None:
        method = self.notes.text(data.get("method"), (*path, "method"), 10).upper()
        if method in METHODS:
            element.put("method", method, (*path, "method"))
        else:
            self.notes.open(
                (*path, "method"), f"{element.called}: {method} cannot be sent; GET can."
            )
        self._address(element, data.get("url"), (*path, "url"))
        for key in ("headers", "params", "body"):
            value = data.get(key)
            if isinstance(value, dict):
                value = value.get("data")
            if value:
                message = (
                    f"The {key} of the request are left out. Set path and argument on the canvas."
                )
                self.notes.left_out((*path, key), f"{element.called}: {message}")
        authorization = data.get("authorization")
        if isinstance(authorization, dict) and authorization.get("type") != "no-auth":
            message = "The request's authorization is not taken over; the connection holds the key."
            self.notes.open((*path, "authorization"), f"{element.called}: {message}")

    def _address(self, element: Element, value: Any, path: Path) -> None:
        """The host names the connection, which holds the address; the rest is below it."""
        url = self.notes.text(value, path, 2000)
        try:
            parts = urlsplit(VARIABLE.sub("{text}", url))
            host = parts.hostname or ""
        except ValueError:
            parts, host = urlsplit(""), ""
        if not host or "{" in host:
            self.notes.open(
                path, f"{element.called}: Its address is put together as it runs. Set it."
            )
            return
        query = "&".join(one for one in parts.query.split("&") if one and GONE not in one)
        element.put("server", host, path)
        element.put("path", parts.path + (f"?{query}" if query else ""), path)
        shown = short(f"{parts.scheme}://{parts.netloc}")
        self.notes.open(
            path, f"{element.called}: It calls {shown}; that is the connection's address."
        )

    def _free(self, name: str) -> str:
        wanted, number = name, 2
        while wanted in self.sketch.elements:
            wanted, number = f"{name}-{number}", number + 1
        return wanted


def _asked(row: Any) -> Iterator[tuple[str, str]]:
    """A start's variables after the first, which is the question."""
    data = row.get("data") if isinstance(row, dict) else None
    if not isinstance(data, dict) or data.get("type") != "start":
        return
    variables = data.get("variables")
    rows = (
        [one for one in variables if isinstance(one, dict)] if isinstance(variables, list) else []
    )
    written = [str(one.get("variable", "")) for one in rows if one.get("type") != "file"]
    for name in written[1:]:
        if FIELD.fullmatch(name):
            yield str(row.get("id", "")), name


def _rule(rule: dict[str, Any], value: str, pattern: bool) -> str:
    """As words, or as a pattern where another rule of the same switch needs one."""
    if not pattern:
        return value
    return str(rule.get("pattern", "{}")).replace("{}", re.escape(value))


READ_BY_ITSELF: Final = frozenset(
    ("start", "answer", "llm", "agent", "knowledge-retrieval", "question-classifier", "if-else",
     "http-request")
)  # fmt: skip

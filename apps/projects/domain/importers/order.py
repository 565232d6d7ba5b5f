"""Brings a sketch into an order in which it can run: one way in, one way out, no circle, no dead end."""

from __future__ import annotations

from collections.abc import Iterable

from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import Element, Feed, Sketch, roles
from apps.projects.domain.yaml_nodes import short

INPUT, OUTPUT = "chat-input", "chat-output"


def ordered(sketch: Sketch, notes: Notes) -> list[Element]:
    """The elements on the way from the question to the answer, and those that only carry settings, each
    after what feeds it. Leaves a note for every element and every edge that is not among them."""
    _known_feeds(sketch, notes)
    _one_of(INPUT, sketch, notes)
    _one_of(OUTPUT, sketch, notes)
    _ends(sketch, notes)
    _called_agents(sketch, notes)
    rows = _sorted(sketch, notes)
    used = _leading_to(OUTPUT, sketch, rows)
    for element in rows:
        if element.id not in used and roles()[element.role].components:
            _dead_end(element, sketch, notes)
    kept = [row for row in rows if row.id in used or not roles()[row.role].components]
    names = {row.id for row in kept}
    for row in kept:
        row.feeds = [feed for feed in row.feeds if feed.source in names]
    return kept


def _known_feeds(sketch: Sketch, notes: Notes) -> None:
    for element in sketch.elements.values():
        kept = [feed for feed in element.feeds if feed.source in sketch.elements]
        for feed in element.feeds:
            if feed not in kept:
                message = f"It is fed by “{short(feed.source)}”, which is not in the file."
                notes.broken(element.path, f"{element.called}: {message} That edge is left out.")
        element.feeds = list(dict.fromkeys(kept))


def _one_of(role: str, sketch: Sketch, notes: Notes) -> None:
    """Merges several ways in (or out) into the first."""
    rows = [row for row in sketch.elements.values() if row.role == role]
    for first, other in zip(rows[:1] * len(rows), rows[1:], strict=False):
        end = "begins" if role == INPUT else "ends"
        message = f"A flow {end} once here, so this is taken together with {first.called}."
        notes.changed(other.path, f"{other.called}: {message}")
        first.feeds = list(dict.fromkeys([*first.feeds, *other.feeds]))
        del sketch.elements[other.id]
        for row in sketch.elements.values():
            row.feeds = [Feed(first.id) if feed.source == other.id else feed for feed in row.feeds]


def _ends(sketch: Sketch, notes: Notes) -> None:
    """Adds the question or the answer where the file has none."""
    working = [row for row in sketch.elements.values() if roles()[row.role].components]
    kinds = {row.role for row in working}
    if INPUT not in kinds:
        roots = [row for row in working if not row.feeds and row.role != OUTPUT]
        start = sketch.add(Element(_free(INPUT, sketch), INPUT, ()))
        for row in roots:
            row.feeds = [Feed(start.id)]
        notes.changed((), "The file has no input of its own; a question was put before it.")
    if OUTPUT not in kinds:
        feeding = _feeding(sketch, working)
        leaves = [row for row in working if row.id not in feeding and row.role != INPUT]
        sketch.add(Element(_free(OUTPUT, sketch), OUTPUT, (), feeds=[Feed(r.id) for r in leaves]))
        notes.changed((), "The file has no output of its own; an answer was put behind it.")
    start_id = next(row.id for row in sketch.elements.values() if row.role == INPUT)
    for row in sketch.elements.values():
        if not row.feeds and row.id != start_id and roles()[row.role].components:
            row.feeds = [Feed(start_id)]


def _feeding(sketch: Sketch, working: Iterable[Element]) -> set[str]:
    """What feeds a working element, straight or by way of elements that only hand on."""
    found: set[str] = set()
    waiting = [feed.source for row in working for feed in row.feeds]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [feed.source for feed in sketch.elements[name].feeds]
    return found


def _called_agents(sketch: Sketch, notes: Notes) -> None:
    """An agent that another one calls as a tool, for what it finds: the caller reads that itself, with its
    own question."""
    agents = [row for row in sketch.elements.values() if roles()[row.role].agent]
    for agent in agents:
        caller = next((one for one in agents if Feed(one.id) in agent.feeds), None)
        found = [feed for feed in agent.feeds if caller and feed.source != caller.id]
        read = any(
            Feed(agent.id) in row.feeds and row.role == OUTPUT for row in sketch.elements.values()
        )
        if caller is None or caller is agent or not found or read:
            continue
        for row in sketch.elements.values():
            if Feed(agent.id) in row.feeds:
                kept = [feed for feed in row.feeds if feed.source != agent.id]
                row.feeds = list(dict.fromkeys([*kept, *caller.feeds]))
        caller.feeds = list(dict.fromkeys([*caller.feeds, *found]))
        del sketch.elements[agent.id]
        message = f"{caller.called} calls it as a tool, and agents call no agents here."
        notes.changed(
            agent.path, f"{agent.called}: {message} What it reads, {caller.called} reads."
        )
        _lost_with(agent, caller, notes)


def _lost_with(agent: Element, caller: Element, notes: Notes) -> None:
    """What an agent had of its own and its caller has not: each at its place, for there is one model now."""
    for name, value in agent.params.items():
        if value in (None, "", [], {}) or caller.params.get(name) == value:
            continue
        message = f"Its {name.replace('_', ' ')} ({short(value)}) is left out; {caller.called} has its own."
        notes.left_out(agent.places.get(name, agent.path), f"{agent.called}: {message}")


def _sorted(sketch: Sketch, notes: Notes) -> list[Element]:
    """In the order of the file where it is free. Circles are cut, at an agent if there is one."""
    waiting = dict(sketch.elements)
    rows: list[Element] = []
    needs = {row.id: {feed.source for feed in row.feeds} for row in waiting.values()}
    while waiting:
        done = {row.id for row in rows}
        ready = [row for row in waiting.values() if needs[row.id] <= done]
        if not ready:
            _cut(_circle(waiting, needs), needs, sketch, notes)
            continue
        rows += ready
        for row in ready:
            del waiting[row.id]
    return rows


def _circle(waiting: dict[str, Element], needs: dict[str, set[str]]) -> list[Element]:
    """One circle among those that wait for each other: going backwards comes to where one was."""
    seen: dict[str, None] = {}
    here = next(iter(waiting))
    while here not in seen:
        seen[here] = None
        here = next(name for name in needs[here] if name in waiting)
    names = list(seen)
    return [waiting[name] for name in reversed(names[names.index(here) :])]


def _cut(circle: list[Element], needs: dict[str, set[str]], sketch: Sketch, notes: Notes) -> None:
    agent = next((row for row in circle if roles()[row.role].agent), None)
    names = ", ".join(row.called for row in circle if row is not agent)
    cut_from = agent or circle[-1]
    target = circle[(circle.index(cut_from) + 1) % len(circle)]
    inner = {row.id for row in circle}
    before = [feed for feed in cut_from.feeds if feed.source not in inner] if agent else []
    target.feeds = [feed for feed in target.feeds if feed.source != cut_from.id] + before
    target.feeds = [feed for feed in dict.fromkeys(target.feeds) if feed.source != target.id]
    needs[target.id] = {feed.source for feed in target.feeds}
    if agent:
        message = (
            f"{agent.called} calls {names} in a circle. Flows run one way here: {target.called} and "
            f"what follows it come first, with the question of {agent.called}."
        )
    else:
        message = (
            f"{names} run in a circle. The edge from {cut_from.called} to {target.called} is "
            "left out; flows run one way here."
        )
    notes.changed(target.path, message)


def _leading_to(role: str, sketch: Sketch, rows: Iterable[Element]) -> set[str]:
    wanted = {row.id for row in rows if row.role == role}
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        found.add(name)
        wanted |= {feed.source for feed in sketch.elements[name].feeds} - found
    return found | {row.id for row in rows if row.role == INPUT}


def _dead_end(element: Element, sketch: Sketch, notes: Notes) -> None:
    callers = [sketch.elements[feed.source] for feed in element.feeds]
    agent = next((row for row in callers if roles()[row.role].agent), None)
    if agent is not None:
        message = f"{agent.called} calls this as a tool of its own. It is left out; give the agent "
        message += "a tool of the catalog instead."
    else:
        message = "The answer does not depend on it. It is left out."
    notes.left_out(element.path, f"{element.called}: {message}")


def _free(name: str, sketch: Sketch) -> str:
    while name in sketch.elements:
        name += "-1"
    return name

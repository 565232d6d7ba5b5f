"""Runs a graph: steps that need nothing more of each other run together, events leave as they happen.

While a single step can run, its events pass straight through, without task or queue: a token costs a
few microseconds. Closing the generator, or cancelling whoever iterates it, closes the step at
work and with it the request to the model server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast

from apps.runtime.adapters.base import Along, Screen, Step
from apps.runtime.errors import StudioError, UserFault
from apps.runtime.events import (
    Answer,
    Event,
    Failed,
    Finished,
    Notice,
    Skipped,
    Started,
    Token,
    Usage,
)
from apps.runtime.graph import Graph, Node
from apps.runtime.plan import Plan, Task, plan_of, task_of
from apps.runtime.ports import Reply
from apps.runtime.preview import previews
from apps.runtime.resources import Resources, RunRequest

QUEUE_EVENTS = 64
"""Events of steps running together that wait for a slow reader before the steps wait."""


class NoReply(UserFault):
    code = "run.no-reply"
    sentence = (
        "No branch of this application led to its answer: {reason}. Check its switches and inputs."
    )


async def run(
    graph: Graph, request: RunRequest, resources: Resources
) -> AsyncGenerator[Event, None]:
    """Run the graph once. The last event is Answer.

    Token events are pieces of the reply only: what other model steps write stays inside. A step that
    fails yields Failed, and then its StudioError is raised. A step behind a branch that was not taken
    yields Skipped. Raises NoReply if the answer itself was skipped.
    """
    run = _Run(plan_of(graph), request, resources)
    async with aclosing(run.events()) as events:
        async for event in events:
            yield event
    yield run.answer()


async def run_node(
    node: Node, inputs: Mapping[str, Any], request: RunRequest, resources: Resources
) -> AsyncGenerator[Event, None]:
    """Run one node by itself with these inputs; the last event is Finished with its outputs shown.

    Raises GraphInvalid for a node that cannot run, NoReply if an input it needs is not given.
    """
    task = task_of(node)
    if missing := sorted(task.required - inputs.keys()):
        raise NoReply(reason=f"{node.id} needs a value for {missing[0]}")
    step = Step(node.id, task.params, dict(inputs), request, resources)
    began = perf_counter()
    yield Started(node.id, node.component)
    work = cast("AsyncGenerator[Event, None]", task.adapter.run(step))
    async with aclosing(work) as events:
        async for event in events:
            yield event
    for notice in step.notices:
        yield notice
    outputs = {"in": previews(step.inputs), "out": previews(step.outputs)}
    yield Finished(node.id, (perf_counter() - began) * 1000, {**step.noted, **outputs})


@dataclass(slots=True)
class _Run:
    plan: Plan
    request: RunRequest
    resources: Resources
    started: float = field(default_factory=perf_counter)
    first_token_ms: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    heard: str = ""
    ended: Reply | None = None
    notices: list[Notice] = field(default_factory=list)
    along: dict[str, Along] | None = None
    """Steps that work while the reader is being told, by node; None before the first word."""

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(self._steps()) as events:
                async for event in events:
                    yield event
        finally:
            for one in (self.along or {}).values():
                await one.close()

    async def _steps(self) -> AsyncGenerator[Event, None]:
        while ready := list(self._ready()):
            for node in self._newly_skipped():
                yield Skipped(node)
            if len(ready) > 1:
                async with aclosing(self._together(ready)) as events:
                    async for event in events:
                        yield event
            else:
                async with aclosing(self._step(ready[0])) as events:
                    async for event in events:
                        yield event
            if self.ended:
                return
        for node in self._newly_skipped():
            yield Skipped(node)

    def answer(self) -> Answer:
        reply = self.ended or self.outputs[self.plan.output].get("reply")
        if reply is None:
            raise NoReply(reason=f"{self.plan.output} was skipped")
        return Answer(
            text=reply.text,
            citations=reply.citations or (),
            finish_reason=reply.finish_reason,
            model=reply.model,
            generated=reply.generated,
            time_to_first_token_ms=self.first_token_ms,
            duration_ms=self._elapsed_ms(),
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            media=reply.media,
            notices=tuple(self.notices),
        )

    def _ready(self) -> Iterator[Task]:
        """Tasks whose needs are settled, marked as begun. Those that lack an input are skipped, and with
        them what needs them."""
        if self.ended:
            return
        for name, task in self.plan.tasks.items():
            if name in self.begun or not all(need in self.outputs for need in task.needs):
                continue
            self.begun.add(name)
            if self._lacks_input(task):
                self.outputs[name] = {}
                self.skipped.append(name)
            else:
                yield task

    def _lacks_input(self, task: Task) -> bool:
        fed = {port for port, (node, out) in task.wires.items() if out in self.outputs[node]}
        return bool(task.required - fed) or bool(task.wires and not fed)

    def _newly_skipped(self) -> list[str]:
        found, self.skipped = self.skipped, []
        return found

    async def _step(self, task: Task) -> AsyncGenerator[Event, None]:
        step = Step(
            task.node,
            task.params,
            {
                port: self.outputs[node][out]
                for port, (node, out) in task.wires.items()
                if out in self.outputs[node]
            },
            self.request,
            self.resources,
            self._heard_by(task),
            {port: node for port, (node, _) in task.wires.items()},
        )
        step.along = (self.along or {}).get(task.node)
        speaks = task.node in self.plan.screens
        screens = self._screens(task.node)
        began = perf_counter()
        yield Started(task.node, task.component)
        work = cast("AsyncGenerator[Event, None]", task.adapter.run(step))
        try:
            async with aclosing(work) as events:
                async for event in events:
                    if isinstance(event, Token):
                        if speaks and screens:
                            event = Token(task.node, _screened(screens, event.text))
                        if not (speaks and event.text and self._is_heard(task.node)):
                            continue
                    elif isinstance(event, Usage):
                        self.prompt_tokens += event.prompt_tokens
                        self.completion_tokens += event.completion_tokens
                    yield event
                    if isinstance(event, Token):
                        for told in self._told(event.text):
                            yield told
        except StudioError as error:
            yield Failed(task.node, error.code, str(error))
            raise
        rest = _screened(screens, "", last=True)
        if rest and self._is_heard(task.node):
            yield Token(task.node, rest)
            self._told(rest)
        if step.ends and not self.ended:
            self.ended = step.ends
            if not self.heard:
                self._is_heard(task.node)
                yield Token(task.node, step.ends.text)
        self.outputs[task.node] = step.outputs
        for notice in step.notices:
            self.notices.append(notice)
            yield notice
        shown = step.noted
        if self.request.inspect:
            shown = {**shown, "in": previews(step.inputs), "out": previews(step.outputs)}
        yield Finished(task.node, (perf_counter() - began) * 1000, shown)

    def _told(self, text: str) -> list[Event]:
        """Hands the reader's words to the steps that work along; returns what came of it so far."""
        if self.along is None:
            tasks = [task for task in self.plan.tasks.values() if self._goes_along(task)]
            self.along = {
                task.node: task.adapter.along(
                    Step(task.node, task.params, {}, self.request, self.resources)
                )
                for task in tasks
                if task.adapter.along
            }
        found: list[Event] = []
        for one in self.along.values():
            one.feed(text)
            found += one.events()
        return found

    def _goes_along(self, task: Task) -> bool:
        """Whether the words that the reader sees come to this task as an answer."""
        if not task.adapter.along or task.node in self.begun:
            return False
        return any(
            self.heard in self.plan.speaks_through(node)
            for node, out in task.wires.values()
            if self.plan.tasks[node].ports.outputs[out].type == "answer"
        )

    def _screens(self, node: str) -> list[Screen]:
        names = self.plan.screens.get(node, ())
        tasks = [self.plan.tasks[name] for name in names]
        return [task.adapter.screen(task.params) for task in tasks if task.adapter.screen]

    def _heard_by(self, task: Task) -> str:
        """The node that the reader hears, or of a task that passes words on, its source that they come
        through."""
        if not (self.heard and task.adapter.passes):
            return self.heard
        sources = [node for node, _ in task.wires.values()]
        return next(
            (node for node in sources if self.heard in self.plan.speaks_through(node)), self.heard
        )

    def _is_heard(self, node: str) -> bool:
        """Whether this node is the one that people read; the first one to speak is."""
        if self.first_token_ms is None:
            self.first_token_ms = self._elapsed_ms()
            self.heard = node
        return self.heard == node

    async def _together(self, ready: list[Task]) -> AsyncGenerator[Event, None]:
        """Run these and all that follow, each as soon as it can, in tasks of their own."""
        queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue(QUEUE_EVENTS)
        workers: list[asyncio.Task[None]] = []

        async def work(task: Task) -> None:
            try:
                async with aclosing(self._step(task)) as events:
                    async for event in events:
                        await queue.put(event)
                await queue.put(None)
            except Exception as error:  # noqa: BLE001 - raised again where the queue is read
                await queue.put(error)

        try:
            working = 0
            while ready or working:
                workers += [asyncio.create_task(work(task), name=task.node) for task in ready]
                working, ready = working + len(ready), []
                event = await queue.get()
                if event is None:
                    working, ready = working - 1, list(self._ready())
                    for node in self._newly_skipped():
                        yield Skipped(node)
                    if self.ended:
                        return
                elif isinstance(event, Exception):
                    raise event
                else:
                    yield event
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _elapsed_ms(self) -> float:
        return (perf_counter() - self.started) * 1000


def _screened(screens: list[Screen], text: str, *, last: bool = False) -> str:
    """What of the text may be shown once it has gone through them all."""
    for screen in screens:
        text = screen.feed(text) + (screen.end() if last else "")
    return text

"""Runs a graph: steps that need nothing more of each other run together, events leave as they happen.

While a single step can run, its events pass straight through, without task or queue: a token costs a
few microseconds. Closing the generator, or cancelling whoever iterates it, closes the step at
work and with it the request to the model server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast

from apps.runtime.components import Reply
from apps.runtime.errors import StudioError
from apps.runtime.events import Answer, Event, Failed, Finished, Started, Token, Usage
from apps.runtime.graph import Graph
from apps.runtime.plan import Plan, Task, plan_of
from apps.runtime.resources import Resources, RunRequest
from apps.runtime.steps import STEPS, Step

QUEUE_EVENTS = 64
"""Events of steps running together that wait for a slow reader before the steps wait."""


async def run(
    graph: Graph, request: RunRequest, resources: Resources
) -> AsyncGenerator[Event, None]:
    """Run the graph once. The last event is Answer.

    Token events are pieces of the reply only: what other model steps write stays inside. A step that
    fails yields Failed, and then its StudioError is raised.
    """
    run = _Run(plan_of(graph), request, resources)
    async with aclosing(run.events()) as events:
        async for event in events:
            yield event
    yield run.answer()


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

    async def events(self) -> AsyncGenerator[Event, None]:
        while ready := list(self._ready()):
            if len(ready) > 1:
                async with aclosing(self._together(ready)) as events:
                    async for event in events:
                        yield event
                return
            async with aclosing(self._step(ready[0])) as events:
                async for event in events:
                    yield event

    def answer(self) -> Answer:
        reply: Reply = self.outputs[self.plan.output]["reply"]
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
        )

    def _ready(self) -> Iterator[Task]:
        """Tasks whose needs are met, marked as begun."""
        for name, task in self.plan.tasks.items():
            if name not in self.begun and all(need in self.outputs for need in task.needs):
                self.begun.add(name)
                yield task

    async def _step(self, task: Task) -> AsyncGenerator[Event, None]:
        step = Step(
            task.node,
            task.params,
            {port: self.outputs[node][out] for port, (node, out) in task.wires.items()},
            self.request,
            self.resources,
        )
        speaks = task.node == self.plan.reply
        began = perf_counter()
        yield Started(task.node, task.component)
        work = cast("AsyncGenerator[Event, None]", STEPS[task.component](step))
        try:
            async with aclosing(work) as events:
                async for event in events:
                    if isinstance(event, Token):
                        if not speaks:
                            continue
                        if self.first_token_ms is None:
                            self.first_token_ms = self._elapsed_ms()
                    elif isinstance(event, Usage):
                        self.prompt_tokens += event.prompt_tokens
                        self.completion_tokens += event.completion_tokens
                    yield event
        except StudioError as error:
            yield Failed(task.node, error.code, str(error))
            raise
        self.outputs[task.node] = step.outputs
        yield Finished(task.node, (perf_counter() - began) * 1000, step.noted)

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

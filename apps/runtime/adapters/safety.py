"""Guardrails: what users write and what is answered is looked at, and blocked, masked or noted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from apps.runtime import opea
from apps.runtime.adapters.base import Adapter, Params, Screen, Step
from apps.runtime.errors import UserFault
from apps.runtime.events import Event, Token
from apps.runtime.guardrails import Segments, Span, find, masked
from apps.runtime.ports import Reply
from apps.runtime.resources import ModelServer, Turn

Action = Literal["block", "mask", "flag"]
T = TypeVar("T")
THREAD_FROM_CHARS = 20_000
"""Patterns read about 5 MB a second; longer texts are read beside the event loop."""
VIOLATED = "Violated policies"
"""How OPEA's guardrails begin the text of a refusal; its HTTP status is 200."""

REFUSALS = {
    "pii": (
        "Your message holds personal data. Please leave it out and ask again.",
        "The answer held personal data and is not shown.",
    ),
    "prompt-injection": (
        "Your message tries to change the instructions of this application. Please ask differently.",
        "The answer was not shown: it held instructions to a model.",
    ),
    "toxicity": (
        "Your message holds insults or threats. Please ask in another tone.",
        "The answer held insults or threats and is not shown.",
    ),
    "topic": (
        "This application does not talk about that topic.",
        "The answer touched a topic that this application does not talk about, and is not shown.",
    ),
    "opea": (
        "Your message was judged unsafe and is not answered.",
        "The answer was judged unsafe and is not shown.",
    ),
}
"""By kind: said instead of an answer, where a rule of the input or of the output has no words of its own."""


class GuardConnectionMissing(UserFault):
    code = "run.guard-connection-missing"
    sentence = "A guardrail of {node} asks an OPEA service, and no connection is chosen for it."


class Rule(Params):
    """As `Guardrail` of the spec. A service cannot say where something stands: its mask hides all."""

    kind: Literal["pii", "prompt-injection", "toxicity", "topic", "opea"]
    action: Action = "block"
    words: tuple[str, ...] = ()
    connection: str | None = None
    message: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing may be shown before the whole text was looked at."""
        return self.action == "block" or (self.kind == "opea" and self.action == "mask")

    def spans(self, text: str) -> list[Span]:
        return [] if self.kind == "opea" else find(self.kind, text, self.words)

    def refusal(self, side: int) -> Reply:
        return Reply(self.message or REFUSALS[self.kind][side], (), generated=False)


class GuardParams(Params):
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """text: with what is masked hidden. found: for the trace, without the words themselves."""

    text: str
    blocked: Rule | None
    found: list[str]


async def guard_input(step: Step) -> AsyncIterator[Event]:
    """The text, masked where rules say so; a rule that blocks ends the run with its message. Earlier
    messages of the user are masked alike, never blocked: they were looked at when they came."""
    rules = step.given(GuardParams).rules
    verdict = await _judge(step, rules, step.inputs["text"])
    step.noted = {"found": verdict.found}
    if verdict.blocked:
        step.noted["blocked_by"] = verdict.blocked.kind
        step.ends = verdict.blocked.refusal(0)
        return
    step.outputs = {"text": verdict.text}
    if "history" in step.inputs:
        step.outputs["history"] = await _aside(
            sum(len(turn.content) for turn in step.history), _history, rules, step.history
        )
    return
    yield  # an async generator that yields nothing


async def guard_output(step: Step) -> AsyncIterator[Event]:
    """The answer, masked where rules say so, or a rule's message in its place. Where no rule can hold an
    answer back it has streamed through `Masking` already, and this gives the same text whole."""
    rules = step.given(GuardParams).rules
    reply: Reply = step.inputs["answer"]
    verdict = await _judge(step, rules, reply.text)
    step.noted = {"found": verdict.found}
    if verdict.blocked:
        step.noted["blocked_by"] = verdict.blocked.kind
        reply = verdict.blocked.refusal(1)
    else:
        reply = replace(reply, text=verdict.text)
    step.outputs = {"answer": reply}
    if any(rule.holds for rule in rules):
        yield Token(step.node, reply.text)


class Masking:
    """What leaves an output's guardrail while the answer is still being written: sentence by sentence,
    masked; nothing at all where a rule must see the whole first."""

    def __init__(self, params: Params) -> None:
        rules = params.rules if isinstance(params, GuardParams) else ()
        self._holds = any(rule.holds for rule in rules)
        self._masks = [rule for rule in rules if rule.action == "mask" and rule.kind != "opea"]
        self._segments = Segments()

    def feed(self, text: str) -> str:
        if self._holds or not self._masks:
            return "" if self._holds else text
        return "".join(self._hidden(part) for part in self._segments.feed(text))

    def end(self) -> str:
        return "" if self._holds else "".join(self._hidden(part) for part in self._segments.end())

    def _hidden(self, text: str) -> str:
        return masked(text, [span for rule in self._masks for span in rule.spans(text)])


def screen(params: Params) -> Screen:
    return Masking(params)


async def _judge(step: Step, rules: Sequence[Rule], text: str) -> Verdict:
    """Rules in their order; the first that blocks decides. Services are asked together, and only about a
    text that no pattern has blocked. Raises what asking them raises: no guard, no answer."""
    verdict = await _aside(len(text), _look, rules, text)
    if verdict.blocked:
        return verdict
    asked = [rule for rule in rules if rule.kind == "opea"]
    servers = [_server(step, rule) for rule in asked]
    judged = await asyncio.gather(*(_unsafe(server, text) for server in servers))
    unsafe = [rule for rule, violated in zip(asked, judged, strict=True) if violated]
    found = verdict.found + [f"{rule.kind}: {rule.action}" for rule in unsafe]
    blocking = next((rule for rule in unsafe if rule.holds), None)
    return replace(verdict, blocked=blocking, found=found)


def _look(rules: Sequence[Rule], text: str) -> Verdict:
    """What patterns say. Masking goes sentence by sentence, as it does while an answer streams."""
    found: list[str] = []
    for rule in rules:
        spans = rule.spans(text)
        counts = Counter(span.label for span in spans)
        found += [f"{count} {label}: {rule.action}" for label, count in counts.items()]
        if spans and rule.holds:
            return Verdict(text, rule, found)
    return Verdict(_masked(rules, text), None, found)


def _masked(rules: Sequence[Rule], text: str) -> str:
    masks = tuple(rule for rule in rules if rule.action == "mask" and not rule.holds)
    masking = Masking(GuardParams(rules=masks))
    return masking.feed(text) + masking.end()


def _history(rules: Sequence[Rule], turns: Sequence[Turn]) -> tuple[Turn, ...]:
    return tuple(
        replace(turn, content=_masked(rules, turn.content)) if turn.role == "user" else turn
        for turn in turns
    )


async def _aside(chars: int, work: Callable[..., T], *given: Any) -> T:
    return await asyncio.to_thread(work, *given) if chars > THREAD_FROM_CHARS else work(*given)


def _server(step: Step, rule: Rule) -> ModelServer:
    if not rule.connection:
        raise GuardConnectionMissing(node=step.node)
    return step.server(rule.connection)


async def _unsafe(server: ModelServer, text: str) -> bool:
    """What OPEA's guardrails say. Raises ServiceFault, also for an answer that is none of theirs."""
    if not text.strip():
        return False
    answer = await opea.post(server, "v1/guardrails", {"text": text})
    said = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(said, str):
        raise opea.unfit(server, "its judgement has no text")
    return said.startswith(VIOLATED) or bool(answer.get("downstream_black_list"))


GUARD_INPUT = Adapter("guard-input", guard_input, GuardParams)
GUARD_OUTPUT = Adapter("guard-output", guard_output, GuardParams, passes=True, screen=screen)

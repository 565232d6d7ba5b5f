"""Words made for a model: a follow-up as a question of its own, and a template filled in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Final, Self

from pydantic import Field, model_validator

from apps.runtime.adapters.asking import Whole
from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.events import Event, Passage
from apps.runtime.prompt import bounded, numbered
from apps.runtime.resources import Turn

QUESTION_CHARS: Final = 1_000
"""A rewritten question longer than this, or cut off, is none: the model has answered instead."""
REWRITE_TOKENS: Final = 200
REWRITING = """\
Rewrite the user's last message as one question that can be understood without the conversation. Put in \
what "it", "they" and the like stand for. Keep its language and its meaning, add nothing, do not answer it. \
If it can be understood already, repeat it. Reply with the question alone."""


class RewriteParams(Params):
    server: str
    model: str


async def rewrite(step: Step) -> AsyncIterator[Event]:
    """Without a conversation before it the question stays, and no model is asked. So it does where the
    reply is no question: empty, or far too long."""
    params = step.given(RewriteParams)
    question: str = step.inputs["question"]
    history = bounded(step.history)
    rewritten = question
    if history:
        talk = "\n".join(f"{turn.role}: {turn.content}" for turn in history)
        asked = f"Conversation:\n{talk}\n\nLast message:\n{question}"
        messages = (Turn("system", REWRITING), Turn("user", asked))
        whole = Whole(step.server(params.server), params.model, messages, REWRITE_TOKENS)
        said = (await whole.text()).strip("\"“”' \n")
        yield whole.usage(step.node)
        if said and not whole.cut and len(said) <= max(QUESTION_CHARS, 2 * len(question)):
            rewritten = said
    step.outputs = {"question": rewritten}
    step.noted = {"question": rewritten, "changed": rewritten != question}


PLACES: Final = ("question", "passages", "history", "text")
_PLACE = re.compile(r"\{(\w+(?:\.[\w-]+)?)\}")


class TemplateParams(Params):
    """system, user: texts with {question}, {text}, {passages}, {history} and {fields.NAME}. Other braces
    stay as they are; nothing that is filled in is looked at for places again."""

    system: str = ""
    user: str = Field(default="{question}", min_length=1)

    @model_validator(mode="after")
    def _places_exist(self) -> Self:
        for name in _PLACE.findall(f"{self.system} {self.user}"):
            if name not in PLACES and not name.startswith("fields."):
                known = ", ".join(f"{{{place}}}" for place in PLACES)
                raise ValueError(f"{{{name}}} stands for nothing: use {known} or {{fields.NAME}}")
        return self


async def template(step: Step) -> AsyncIterator[Event]:
    """Messages of the filled texts; where {history} stands in neither, the conversation goes between."""
    params = step.given(TemplateParams)
    passages: tuple[Passage, ...] = step.inputs.get("passages", ())
    history = bounded(step.history)
    values = {
        "question": step.inputs.get("question", ""),
        "text": step.inputs.get("text", ""),
        "passages": numbered(passages),
        "history": "\n".join(f"{turn.role}: {turn.content}" for turn in history),
    }
    told = "{history}" in params.system + params.user
    system = filled(params.system, values, step.request.fields).strip()
    user = filled(params.user, values, step.request.fields)
    step.outputs = {
        "messages": (
            *((Turn("system", system),) if system else ()),
            *(() if told else history),
            Turn("user", user),
        )
    }
    step.noted = {"messages": len(step.outputs["messages"]), "chars": len(system) + len(user)}
    return
    yield  # an async generator that yields nothing


def filled(text: str, values: Mapping[str, str], fields: Mapping[str, str]) -> str:
    """Each {place} replaced once; {fields.NAME} that was not sent is empty."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("fields."):
            return str(fields.get(name.removeprefix("fields."), ""))
        return values.get(name, match[0])

    return _PLACE.sub(value, text)


REWRITE = Adapter("rewrite-openai", rewrite, RewriteParams)
TEMPLATE = Adapter("template", template, TemplateParams)

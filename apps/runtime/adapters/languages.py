"""Prompts of translation, of text and of programs, and of code that is asked for in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import UserFault
from apps.runtime.events import Event
from apps.runtime.instructions import (
    code_messages,
    code_translation_messages,
    translation_messages,
)
from apps.runtime.long_texts import Divided, Kind
from apps.runtime.resources import Turn

LANGUAGE_CHARS = 60


class LanguageMissing(UserFault):
    code = "run.language-missing"
    sentence = (
        "It is not said into which language to translate. Send the field target, or set "
        "spec.languages.target."
    )


class LanguageTwice(UserFault):
    code = "run.language-twice"
    sentence = "The text would be translated from {language} into {language}. Choose two languages."


class TranslationParams(Params):
    """What a request's fields `source` and `target` do not say. source "": find it out."""

    source: str = ""
    target: str = ""
    instruction: str = ""


class CodeParams(Params):
    """language: used unless a request's field `language` or the question names another."""

    language: str = ""
    instruction: str = ""


async def translation(step: Step) -> AsyncIterator[Event]:
    _translate(step, step.inputs["text"], "text", translation_messages)
    return
    yield  # an async generator that yields nothing


async def code_translation(step: Step) -> AsyncIterator[Event]:
    _translate(step, step.inputs["code"], "code", code_translation_messages)
    return
    yield  # an async generator that yields nothing


async def code(step: Step) -> AsyncIterator[Event]:
    params = step.given(CodeParams)
    language = _field(step, "language", params.language)
    messages = code_messages(
        step.inputs["question"],
        step.history,
        step.inputs.get("passages"),
        language,
        params.instruction,
    )
    step.outputs = {"messages": messages}
    step.noted = {"messages": len(messages)} | ({"language": language} if language else {})
    return
    yield  # an async generator that yields nothing


def _translate(step: Step, text: str, kind: Kind, build: Callable[..., tuple[Turn, ...]]) -> None:
    """Raises LanguageMissing or LanguageTwice."""
    params = step.given(TranslationParams)
    source = _field(step, "source", params.source)
    target = _field(step, "target", params.target)
    if not target:
        raise LanguageMissing
    if source.casefold() == target.casefold():
        raise LanguageTwice(language=target)

    def messages(part: str, before: str) -> tuple[Turn, ...]:
        return build(part, source, target, params.instruction, before)

    step.outputs = {"messages": Divided.of(text, kind, messages)}
    step.noted = {"source": source or "found out", "target": target, "chars": len(text)}


def _field(step: Step, name: str, otherwise: str) -> str:
    """A request's own value, also an empty one; one line, for it goes into the instruction."""
    value = step.request.fields.get(name)
    return " ".join((otherwise if value is None else value).split())[:LANGUAGE_CHARS]


TRANSLATION_PROMPT = Adapter(
    "translation-prompt", translation, TranslationParams, fields=("source", "target")
)
CODE_TRANSLATION_PROMPT = Adapter(
    "code-translation-prompt", code_translation, TranslationParams, fields=("source", "target")
)
CODE_PROMPT = Adapter("code-prompt", code, CodeParams, fields=("language",))

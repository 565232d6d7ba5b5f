"""The chain of steps and the words that people are shown of each application."""

from __future__ import annotations

import pytest

from apps.projects.domain.flow import flow
from apps.projects.domain.summary import in_words
from tests.apps.projects.specs import project_for

MODEL = {"spec.model": {"connection": "local", "name": "llama"}}
EARS = {"spec.speech.recognition": {"connection": "ears", "name": "whisper-1"}}
MOUTH = {"spec.speech.synthesis": {"connection": "mouth", "name": "tts-1", "voice": "alloy"}}
GUARDED = {
    "spec.guardrails.input": [{"kind": "pii", "action": "mask"}],
    "spec.guardrails.output": [{"kind": "toxicity", "action": "block"}],
    "spec.knowledge.collections": [],
}


@pytest.mark.parametrize(
    ("application", "changes", "chain"),
    [
        (
            "translation",
            MODEL,
            [
                ("chat-input", "a text to translate"),
                ("document-reader", "typed words, or an attached document"),
                ("translation-prompt", "from any language into German"),
                ("llm", "llama at local"),
                ("chat-output", "the translation, as it is written"),
            ],
        ),
        (
            "audio-chat",
            MODEL | EARS | MOUTH,
            [
                ("chat-input", "what the user says or types"),
                ("speech-recognition", "whisper-1 at ears"),
                ("prompt", "instruction, passages and conversation"),
                ("llm", "llama at local"),
                ("speech-synthesis", "tts-1 at mouth, voice alloy"),
                ("chat-output", "as text, and spoken where a voice is chosen"),
            ],
        ),
        (
            "summarizer",
            {},
            [
                ("chat-input", "a text or a document"),
                ("document-reader", "typed words, or an attached document"),
                ("summarizer", "quotes the central sentences, about 150 words"),
                ("chat-output", "the summary, as it is written"),
            ],
        ),
        (
            "qna",
            GUARDED,
            [
                ("chat-input", "what the user asks"),
                ("guardrail-in", "personal data hidden"),
                ("retriever", "no collection chosen yet"),
                ("extractive", "quotes word for word, no language model"),
                ("guardrail-out", "insults and threats blocked"),
                ("chat-output", "with numbered citations"),
            ],
        ),
    ],
)
def test_chain(application: str, changes: dict[str, object], chain: list[tuple[str, str]]) -> None:
    assert [(one.component, one.detail) for one in flow(project_for(application, changes))] == chain


@pytest.mark.parametrize(
    ("application", "missing"),
    [
        ("translation", ["llm"]),
        ("code-gen", ["llm"]),
        ("visual-chat", ["vision-model"]),
        ("audio-chat", ["speech-recognition"]),
        ("summarizer", []),
    ],
)
def test_what_is_missing_is_marked(application: str, missing: list[str]) -> None:
    assert [one.component for one in flow(project_for(application, {})) if one.missing] == missing


def test_applications_in_words() -> None:
    def said(application: str, **changes: object) -> dict[str, str]:
        words = in_words(project_for(application, changes))
        return {label: text for rows in words.values() for label, text in rows}

    assert said("translation")["Answers"] == "no language model chosen"
    assert said("translation")["Languages"] == "from any language into German"
    assert said("summarizer", **MODEL)["Answers"] == "llama at local"
    assert said("summarizer")["Summary"] == (
        "about 150 words, in one go where it fits, else piece by piece"
    )
    assert said("audio-chat", **EARS)["Hears"] == "whisper-1 at ears"
    assert said("audio-chat")["Speaks"] == "answers as text only"
    assert said("code-gen")["Language"] == "Python"

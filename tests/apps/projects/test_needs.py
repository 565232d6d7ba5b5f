"""What each application needs, and what of a spec does nothing in it."""

from __future__ import annotations

import pytest

from apps.projects.domain.validate import Context, findings
from tests.apps.projects.specs import project_for

HAS = Context(
    connections={"local": ("llama",), "ears": ("whisper-1",), "opea": ()}, kinds={"opea": "opea"}
)
MODEL = {"spec.model": {"connection": "local", "name": "llama"}}
EARS = {"spec.speech.recognition": {"connection": "ears", "name": "whisper-1"}}
MOUTH = {"spec.speech.synthesis": {"connection": "ears", "name": "tts-1", "voice": "alloy"}}


def found(application: str, **changes: object) -> list[tuple[str, str]]:
    spec = project_for(application, changes)
    return [(one.code, ".".join(map(str, one.path))) for one in findings(spec, HAS)]


@pytest.mark.parametrize("application", ["translation", "code-gen", "code-trans", "visual-chat"])
def test_an_application_that_generates_needs_a_model(application: str) -> None:
    assert found(application) == [("spec.model.needed", "spec.model.connection")]
    assert found(application, **MODEL) == []


def test_languages_of_a_translation() -> None:
    place = "spec.languages.target"

    assert found("translation", **MODEL, **{place: ""}) == [
        ("spec.languages.target-missing", place)
    ]
    same = {"spec.languages": {"source": "german", "target": "German"}}
    assert found("translation", **MODEL, **same) == [("spec.languages.same", place)]


def test_audio_chat_needs_ears_and_may_be_mute() -> None:
    ears, mouth = "spec.speech.recognition", "spec.speech.synthesis"
    mute = ("spec.speech.synthesis-missing", f"{mouth}.connection")

    assert found("audio-chat", **MODEL) == [
        ("spec.speech.recognition-missing", f"{ears}.connection"),
        mute,
    ]
    assert found("audio-chat", **MODEL, **EARS) == [mute]
    assert found("audio-chat", **MODEL, **EARS, **MOUTH) == []


def test_only_opea_needs_no_model_name() -> None:
    changes = {**MODEL, **EARS, "spec.speech.synthesis": {"connection": "opea", "name": ""}}
    nameless = {**changes, "spec.speech.recognition": {"connection": "ears", "name": " "}}

    assert found("audio-chat", **changes) == []
    assert found("audio-chat", **nameless) == [
        ("spec.speech.model-missing", "spec.speech.recognition.name")
    ]


def test_a_voice_without_a_model_needs_documents() -> None:
    assert ("spec.knowledge.missing", "spec.knowledge.collections") in found(
        "audio-chat", **EARS, **MOUTH
    )


def test_a_summarizer_needs_nothing() -> None:
    assert found("summarizer") == []


def test_settings_that_nothing_reads_are_said() -> None:
    changes = {"spec.knowledge.collections": ["handbook"], **EARS, "spec.summary.words": 90}

    assert [row for row in found("translation", **MODEL, **changes) if "unused" in row[0]] == [
        ("spec.part.unused", "spec.knowledge.collections"),
        ("spec.part.unused", "spec.speech.recognition"),
        ("spec.part.unused", "spec.summary"),
    ]


def test_unknown_speech_connection_offers_no_builtin() -> None:
    spec = project_for("translation", {**MODEL, "spec.speech.recognition.connection": "eers"})
    said = [one for one in findings(spec, HAS) if one.code == "spec.connection.unknown"]

    assert [one.message for one in said] == [
        "There is no connection “eers”. Did you mean ears? Create it under Connections, or choose "
        "another."
    ]


def test_a_source_language_does_nothing_where_code_is_only_written() -> None:
    assert found("code-gen", **MODEL, **{"spec.languages.source": "Perl"}) == [
        ("spec.part.unused", "spec.languages.source")
    ]


def test_opea_counts_no_words() -> None:
    served = {"spec.model": {"connection": "opea", "name": "llama"}}

    assert found("summarizer", **served) == []
    assert found("summarizer", **served, **{"spec.summary.words": 40}) == [
        ("spec.setting.ignored", "spec.summary.words")
    ]

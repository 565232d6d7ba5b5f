"""AudioChat from a recording to a spoken answer, with OpenAI's interfaces and with OPEA's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from apps.runtime.adapters.speech import NothingHeard
from apps.runtime.errors import ServiceBroke, ServiceRefused, ServiceUnavailable
from apps.runtime.events import Heard
from apps.runtime.graph import Graph
from apps.runtime.media import Media
from apps.runtime.resources import ModelServer
from apps.runtime.sounds import duration_s, joined
from apps.runtime.speech import STRETCH_CHARS, stretches
from apps.runtime.traits import traits_of
from tests.apps.runtime.applications import MODEL, answer_to, asked, built, events_of
from tests.fakes.opea_server import FakeOpea
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.sounds import spoken, tone, words_in

QUESTION = Media("audio/wav", spoken("When does the hall open?"), "question.wav")


def audio_chat(
    hears: str = "local",
    speaks: str | None = "local",
    kinds: dict[str, str] | None = None,
    model: str = "fake-model",
) -> Graph:
    changes = MODEL | {
        "spec.speech.recognition": {"connection": hears, "name": model},
        "spec.speech.synthesis": {"connection": speaks, "name": model, "voice": ""},
    }
    return built("audio-chat", changes, kinds)


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


@pytest.fixture
def opea_server(opea: FakeOpea) -> ModelServer:
    opea.reset()
    return ModelServer("opea", opea.url, kind="opea", first_token_timeout_s=2)


async def test_a_spoken_question_gets_a_spoken_answer(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    events = await events_of(audio_chat(), asked("", QUESTION), server)
    heard = [one.text for one in events if isinstance(one, Heard)]
    answer = events[-1]

    assert heard == ["When does the hall open?"]
    assert answer.text == "You said: When does the hall open?"  # type: ignore[union-attr]
    assert [words_in(one.data) for one in answer.media] == [answer.text]  # type: ignore[union-attr]
    assert [one.path for one in fake.requests] == [
        "/v1/audio/transcriptions",
        "/v1/chat/completions",
        "/v1/audio/speech",
    ]
    assert fake.requests[0].body["file"] == QUESTION.data


async def test_words_reach_the_reader_before_the_sound_is_made(server: ModelServer) -> None:
    events = await events_of(audio_chat(), asked("", QUESTION), server)
    names = [getattr(one, "component", type(one).__name__) for one in events]

    assert names.index("Token") < names.index("speech-synthesis")


async def test_a_typed_question_needs_no_ears(fake: FakeOpenAI, server: ModelServer) -> None:
    answer = await answer_to(audio_chat(), asked("Hello"), server)

    assert answer.text == "You said: Hello"
    assert len(answer.media) == 1
    assert "/v1/audio/transcriptions" not in [one.path for one in fake.requests]


async def test_typed_and_spoken_words_are_one_question(server: ModelServer) -> None:
    answer = await answer_to(audio_chat(speaks=None), asked("Briefly:", QUESTION), server)

    assert answer.text == "You said: Briefly:\n\nWhen does the hall open?"
    assert answer.media == ()


async def test_opea_services_listen_and_speak(
    opea: FakeOpea, opea_server: ModelServer, server: ModelServer
) -> None:
    graph = audio_chat("opea", "opea", {"opea": "opea"}, model="")
    answer = await answer_to(graph, asked("", QUESTION), server, opea_server)

    assert answer.text == "You said: When does the hall open?"
    assert words_in(answer.media[0].data) == answer.text
    assert [one.path for one in opea.requests] == ["/v1/asr", "/v1/tts"]
    assert opea.requests[1].body["voice"] == "default"


async def test_a_voice_that_the_service_does_not_have_is_its_failure(
    opea_server: ModelServer, server: ModelServer
) -> None:
    changes = MODEL | {
        "spec.speech.recognition": {"connection": "local", "name": "fake"},
        "spec.speech.synthesis": {"connection": "opea", "name": "", "voice": "alto"},
    }
    graph = built("audio-chat", changes, {"opea": "opea"})
    with pytest.raises(ServiceBroke, match="HTTP 500"):
        await answer_to(graph, asked("Hi"), server, opea_server)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("fake-status400", ServiceRefused),
        ("fake-status503", ServiceUnavailable),
        ("fake-cut", ServiceBroke),
        ("fake-garbage", ServiceBroke),
    ],
)
async def test_faults_of_a_voice_are_told(
    model: str, error: type[Exception], server: ModelServer
) -> None:
    changes = MODEL | {
        "spec.speech.recognition": {"connection": "local", "name": "fake"},
        "spec.speech.synthesis": {"connection": "local", "name": model, "voice": ""},
    }
    with pytest.raises(error):
        await answer_to(built("audio-chat", changes), asked("Hi"), server)


async def test_silence_is_said(fake: FakeOpenAI, server: ModelServer) -> None:
    fake.behaviour = replace(fake.behaviour, reply=" ")
    try:
        with pytest.raises(NothingHeard):
            await answer_to(audio_chat(), asked("", QUESTION), server)
    finally:
        fake.behaviour = replace(fake.behaviour, reply=None)


async def test_a_long_answer_is_spoken_in_stretches_and_is_one_sound(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    text = "The hall opens at nine in the morning. " * 60
    answer = await answer_to(audio_chat(), asked(text), server)
    spoken_texts = [one.body["input"] for one in fake.requests if one.path.endswith("/speech")]

    assert len(spoken_texts) == 3
    assert max(map(len, spoken_texts)) <= STRETCH_CHARS
    assert len(answer.media) == 1
    assert duration_s(answer.media[0].data) == pytest.approx(
        sum(len(one) for one in spoken_texts) * 0.05, rel=0.01
    )


def test_stretches_leave_out_what_cannot_be_said() -> None:
    text = (
        "## Hall\n\nOpens **at 9** [1][2]. See [the plan](http://x).\n\n```py\nprint(1)\n```\nBye."
    )

    assert " ".join(stretches(text)) == "Hall Opens at 9 . See the plan. (code) Bye."
    assert stretches("```\nonly\n```") == ["(code)"]
    assert stretches("  ") == []


def test_joined_sounds_are_as_long_as_their_parts() -> None:
    assert duration_s(joined([tone(0.5), tone(0.25)])) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="not a WAVE file"):
        joined([tone(0.1), b"RIFF nothing"])
    assert duration_s(b"ID3") is None


def test_audio_chat_takes_sound_and_speaks() -> None:
    assert traits_of(audio_chat()).takes == ("audio",)
    assert traits_of(audio_chat()).speaks
    assert not traits_of(audio_chat(speaks=None)).speaks
    assert audio_chat("ears", "mouth").connections() == ("ears", "local", "mouth")

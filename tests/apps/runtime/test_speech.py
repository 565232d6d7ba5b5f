"""AudioChat from a recording to a spoken answer, with OpenAI's interfaces and with OPEA's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from apps.runtime.adapters.speech import AT_ONCE, NothingHeard
from apps.runtime.engine import run
from apps.runtime.events import Answer, Failed, Heard, Notice, Sound, Token
from apps.runtime.graph import Graph
from apps.runtime.media import Media
from apps.runtime.resources import ModelServer, Resources
from apps.runtime.sounds import duration_s, joined
from apps.runtime.speech import STRETCH_CHARS, Stretches, stretches
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
    voice: str | None = None,
    changes: dict[str, object] | None = None,
) -> Graph:
    spoken_by = model if voice is None else voice
    changes = {
        "spec.model": {"connection": "local", "name": model or "fake-model"},
        "spec.speech.recognition": {"connection": hears, "name": model},
        "spec.speech.synthesis": {"connection": speaks, "name": spoken_by, "voice": ""},
    } | (changes or {})
    return built("audio-chat", changes, kinds)


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


@pytest.fixture
def opea_server(opea: FakeOpea) -> ModelServer:
    opea.reset()
    return ModelServer("opea", opea.url, kind="opea", first_token_timeout_s=2)


async def until(so: Callable[[], bool]) -> bool:
    for _ in range(500):
        if so():
            return True
        await asyncio.sleep(0.01)
    return False


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
    answer = await answer_to(graph, asked("Hi"), server, opea_server)

    assert answer.text == "You said: Hi"
    assert "HTTP 500" in answer.notices[0].message


@pytest.mark.parametrize(
    ("model", "code", "reason"),
    [
        ("fake-status400", "service.refused", "local refused"),
        ("fake-status503", "service.unavailable", "local did not answer"),
        ("fake-cut", "service.broke", "local"),
        ("fake-garbage", "service.broke", "what it sent is no sound"),
    ],
)
async def test_a_voice_that_fails_leaves_the_words_and_says_why(
    model: str, code: str, reason: str, server: ModelServer
) -> None:
    events = await events_of(audio_chat(voice=model), asked("Hi there, how are you?"), server)
    answer = events[-1]
    assert isinstance(answer, Answer)

    assert answer.text == "You said: Hi there, how are you?"
    assert answer.media == ()
    assert [(one.node, one.code) for one in answer.notices] == [("speaking", code)]
    assert answer.notices[0].message.startswith("The answer could not be spoken. ")
    assert reason in answer.notices[0].message
    assert [one for one in events if isinstance(one, Notice)] == list(answer.notices)
    assert not [one for one in events if isinstance(one, Failed)]


async def test_a_connection_that_is_gone_leaves_the_words(server: ModelServer) -> None:
    answer = await answer_to(audio_chat(speaks="gone"), asked("Hi"), server)

    assert answer.text == "You said: Hi"
    assert [one.code for one in answer.notices] == ["run.connection-missing"]


LONG = " ".join(f"The hall opens at {hour} in the morning." for hour in range(20))


async def test_speech_begins_while_the_answer_is_written(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    graph = audio_chat(model="fake-itl10", voice="fake")
    events = await events_of(graph, asked(LONG), server)
    sounds = [one for one in events if isinstance(one, Sound)]
    words = [at for at, one in enumerate(events) if isinstance(one, Token)]
    answer = events[-1]
    assert isinstance(answer, Answer)

    assert events.index(sounds[0]) < words[len(words) // 2]
    assert [one.number for one in sounds] == list(range(1, len(sounds) + 1))
    assert [words_in(one.media.data) for one in sounds] == stretches(answer.text)
    assert sorted(one.body["input"] for one in fake.requests if "input" in one.body) == sorted(
        stretches(answer.text)
    )
    assert len(answer.media) == 1
    assert answer.media[0].data == joined([one.media.data for one in sounds])
    assert fake.peak_speeches <= AT_ONCE


async def test_whoever_leaves_ends_what_is_being_spoken(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    graph = audio_chat(model="fake-itl10", voice="fake-ttft60000")
    resources = Resources(servers={"local": server})
    async with aclosing(run(graph, asked(LONG), resources)) as events:
        async for event in events:
            if isinstance(event, Token) and fake.open_speeches == AT_ONCE:
                break

    assert await until(lambda: fake.open_speeches == 0)
    assert fake.speeches_aborted == AT_ONCE


async def test_what_a_guardrail_masks_is_never_spoken(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    rule = {"spec.guardrails.output": [{"kind": "pii", "action": "mask"}]}
    told = "Write to anna@example.org about the hall. It is open until the evening."
    answer = await answer_to(audio_chat(changes=rule), asked(told), server)
    said = [one.body["input"] for one in fake.requests if one.path.endswith("/speech")]

    assert "anna@example.org" not in " ".join(said)
    assert sorted(said) == sorted(stretches(answer.text))


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

    assert sorted(spoken_texts) == sorted(stretches(answer.text))
    assert len(spoken_texts) == 6
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


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_stretches_do_not_depend_on_how_the_text_arrives(size: int) -> None:
    text = f"Dr. Ada knows.\n\n```\ncode. With. Ends.\n```\n{LONG} " + "word " * 600
    cutting = Stretches()
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    found = [stretch for part in parts for stretch in cutting.feed(part)]

    assert [*found, *cutting.end()] == stretches(text)
    assert found[0] == "Dr. Ada knows. (code)"
    assert max(map(len, found)) <= STRETCH_CHARS


def test_joined_sounds_are_as_long_as_their_parts() -> None:
    assert duration_s(joined([tone(0.5), tone(0.25)])) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="not a WAVE file"):
        joined([tone(0.1), b"RIFF nothing"])
    assert duration_s(b"ID3") is None


def test_audio_chat_takes_sound_and_speaks() -> None:
    assert traits_of(audio_chat()).takes == ("audio",)
    assert traits_of(audio_chat()).needs == ()
    assert traits_of(audio_chat()).speaks
    assert not traits_of(audio_chat(speaks=None)).speaks
    assert audio_chat("ears", "mouth").connections() == ("ears", "local", "mouth")

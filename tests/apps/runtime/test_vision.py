"""VisualChat, with a model that takes pictures and with OPEA's lvm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.runtime.adapters.vision import PictureMissing
from apps.runtime.errors import ServiceBroke, ServiceWrong
from apps.runtime.events import Token
from apps.runtime.media import Media
from apps.runtime.resources import ModelServer, Turn
from apps.runtime.traits import Traits, traits_of
from tests.apps.runtime.applications import MODEL, answer_to, asked, built, events_of
from tests.fakes.opea_server import Behaviour, FakeOpea
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.pictures import png

RED = Media("image/png", png(4, 3), "red.png")
BLUE = Media("image/png", png(5, 5, (0, 0, 200)), "blue.png")
LVM = {"spec.model": {"connection": "opea", "name": "llava"}}


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


@pytest.fixture
def opea_server(opea: FakeOpea) -> ModelServer:
    opea.reset()
    return ModelServer("opea", opea.url, kind="opea", first_token_timeout_s=2)


async def test_a_model_sees_the_picture(fake: FakeOpenAI, server: ModelServer) -> None:
    answer = await answer_to(built("visual-chat", MODEL), asked("What is it?", RED), server)
    system, user = fake.requests[-1].body["messages"]

    assert answer.text == (
        f"I see a PNG picture of 4 x 3 pixels ({len(RED.data)} bytes). You asked: What is it?"
    )
    assert system["content"] == "Describe only what can be seen in the picture."
    assert [part["type"] for part in user["content"]] == ["text", "image_url"]


async def test_a_picture_without_words_is_described(server: ModelServer) -> None:
    answer = await answer_to(built("visual-chat", MODEL), asked("", RED), server)

    assert answer.text.endswith("You asked: Describe this picture.")


async def test_several_pictures_of_one_question_are_all_seen(server: ModelServer) -> None:
    answer = await answer_to(built("visual-chat", MODEL), asked("Compare", RED, BLUE), server)

    assert "4 x 3" in answer.text
    assert "5 x 5" in answer.text


async def test_earlier_pictures_are_remembered(server: ModelServer) -> None:
    before = (Turn("user", "What is it?", (RED,)), Turn("assistant", "A red one."))
    answer = await answer_to(
        built("visual-chat", MODEL), asked("Which colour?", before=before), server
    )

    assert answer.text.startswith("I see a PNG picture of 4 x 3 pixels")


@pytest.mark.parametrize("changes", [MODEL, LVM])
async def test_without_any_picture_that_is_said(
    changes: dict[str, object], server: ModelServer, opea_server: ModelServer
) -> None:
    with pytest.raises(PictureMissing):
        await answer_to(
            built("visual-chat", changes, {"opea": "opea"}), asked("Hi"), server, opea_server
        )


async def test_opea_looks_at_the_newest_picture(opea: FakeOpea, opea_server: ModelServer) -> None:
    graph = built("visual-chat", LVM | {"spec.parameters.max_tokens": 4000}, {"opea": "opea"})
    before = (Turn("user", "What is it?", (RED,)), Turn("assistant", "Röt."))
    events = await events_of(graph, asked("Größer?", BLUE, before=before), opea_server)
    answer = events[-1]

    assert "".join(one.text for one in events if isinstance(one, Token)) == answer.text  # type: ignore[union-attr]
    assert answer.text.startswith("I see a image picture of 5 x 5 pixels")  # type: ignore[union-attr]
    assert answer.text.endswith("user: What is it?\nassistant: Röt.\nuser: Größer?")  # type: ignore[union-attr]
    assert opea.requests[-1].body["max_new_tokens"] == 1024


async def test_faults_of_opea_are_told(opea: FakeOpea, opea_server: ModelServer) -> None:
    graph = built("visual-chat", LVM, {"opea": "opea"})
    faults = (
        (Behaviour(status=500), ServiceBroke),
        (Behaviour(cut=True), ServiceBroke),
        (Behaviour(garbage=True), ServiceWrong),
    )
    for fault, error in faults:
        opea.reset(fault)
        with pytest.raises(error):
            await answer_to(graph, asked("Hi", RED), opea_server)


async def test_opea_textgen_writes(opea: FakeOpea, opea_server: ModelServer) -> None:
    changes = {"spec.model": {"connection": "opea", "name": "llama"}}
    answer = await answer_to(
        built("translation", changes, {"opea": "opea"}), asked("Hello"), opea_server
    )

    assert answer.text == "(German) Hello"
    assert answer.finish_reason == "stop"
    assert "top_k" not in opea.requests[-1].body


def test_visual_chat_takes_pictures() -> None:
    assert traits_of(built("visual-chat", MODEL)) == Traits(
        True, ("image",), needs=("image",), models=("fake-model",)
    )

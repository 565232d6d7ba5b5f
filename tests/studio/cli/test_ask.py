from __future__ import annotations

import json

import pytest

from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.pictures import png
from tests.fakes.sounds import spoken, words_in
from tests.studio.cli.conftest import HANDBOOK, PROJECT, Studio

QUESTION = "How many days of paid holiday does every employee have?"


def test_ask_answers_with_citations(helpdesk: Studio) -> None:
    ran = helpdesk("ask", "helpdesk", QUESTION)

    assert ran.code == 0, ran.err
    assert "thirty days of paid holiday per year" in ran.out
    assert "\n[1] handbook/holidays.md" in ran.out
    assert "No language model is connected" in ran.err


def test_ask_gives_json(helpdesk: Studio) -> None:
    ran = helpdesk("ask", "helpdesk", QUESTION, "--json")

    first = ran.data["citations"][0]
    assert (ran.data["generated"], ran.data["version"]) == (False, 1)
    assert first["document"] == "handbook/holidays.md"
    assert first["quote"] in HANDBOOK["holidays.md"].replace("\n", " ")


def test_ask_a_connected_model(studio: Studio, openai_server) -> None:
    model = "model: {connection: fake, name: fake-model}"
    studio.write(
        "p.yaml",
        PROJECT.replace("  instruction", f"  {model}\n  instruction").replace("[handbook]", "[]"),
    )
    studio("apply", "p.yaml")
    connect(studio, openai_server.url)

    ran = studio(
        "ask", "helpdesk", "Hello?", "--temperature", "0.7", "--max-tokens", "32", "--json"
    )

    sent = openai_server.requests[-1].body
    assert ran.code == 0, ran.err
    assert ran.data["generated"] is True
    assert ran.data["answer"]
    assert (sent["temperature"], sent["max_tokens"]) == (0.7, 32)


def test_dead_model_server_is_unavailable(studio: Studio) -> None:
    model = "model: {connection: fake, name: fake-model}"
    studio.write(
        "p.yaml",
        PROJECT.replace("  instruction", f"  {model}\n  instruction").replace("[handbook]", "[]"),
    )
    studio("apply", "p.yaml")
    connect(studio, "http://127.0.0.1:9/v1")

    ran = studio("ask", "helpdesk", "Hello?", "--json")

    assert ran.code == 4
    assert ran.data["error"]["code"] == "service.unavailable"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["helpdesk", " "], "The question is empty."),
        (["helpdesk", "?", "--temperature", "9"], "--temperature is 9. It must be from 0 to 2."),
        (["nowhere", "?"], "There is no project “nowhere”."),
        (["helpdesk", "?", "--version", "7"], "helpdesk has no version 7."),
    ],
)
def test_ask_refuses_bad_input(helpdesk: Studio, arguments: list[str], sentence: str) -> None:
    ran = helpdesk("ask", *arguments)

    assert ran.code == 2
    assert sentence in ran.err


def connect(studio: Studio, url: str) -> None:
    from tests.studio.cli.test_apply import manage

    manage(
        studio,
        "from apps.accounts.models import User; from apps.connections.services import create_endpoint;"
        f"create_endpoint(owner=User.objects.get(), name='fake', base_url={url!r})",
    )


def project_of(studio: Studio, application: str, url: str, **parts: object) -> None:
    """Applied as "app", its connection "fake" made."""
    model = {"connection": "fake", "name": "fake-model"}
    project = {
        "apiVersion": "genai.studio/v1",
        "kind": "Project",
        "metadata": {"name": "app", "title": "App"},
        "spec": {"application": application, "model": model, **parts},
    }
    studio.write("p.yaml", json.dumps(project))
    applied = studio("apply", "p.yaml")
    assert applied.code == 0, applied.err
    connect(studio, url)


def test_ask_about_a_picture(studio: Studio, openai_server: FakeOpenAI) -> None:
    project_of(studio, "visual-chat", openai_server.url)
    (studio.folder / "red.png").write_bytes(png(4, 3))

    seen = studio("ask", "app", "What is it?", "--image", "red.png")
    sound = studio("ask", "app", "--file", "p.yaml")
    none = studio("ask", "app", "--image", "nothing.png")

    assert "a PNG picture of 4 x 3 pixels" in seen.out
    assert (sound.code, "App takes pictures" in sound.err) == (2, True)
    assert (none.code, "nothing.png cannot be read" in none.err) == (2, True)


def test_ask_aloud(studio: Studio, openai_server: FakeOpenAI) -> None:
    served = {"connection": "fake", "name": "fake"}
    speech = {"recognition": served, "synthesis": served}
    project_of(studio, "audio-chat", openai_server.url, speech=speech)
    (studio.folder / "question.wav").write_bytes(spoken("When does the hall open?"))

    ran = studio("ask", "app", "--audio", "question.wav", "--save-audio", "answer.wav", "--json")

    assert ran.data["answer"] == "You said: When does the hall open?"
    assert words_in((studio.folder / "answer.wav").read_bytes()) == ran.data["answer"]
    assert ran.data["media"][0]["mime"] == "audio/wav"


def test_a_voice_that_fails_is_said_beside_the_answer(
    studio: Studio, openai_server: FakeOpenAI
) -> None:
    served = {"connection": "fake", "name": "fake"}
    speech = {"recognition": served, "synthesis": served | {"name": "fake-status503"}}
    project_of(studio, "audio-chat", openai_server.url, speech=speech)

    ran = studio("ask", "app", "Hello there.", "--save-audio", "answer.wav", "--json")

    assert ran.code == 0, ran.err
    assert ran.data["answer"] == "You said: Hello there."
    assert [one["code"] for one in ran.data["notices"]] == ["service.unavailable"]
    assert "The answer could not be spoken. fake did not answer" in ran.err
    assert not (studio.folder / "answer.wav").exists()


def test_ask_with_fields_and_a_document(studio: Studio, openai_server: FakeOpenAI) -> None:
    project_of(studio, "translation", openai_server.url, languages={"target": "German"})
    studio.write("note.txt", "The hall is closed.")

    done = studio("ask", "app", "--file", "note.txt", "--field", "target=French", "--json")
    wrong = studio("ask", "app", "Hi", "--field", "tone=kind")
    odd = studio("ask", "app", "Hi", "--field", "target")

    assert done.data["answer"] == "(French) The hall is closed."
    assert (wrong.code, "It has: source, target." in wrong.err) == (2, True)
    assert (odd.code, "write NAME=VALUE" in odd.err) == (2, True)

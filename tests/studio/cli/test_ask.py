from __future__ import annotations

import pytest

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

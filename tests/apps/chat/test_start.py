from __future__ import annotations

from django.test import Client

from apps.chat.models import ChatSession
from apps.projects.models import SpecVersion

HTMX = {"HX-Request": "true"}


def test_start_begins_a_conversation_with_its_first_question(
    owner_client: Client, version: SpecVersion
) -> None:
    answer = owner_client.post(
        "/chat/start/", {"app": version.app_key, "text": "Hello there", "top_k": "5"}, headers=HTMX
    )

    session = ChatSession.objects.get()
    assert answer["HX-Redirect"].endswith(f"session={session.pk}")
    assert session.title == "Hello there"
    assert session.messages.get(ordinal=1).sampling == {"top_k": 5}


def test_bad_question_is_422_and_leaves_no_conversation(
    owner_client: Client, version: SpecVersion
) -> None:
    for values in ({"text": ""}, {"text": "x", "top_p": "7"}):
        data = {"app": version.app_key, **values}
        assert owner_client.post("/chat/start/", data, headers=HTMX).status_code == 422
        assert owner_client.post("/chat/start/", data).status_code == 422
    assert not ChatSession.objects.exists()


def test_stranger_gets_404(stranger_client: Client, version: SpecVersion) -> None:
    data = {"app": version.app_key, "text": "Hello"}

    assert stranger_client.post("/chat/start/", data).status_code == 404
    assert (
        stranger_client.post("/chat/start/", data | {"app": "version:nonsense"}).status_code == 404
    )


def test_wrong_method_is_405(owner_client: Client) -> None:
    assert owner_client.get("/chat/start/").status_code == 405

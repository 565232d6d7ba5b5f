from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from apps.chat.models import ChatSession
from apps.chat.ranges import span_of
from apps.chat.services import ask
from apps.runtime.media import Media
from tests.fakes.pictures import png


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", (0, 9)),
        ("bytes=2-4", (2, 4)),
        ("bytes=5-99", (5, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=10-", None),
        ("bytes=4-2", None),
        ("bytes=-0", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=1-2", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("", None),
    ],
)
def test_span_is_the_part_that_is_asked_for(header: str, span: tuple[int, int] | None) -> None:
    assert span_of(header, 10) == span


def test_players_get_parts_of_a_file(
    owner_client: Client, stranger: object, client: Client, talk_to: Callable[..., ChatSession]
) -> None:
    data = png(4, 3)
    media = [Media("image/png", data, "a.png")]
    question, _ = ask(session=talk_to("visual-chat"), text="x", media=media)
    url = question.attachments.get().get_absolute_url()
    response = owner_client.get(url, headers={"Range": "bytes=1-3"})

    assert (response.status_code, response.content) == (206, b"PNG")
    assert response["Content-Range"] == f"bytes 1-3/{len(data)}"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    client.force_login(stranger)
    assert client.get(url, headers={"Range": "bytes=1-3"}).status_code == 404

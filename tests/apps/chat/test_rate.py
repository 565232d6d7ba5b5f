from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from apps.chat.models import ChatMessage

Answered = Callable[..., ChatMessage]
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("rating", [-1, 0, 1])
def test_rate_stores_the_thumb(owner_client: Client, answered: Answered, rating: int) -> None:
    reply = answered()

    answer = owner_client.post(f"/chat/messages/{reply.pk}/rate/", {"rating": rating}, headers=HTMX)

    reply.refresh_from_db()
    assert (answer.status_code, reply.rating) == (200, rating)
    assert answer.content.count(b'aria-pressed="true"') == abs(rating)


def test_rate_without_htmx_leads_back(owner_client: Client, answered: Answered) -> None:
    reply = answered()

    assert owner_client.post(f"/chat/messages/{reply.pk}/rate/", {"rating": 1}).status_code == 302


@pytest.mark.parametrize("rating", ["2", "", "x"])
def test_bad_rating_is_422(owner_client: Client, answered: Answered, rating: str) -> None:
    url = f"/chat/messages/{answered().pk}/rate/"

    assert owner_client.post(url, {"rating": rating}).status_code == 422


def test_stranger_gets_404(stranger_client: Client, answered: Answered) -> None:
    url = f"/chat/messages/{answered().pk}/rate/"

    assert stranger_client.post(url, {"rating": 1}).status_code == 404


def test_wrong_method_is_405(owner_client: Client, answered: Answered) -> None:
    assert owner_client.get(f"/chat/messages/{answered().pk}/rate/").status_code == 405

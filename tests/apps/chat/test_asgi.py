"""What serves the pages: Django's own answers, one hop, files in parts."""

from __future__ import annotations

import hashlib

import httpx

from apps.accounts.models import User
from apps.chat.process import is_dead, this_process
from tests.apps.chat.serving import Browser


def test_pages_errors_and_redirects_are_django_s(served: str, owner: User) -> None:
    anonymous = httpx.Client(base_url=served)

    assert anonymous.get("/no/such/page/").status_code == 404
    assert anonymous.get("/chat/").status_code == 302
    assert anonymous.get("/accounts/login/").headers["x-frame-options"] == "DENY"
    assert anonymous.get("/accounts/login/", headers={"Host": "evil.example"}).status_code == 400
    assert anonymous.post("/accounts/login/", data={"username": "x"}).status_code == 403
    assert Browser(served, owner).http.get("/chat/").status_code == 200


def test_large_body_arrives_whole(served: str, owner: User) -> None:
    """A form field of a few megabytes goes through the temporary file."""
    browser = Browser(served, owner)
    answer = browser.http.post("/chat/start/", data={"app": "x", "text": "y" * 3_000_000})

    assert answer.status_code == 422
    assert hashlib.sha256(answer.content).hexdigest()


def test_process_names() -> None:
    mine = this_process()
    host = mine.partition(":")[0]

    assert mine == this_process()
    assert not is_dead(mine)
    assert is_dead(f"{mine}0")
    assert is_dead(f"{host}:999999999:1")
    assert not is_dead("elsewhere:1:1")
    assert not is_dead("")

"""The API as it is served: uvicorn, the one-hop ASGI handler, many callers at once."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.apps.api.conftest import MODEL_PROJECT
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.servers.studio import StudioServer

TOKEN = """
from apps.accounts.models import User
from apps.accounts.services import create_token
print(create_token(User.objects.get(), "contract")[1])
"""
ASKING = 24


@pytest.fixture(scope="module")
def headers(studio_server: StudioServer) -> dict[str, str]:
    token = studio_server.manage("shell", "-v", "0", "-c", TOKEN).strip()
    return {"Authorization": f"Bearer {token}"}


async def test_many_wait_for_a_slow_model_and_nobody_else_does(
    studio_server: StudioServer, headers: dict[str, str]
) -> None:
    with FakeOpenAI(Behaviour(ttft_ms=1500, itl_ms=5, tokens=8)) as model:
        async with httpx.AsyncClient(
            base_url=f"{studio_server.url}/api/v1", headers=headers, timeout=60
        ) as client:
            connection = {"name": "vllm", "base_url": model.url}
            assert (await client.post("/connections", json=connection)).status_code == 201
            project = (await client.post("/projects", json={"yaml": MODEL_PROJECT})).json()
            assert (await client.post(f"/projects/{project['id']}/build")).status_code == 201
            asked = [
                asyncio.create_task(
                    client.post(f"/projects/{project['id']}/ask", json={"question": f"Number {n}?"})
                )
                for n in range(ASKING)
            ]
            await asyncio.sleep(0.7)
            me = await client.get("/me")
            waiting = sum(not task.done() for task in asked)
            answers = await asyncio.gather(*asked)

    assert me.status_code == 200
    assert waiting == ASKING
    assert [answer.status_code for answer in answers] == [200] * ASKING
    assert all(answer.json()["answer"] and answer.json()["generated"] for answer in answers)


def test_sign_in_page_is_served(studio_server: StudioServer) -> None:
    answer = httpx.get(f"{studio_server.url}/accounts/login/")

    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]

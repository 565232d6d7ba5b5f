from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from apps.connections.domain.probe import ProbeResult
from apps.connections.domain.service_probe import probe_http, probe_opea
from tests.fakes.opea_server import Behaviour, FakeOpea


def opea(url: str, key: str = "", allow_private: bool = True) -> ProbeResult:
    return async_to_sync(probe_opea)(url, key, allow_private=allow_private)


def other(url: str, key: str = "", allow_private: bool = True) -> ProbeResult:
    return async_to_sync(probe_http)(url, key, allow_private=allow_private)


def test_a_healthy_service_says_its_name() -> None:
    with FakeOpea(routes=("/v1/health_check",)) as server:
        result = opea(server.url)

    assert (result.outcome, result.message) == ("ok", "opea_service@fake is healthy.")
    assert result.models == ()
    assert result.reply_ms is not None


def test_tei_has_the_second_path_only_and_tells_its_model() -> None:
    with FakeOpea(routes=("/health", "/info")) as server:
        result = opea(server.url + "/")

    message = "The service is healthy. It serves BAAI/bge-base-en-v1.5."
    assert (result.outcome, result.message) == ("ok", message)
    assert result.models == ("BAAI/bge-base-en-v1.5",)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour(status=503), "connections.server-error"),
        (Behaviour(status=404), "connections.not-opea"),
        (Behaviour(status=401), "connections.key"),
        (Behaviour(drop=True), "connections.closed"),
    ],
)
def test_what_is_wrong_is_named(behaviour: Behaviour, code: str) -> None:
    with FakeOpea(behaviour) as server:
        result = opea(server.url)

    assert (result.outcome, result.code) == ("failed", code)


def test_the_key_is_sent() -> None:
    with FakeOpea(api_key="k") as server:
        assert opea(server.url, "k").outcome == "ok"
        assert opea(server.url, "other").code == "connections.key"


def test_any_other_service_only_has_to_answer() -> None:
    with FakeOpea() as server:
        found = other(server.url)
        server.behaviour = Behaviour(status=500)
        broken = other(server.url)

    assert found.message == "The service answers (HTTP 404 at its base address)."
    assert broken.code == "connections.server-error"


@pytest.mark.parametrize("ask", [opea, other])
def test_a_refused_address_is_never_connected(ask) -> None:
    with FakeOpea() as server:
        result = ask(server.url, allow_private=False)

        assert result.code == "connections.address-refused"
        assert server.requests == []

"""The live test of a server: what it finds, and the cause it names when it fails."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.connections.domain.probe import ProbeResult, list_models, probe
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.servers.ports import free_port


def outcome_of(url: str, key: str = "", model: str = "", allow_private: bool = True) -> ProbeResult:
    return asyncio.run(probe(url, key, model, allow_private=allow_private))


def test_working_server(openai_server: FakeOpenAI) -> None:
    result = outcome_of(openai_server.url)

    assert (result.outcome, result.code) == ("ok", "ok")
    assert result.models == ("fake-model", "fake-model-large")
    assert result.models_ms
    assert result.reply_ms
    assert result.reply


def test_final_slash_is_not_part_of_the_address(openai_server: FakeOpenAI) -> None:
    assert outcome_of(openai_server.url + "/").base_url == openai_server.url


def test_chosen_model_is_asked(openai_server: FakeOpenAI) -> None:
    assert outcome_of(openai_server.url, model="fake-model-large").model == "fake-model-large"


def test_model_made_for_embeddings_is_not_asked_to_chat() -> None:
    with FakeOpenAI(models=("bge-m3-embed", "chat-model")) as server:
        assert outcome_of(server.url).model == "chat-model"


def test_key_is_sent_and_a_wrong_one_is_named() -> None:
    with FakeOpenAI(api_key="right") as server:
        assert outcome_of(server.url, "right").outcome == "ok"
        result = outcome_of(server.url, "wrong")

    assert (result.outcome, result.code) == ("failed", "connections.key")
    assert "wrong" not in result.message


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour(html=True), "connections.not-openai"),
        (Behaviour(dropfirst=True), "connections.closed"),
        (Behaviour(status=500), "connections.server-error"),
        (Behaviour(status=429), "connections.rate-limit"),
        (Behaviour(status=400), "connections.status"),
    ],
)
def test_cause_of_a_failure(behaviour: Behaviour, code: str) -> None:
    with FakeOpenAI(behaviour) as server:
        result = outcome_of(server.url)

    assert (result.outcome, result.code) == ("failed", code)
    assert result.message.endswith(".")


def test_address_without_v1_gets_a_hint(openai_server: FakeOpenAI) -> None:
    result = outcome_of(openai_server.root)

    assert result.code == "connections.path"
    assert f"Try {openai_server.root}/v1." in result.message


def test_server_whose_models_cannot_chat(openai_server: FakeOpenAI) -> None:
    result = outcome_of(openai_server.url, model="fake-status404")

    assert (result.outcome, result.code) == ("partly", "connections.no-chat")
    assert result.models == ("fake-model", "fake-model-large")


def test_server_without_models() -> None:
    with FakeOpenAI(models=()) as server:
        assert outcome_of(server.url).code == "connections.no-models"


def test_nothing_listens() -> None:
    assert outcome_of(f"http://127.0.0.1:{free_port()}/v1").code == "connections.refused"


def test_name_that_does_not_exist() -> None:
    assert outcome_of("http://no-such-host.invalid/v1").code == "connections.dns"


def test_https_to_a_server_without_tls(openai_server: FakeOpenAI) -> None:
    assert outcome_of(openai_server.url.replace("http:", "https:")).code == "connections.tls"


def test_refused_address_is_never_connected(openai_server: FakeOpenAI) -> None:
    result = outcome_of(openai_server.url, allow_private=False)

    assert result.code == "connections.address-refused"
    assert openai_server.connections_made == 0


@contextmanager
def answering(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        return None


def test_redirect_is_named_and_not_followed(openai_server: FakeOpenAI) -> None:
    class Redirect(Quiet):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{openai_server.url}/models")
            self.end_headers()

    with answering(Redirect) as root:
        result = outcome_of(f"{root}/v1")

    assert result.code == "connections.redirect"
    assert openai_server.url in result.message
    assert openai_server.requests == []


def test_huge_answer_is_cut_off() -> None:
    class Endless(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(64):
                    self.wfile.write(b"[" * 1024 * 1024)
            except OSError:
                return

    with answering(Endless) as root:
        assert outcome_of(f"{root}/v1").code == "connections.not-openai"


def test_list_models_tells_a_model_server_from_others(openai_server: FakeOpenAI) -> None:
    found = asyncio.run(list_models(openai_server.url, timeout_s=2))
    other = asyncio.run(list_models(openai_server.root, timeout_s=2))
    nothing = asyncio.run(list_models(f"http://127.0.0.1:{free_port()}/v1", timeout_s=2))

    assert found == (["fake-model", "fake-model-large"], "practice")
    assert (other, nothing) == (None, None)

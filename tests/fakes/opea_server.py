"""A small real server that speaks the protocols of OPEA's microservices and of TEI, with faults on demand.

One table of routes (`ROUTES`): path -> what answers it. A new service is one function and one line there.
Its traps are the real ones: a body that does not fit is answered with HTTP 500 and no JSON, a guardrail
says no with HTTP 200 and "Violated policies" in the text, the retriever takes vectors only.

    python -m tests.fakes.opea_server --port 8121
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiohttp import web

from tests.fakes.replies import WORD, answer_for, embedding, picture_of, split_tokens
from tests.fakes.sounds import spoken, words_in
from tests.fakes.threaded import Recorded, Threaded

UNSAFE_WORDS = ("bomb", "poison")
"""What the guard model of this server takes for unsafe."""
DOCUMENTS = (
    "Staff get thirty days of leave a year.",
    "Invoices are paid within two weeks. Ask finance.",
    "The cafeteria opens at eight.",
)
"""What /v1/retrieval finds."""
NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
"""These services count nothing."""
MODEL = "BAAI/bge-base-en-v1.5"


@dataclass(frozen=True)
class Behaviour:
    """How requests are answered until it is changed.

    status    answer with this HTTP status, as these services do: plain text, no JSON
    delay_ms  before the answer
    hang      accept and never answer
    drop      break the connection before a byte
    cut       break the connection in the middle of the body
    garbage   200 with bytes that are no JSON
    answer    this JSON instead of the right one
    times     so many requests get the faults above, those after it the right answer; 0 is all
    """

    status: int = 200
    delay_ms: float = 0.0
    hang: bool = False
    drop: bool = False
    cut: bool = False
    garbage: bool = False
    answer: Any = None
    times: int = 0


class Unfit(Exception):
    """The body is not what the service takes; its pydantic model fails inside the handler."""


def tei_embed(body: Any) -> Any:
    inputs = _of(body, "inputs", str, list)
    texts = [inputs] if isinstance(inputs, str) else inputs
    return [embedding(text, 64) for text in texts]


def embeddings(body: Any) -> Any:
    """As OPEA's embedding service and TEI speak it."""
    inputs = _of(body, "input", str, list)
    texts = [inputs] if isinstance(inputs, str) else inputs
    rows = [
        {"index": at, "object": "embedding", "embedding": embedding(text, 64)}
        for at, text in enumerate(texts)
    ]
    return {"object": "list", "model": None, "data": rows, "usage": None}


def tei_rerank(body: Any) -> Any:
    query, texts = _of(body, "query", str), _of(body, "texts", list)
    scores = _overlaps(query, texts)
    rows = [{"index": index, "score": score} for index, score in enumerate(scores)]
    return sorted(rows, key=lambda row: (-row["score"], row["index"]))


def tei_info(body: Any) -> Any:
    return {"model_id": MODEL, "max_input_length": 512, "version": "1.7.0"}


def reranking(body: Any) -> Any:
    """SearchedDoc gets an LLMParamsDoc without scores, RerankingRequest gets reranked_docs."""
    asked = "input" in body
    query = _of(body, "input" if asked else "initial_query", str)
    texts = [_of(row, "text", str) for row in _of(body, "retrieved_docs", list)]
    scores = _overlaps(query, texts)
    order = sorted(range(len(texts)), key=lambda at: (-scores[at], at))[: body.get("top_n", 1)]
    if asked:
        return {"reranked_docs": [{"text": texts[at], "score": scores[at]} for at in order]}
    return {"query": query, "documents": [texts[at] for at in order], "stream": True}


def retrieval(body: Any) -> Any:
    query = _of(body, "input" if "input" in body else "text", str)
    _of(body, "embedding", list)
    scores = _overlaps(query, list(DOCUMENTS))
    order = sorted(range(len(DOCUMENTS)), key=lambda at: (-scores[at], at))[: body.get("k", 4)]
    if "input" in body:
        return {"retrieved_docs": [{"text": DOCUMENTS[at], "metadata": {}} for at in order]}
    return {
        "id": "1",
        "retrieved_docs": [{"id": str(at), "text": DOCUMENTS[at]} for at in order],
        "initial_query": query,
        "top_n": 1,
        "metadata": [{} for _ in order],
    }


def guardrails(body: Any) -> Any:
    text = _of(body, "text", str)
    if any(word in text.casefold() for word in UNSAFE_WORDS):
        said = "Violated policies: S9: Indiscriminate Weapons, please check your input."
        return {"text": said, "downstream_black_list": [".*"]}
    return {"text": text, "downstream_black_list": []}


def asr(body: Any) -> Any:
    return {"asr_result": words_in(_decoded(body, "audio"))}


def tts(body: Any) -> Any:
    """Its answer is base64 in JSON; voices other than these two end in a server error."""
    text = _of(body, "text", str)
    if body.get("voice", "default") not in ("default", "male"):
        raise Unfit("voice")
    return {"tts_result": base64.b64encode(spoken(text)).decode()}


def lvm(body: Any) -> Any:
    """Streams lines of Python's notation of bytes; more than 1024 tokens do not fit its model."""
    prompt, longest = _of(body, "prompt", str), body.get("max_new_tokens", 512)
    if not isinstance(longest, int) or not 0 < longest <= 1024:
        raise Unfit("max_new_tokens")
    picture = picture_of("image", _decoded(body, "image"))
    text = f"I see {picture}. You asked: {prompt}"
    return _byte_lines(text) if body.get("stream") else {"text": text}


def textgen(body: Any) -> Any:
    """A list of messages is passed on to a chat model, "query" or a text to a completion; the model's
    name is ignored, and so is top_k."""
    if isinstance(messages := body.get("messages"), list):
        text, key = answer_for(messages), "delta"
    else:
        text = f"You said: {body.get('query') or _of(body, 'messages', str)}"
        key = "text"
    if not body.get("stream", "query" in body):
        choice = (
            {"message": {"role": "assistant", "content": text}} if key == "delta" else {key: text}
        )
        return {"choices": [{"index": 0, "finish_reason": "stop", **choice}], "usage": NO_USAGE}
    kind = "chat.completion.chunk" if key == "delta" else "text_completion"
    said = [{key: {"content": word} if key == "delta" else word} for word in split_tokens(text)]
    events = [{"object": kind, "choices": [{"index": 0, **one}]} for one in said]
    last = {"object": kind, "choices": [{"index": 0, "finish_reason": "stop"} | _nothing(key)]}
    return _events([orjson.dumps(event) for event in (*events, last)])


def docsum(body: Any) -> Any:
    """Its stream is a log of LangChain with the words among other values; map_reduce never streams."""
    text = f"Summary ({_of(body, 'summary_type', str)}): {_of(body, 'messages', str)[:200]}"
    if not body.get("stream") or body["summary_type"] == "map_reduce":
        return {"id": "1", "text": text, "prompt": body["messages"]}
    begin = {"ops": [{"op": "replace", "path": "", "value": {"id": "1", "streamed_output": []}}]}
    path = "/logs/LLMChain/streamed_output_str/-"
    ops = [{"ops": [{"op": "add", "path": path, "value": word}]} for word in split_tokens(text)]
    end = {"ops": [{"op": "replace", "path": "/final_output", "value": {"output_text": text}}]}
    return _events([orjson.dumps(event) for event in (begin, *ops, end)])


def health_check(body: Any) -> Any:
    return {"Service Title": "opea_service@fake", "Version": "1.5", "Service Description": "fake"}


Handler = Callable[[Any], Any]
"""From the body to the answer: JSON, or a finished `web.Response`. Raises Unfit."""

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "/embed"): tei_embed,
    ("POST", "/v1/embeddings"): embeddings,
    ("POST", "/rerank"): tei_rerank,
    ("GET", "/info"): tei_info,
    ("POST", "/v1/reranking"): reranking,
    ("POST", "/v1/retrieval"): retrieval,
    ("POST", "/v1/guardrails"): guardrails,
    ("POST", "/v1/asr"): asr,
    ("POST", "/v1/tts"): tts,
    ("POST", "/v1/lvm"): lvm,
    ("POST", "/v1/chat/completions"): textgen,
    ("POST", "/v1/docsum"): docsum,
    ("GET", "/v1/health_check"): health_check,
    ("GET", "/health"): lambda body: web.Response(),
}


class FakeOpea(Threaded):
    """The server, in a thread of its own. `behaviour` may be set at any time.

    routes: only these paths are there, as each real microservice has few; all if not given
    """

    name = "fake-opea"

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "",
        routes: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(host, port)
        self.behaviour = behaviour or Behaviour()
        self.api_key, self.routes = api_key, routes
        self.open_requests = self.aborted = 0

    @property
    def url(self) -> str:
        """The base_url: ends before /v1."""
        return self.root

    @property
    def busy(self) -> int:
        return self.open_requests

    def reset(self, behaviour: Behaviour | None = None) -> None:
        """Forget requests, and behave like this from now on."""
        self.requests.clear()
        self.aborted = 0
        self.behaviour = behaviour or Behaviour()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        # a client that hangs up cancels its handler, so that tests can see it
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.open_requests += 1
        try:
            return await self._respond(request)
        except asyncio.CancelledError:
            self.aborted += 1
            raise
        finally:
            self.open_requests -= 1

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        self.requests.append(Recorded(request.method, request.path, dict(request.headers), body))
        if self.api_key and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return web.Response(status=401, text="Unauthorized")
        if faulty := await self._fault(request):
            return faulty
        handler = ROUTES.get((request.method, request.path))
        if handler is None or (self.routes is not None and request.path not in self.routes):
            return web.json_response({"detail": "Not Found"}, status=404)
        try:
            answer = handler(body)
        except Unfit:
            return web.Response(status=500, text="Internal Server Error")
        return answer if isinstance(answer, web.StreamResponse) else _json(answer)

    async def _fault(self, request: web.Request) -> web.StreamResponse | None:
        now = self.behaviour
        if now.times:
            left = now.times - 1
            self.behaviour = replace(now, times=left) if left else Behaviour()
        if now.delay_ms:
            await asyncio.sleep(now.delay_ms / 1000)
        if now.hang:
            await asyncio.sleep(3600)
        if now.drop:
            return _broken(request)
        if now.cut:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"text": "half')
            return _broken(request)
        if now.status != 200:
            return web.Response(status=now.status, text="Internal Server Error")
        if now.garbage:
            return web.Response(body=b"\x00\xff not json", content_type="application/json")
        return None if now.answer is None else _json(now.answer)


def _broken(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _json(answer: Any) -> web.Response:
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


async def _body(request: web.Request) -> Any:
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return {
            name: value.file.read() if isinstance(value, web.FileField) else value
            for name, value in form.items()
        }
    data = await request.read()
    try:
        return orjson.loads(data) if data else {}
    except orjson.JSONDecodeError:
        return None


def _of(body: Any, name: str, *kinds: type) -> Any:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, kinds):
        raise Unfit(name)
    return value


def _decoded(body: Any, name: str) -> bytes:
    try:
        return base64.b64decode(_of(body, name, str), validate=True)
    except ValueError as error:
        raise Unfit(name) from error


def _byte_lines(text: str) -> web.Response:
    """`data: b'…'`, cut every few bytes: also in the middle of a character."""
    data = text.encode()
    return _events([repr(data[at : at + 7]).encode() for at in range(0, len(data), 7)])


def _events(lines: list[bytes]) -> web.Response:
    body = b"".join(b"data: " + line + b"\n\n" for line in (*lines, b"[DONE]"))
    return web.Response(body=body, content_type="text/event-stream")


def _nothing(key: str) -> dict[str, Any]:
    return {key: {} if key == "delta" else ""}


def _overlaps(query: str, texts: list[str]) -> list[float]:
    """Share of the query's words that each text holds."""
    wanted = set(WORD.findall(query.casefold()))
    found = [wanted & set(WORD.findall(text.casefold())) for text in texts]
    return [len(words) / max(1, len(wanted)) for words in found]


def main() -> None:
    parser = argparse.ArgumentParser(description="OPEA microservices for tests, in one server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8121)
    given = parser.parse_args()
    with FakeOpea(host=given.host, port=given.port) as server:
        print(f"listening on {server.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

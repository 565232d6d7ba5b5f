"""A small OpenAI-compatible server: it streams one sentence, so that the portal's way to it is tested."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SENTENCE = ["The ", "handbook ", "says ", "so ", "[1]."]


class ModelServer:
    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            rows = [{"index": at, "embedding": _vector(text)} for at, text in enumerate(texts)]
            self._send("application/json", [json.dumps({"data": rows}).encode()])
            return
        chunks = [_chunk({"content": word}) for word in SENTENCE]
        self._send("text/event-stream", [*chunks, _chunk({}, "stop"), b"data: [DONE]\n\n"])

    def _send(self, content_type: str, parts: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        for part in parts:
            self.wfile.write(part)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def _vector(text: str) -> list[float]:
    return [float((len(text) >> bit) & 1) + 0.1 for bit in range(8)]

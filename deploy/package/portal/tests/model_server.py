"""A small model server: it streams one sentence, hears one and speaks one, in the forms of OpenAI and of OPEA,
so that the portal's way to it is tested."""

from __future__ import annotations

import base64
import io
import json
import threading
import wave
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
        data = self._read()
        if self.path.endswith(("/transcriptions", "/asr")):
            heard = json.dumps({"text": "What is this?", "asr_result": "What is this?"})
            self._send("application/json", [heard.encode()])
            return
        if self.path.endswith("/audio/speech"):
            self._send("audio/wav", [_sound()])
            return
        if self.path.endswith("/tts"):
            spoken = json.dumps({"tts_result": base64.b64encode(_sound()).decode()})
            self._send("application/json", [spoken.encode()])
            return
        body = json.loads(data)
        if self.path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            rows = [{"index": at, "embedding": _vector(text)} for at, text in enumerate(texts)]
            self._send("application/json", [json.dumps({"data": rows}).encode()])
            return
        chunks = [_chunk({"content": word}) for word in SENTENCE]
        self._send("text/event-stream", [*chunks, _chunk({}, "stop"), b"data: [DONE]\n\n"])

    def _read(self) -> bytes:
        if length := self.headers["Content-Length"]:
            return self.rfile.read(int(length))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, content_type: str, parts: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        for part in parts:
            self.wfile.write(part)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _sound() -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(8000)
        out.writeframes(b"\x80" * 800)
    return sound.getvalue()


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def _vector(text: str) -> list[float]:
    return [float((len(text) >> bit) & 1) + 0.1 for bit in range(8)]

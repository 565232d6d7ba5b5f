"""Server-sent events of one reply, as bytes.

    token      id: characters of the reply so far; data: JSON string, HTML-escaped text that follows
    heard      data: JSON string, HTML-escaped: what was said in a spoken question
    documents  data: JSON list of {document, page, heading, score}, what the answer will be drawn from
    sound      data: JSON string, base64: the next part of the answer as it is said aloud
    done       data: the finished message as HTML
    failed     data: JSON {code, message, html}

Ids are offsets in the reply's text, so Last-Event-ID resumes in any process, from memory or row.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import orjson

from apps.runtime.events import Passage

OPENING = b"retry: 1000\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def token(text: str, end: int) -> bytes:
    """text: what to append; end: length of the reply's text with it."""
    return b"id: %d\nevent: token\ndata: %b\n\n" % (end, orjson.dumps(escape(text)))


def heard(text: str) -> bytes:
    return b"event: heard\ndata: %b\n\n" % orjson.dumps(escape(text))


def sound(base64: str) -> bytes:
    return b"event: sound\ndata: %b\n\n" % orjson.dumps(base64)


def documents(passages: Iterable[Passage]) -> bytes:
    rows = [
        {
            "document": passage.document,
            "page": passage.page,
            "heading": passage.heading,
            "score": round(passage.score, 4),
        }
        for passage in passages
    ]
    return b"event: documents\ndata: %b\n\n" % orjson.dumps(rows)


def done(html: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: done\n{lines or 'data:'}\n".encode()


def failed(code: str, message: str, html: str) -> bytes:
    data = orjson.dumps({"code": code, "message": message, "html": html})
    return b"event: failed\ndata: %b\n\n" % data

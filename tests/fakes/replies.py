"""What the fake model servers say: replies made from the prompt, so that a test can tell what was seen."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from typing import Any

EMBEDDING_DIMENSIONS = 64
WORD = re.compile(r"\w+")
PASSAGES = (
    re.compile(r'<passage-\w+ number="(\d+)"[^>]*>\n(.*?)\n</passage-\w+>', re.DOTALL),
    re.compile(r"^\[(\d+)\][ :]+(.+?)(?=\n\s*\n|^\[\d+\]|\Z)", re.DOTALL | re.MULTILINE),
)
MATERIAL = re.compile(r"<((?:text|code|document)-\w+)>\n(.*?)\n</\1>", re.DOTALL)
INTO = re.compile(r"> tags (?:from .{1,60} )?into ([^.]{1,60})\.")


def split_tokens(text: str) -> list[str]:
    """Words with the space before them, as most tokenizers cut them."""
    return re.findall(r"\s*\S+", text) or [""]


def content_of(turn: dict[str, Any]) -> str:
    content = turn.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if part.get("type") == "text")


def pictures_in(messages: list[dict[str, Any]]) -> list[str]:
    """ "a PNG picture of 4 x 3 pixels (70 bytes)", for each picture of the conversation, in order."""
    return [
        _picture(part["image_url"]["url"])
        for turn in messages
        if isinstance(turn.get("content"), list)
        for part in turn["content"]
        if part.get("type") == "image_url"
    ]


def _picture(url: str) -> str:
    head, _, text = url.partition(",")
    return picture_of(
        head.removeprefix("data:image/").partition(";")[0].upper(), base64.b64decode(text)
    )


def picture_of(kind: str, data: bytes) -> str:
    size = ""
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        size = f" of {width} x {height} pixels"
    return f"a {kind} picture{size} ({len(data)} bytes)"


def answer_for(messages: list[dict[str, Any]]) -> str:
    """A sensible reply: to a picture what it is, to tagged material a marked copy, to passages the
    sentence nearest to the question with its [n], else an echo."""
    if pictures := pictures_in(messages):
        return f"I see {' and '.join(pictures)}. You asked: {content_of(messages[-1]).strip()}"
    prompt = "\n".join(content_of(turn) for turn in messages)
    question = content_of(messages[-1])
    if material := MATERIAL.search(question):
        into = INTO.search(prompt)
        return f"({into[1]}) {material[2].strip()}" if into else material[2].strip()
    passages = next((found for find in PASSAGES if (found := find.findall(prompt))), [])
    for _, text in passages:
        question = question.replace(text, " ")
    wanted = {word for word in WORD.findall(question.lower()) if len(word) > 3}
    sentences = [
        (len(wanted & set(WORD.findall(sentence.lower()))), -int(number), sentence)
        for number, text in passages
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", text)
        if len(sentence) > 3
    ]
    if sentences:
        _, number, sentence = max(sentences)
        return f"{sentence.strip()} [{-number}]"
    return f"You said: {question.strip()}"


def embedding(text: str, dimensions: int = EMBEDDING_DIMENSIONS) -> list[float]:
    """A hashed bag of words, L2-normalised: the same words give the same direction."""
    vector = [0.0] * dimensions
    for word in WORD.findall(text.lower()) or [""]:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] & 1 else -1.0
    norm = sum(value * value for value in vector) ** 0.5
    return [value / norm for value in vector] if norm else [1.0] + [0.0] * (dimensions - 1)

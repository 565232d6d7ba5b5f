"""The OpenAI chat protocol as this server understands it: bodies in, objects out. No rows, no I/O.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apps.runtime.errors import StudioError
from apps.runtime.events import Answer
from apps.runtime.media import Media, as_recognised, media_from
from apps.runtime.resources import RunRequest, Sampling, Turn

TEXT_LIMIT = 1_000_000
"""Characters of all messages together."""


class BadRequest(Exception):
    """What the caller sent cannot be done; param names the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class TextPart(BaseModel):
    type: Literal["text", "input_text"]
    text: str


class ImageUrl(BaseModel):
    url: str


class ImagePart(BaseModel):
    type: Literal["image_url"]
    image_url: ImageUrl

    def media(self) -> Media:
        if not self.image_url.url.startswith("data:"):
            message = "Send pictures as data URLs; this server fetches no addresses."
            raise BadRequest(message, "messages")
        return media_from("image/png", self.image_url.url, "picture")


class InputAudio(BaseModel):
    data: str
    format: str = "wav"


class AudioPart(BaseModel):
    type: Literal["input_audio"]
    input_audio: InputAudio

    def media(self) -> Media:
        return media_from(f"audio/{self.input_audio.format}", self.input_audio.data, "recording")


class InputFile(BaseModel):
    file_data: str
    filename: str = ""


class FilePart(BaseModel):
    type: Literal["file"]
    file: InputFile

    def media(self) -> Media:
        return media_from("application/octet-stream", self.file.file_data, self.file.filename)


Part = Annotated[TextPart | ImagePart | AudioPart | FilePart, Field(discriminator="type")]


class Message(BaseModel):
    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if isinstance(part, TextPart))
        return self.content or ""

    def media(self) -> tuple[Media, ...]:
        """Raises BadRequest or MediaUnreadable."""
        parts = self.content if isinstance(self.content, list) else []
        return tuple(part.media() for part in parts if not isinstance(part, TextPart))


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore")
    include_usage: bool = False


class ChatBody(BaseModel):
    """Fields we do not know are ignored, as compatible servers do; those that ask for something
    else than one text are refused."""

    model_config = ConfigDict(extra="ignore")
    model: str = Field(min_length=1, max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1, le=1000)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    fields: dict[str, str] = Field(default_factory=dict, max_length=10)
    n: Literal[1, None] = None
    tools: None = None

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def run_request(self) -> RunRequest:
        """Raises BadRequest unless the last message is the user's and has words or a file, and
        MediaUnreadable for a file that is no base64. What files are is told by their content."""
        turns = [
            Turn(
                "system" if message.role == "developer" else message.role,
                message.text,
                tuple(map(as_recognised, message.media())),
            )
            for message in self.messages
        ]
        if turns[-1].role != "user" or not (turns[-1].content.strip() or turns[-1].media):
            raise BadRequest("The last message must be the user's and must have text.", "messages")
        if sum(len(turn.content) for turn in turns) > TEXT_LIMIT:
            raise BadRequest(f"The messages are longer than {TEXT_LIMIT:,} characters.", "messages")
        sampling = Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_tokens=self.max_completion_tokens or self.max_tokens,
        )
        return RunRequest(turns, sampling, self.fields)


def parse(raw: bytes) -> ChatBody:
    """Raises BadRequest with the first thing that is wrong, and where."""
    try:
        return ChatBody.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{where or 'body'}: {first['msg']}", where or None) from error


def error_body(
    message: str, kind: str, *, code: str | None = None, param: str | None = None
) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_of(error: StudioError) -> Any:
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    return error_body(str(error), kind, code=error.code)


class Reply:
    """Builds the objects of one completion, all with one id and time."""

    def __init__(self, model: str) -> None:
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time())}
        self._model = model

    def _object(self, kind: str, **rest: Any) -> dict[str, Any]:
        return {**self._head, "object": kind, "model": self._model, **rest}

    def chunk(
        self, delta: dict[str, Any], finish: str | None = None, **rest: Any
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self._object("chat.completion.chunk", choices=[choice], **rest)

    def last_chunk(self, answer: Answer) -> dict[str, Any]:
        spoken = audio(answer)
        delta = {"audio": spoken} if spoken else {}
        return self.chunk(delta, _finish(answer), citations=citations(answer), **notices(answer))

    def usage_chunk(self, answer: Answer) -> dict[str, Any]:
        return self._object("chat.completion.chunk", choices=[], usage=usage(answer))

    def whole(self, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
            "citations": citations(answer),
            **notices(answer),
        }
        if spoken := audio(answer):
            message["audio"] = spoken
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": _finish(answer),
            "logprobs": None,
        }
        return self._object("chat.completion", choices=[choice], usage=usage(answer))


def _finish(answer: Answer) -> str:
    return answer.finish_reason if answer.finish_reason in {"stop", "length"} else "stop"


def usage(answer: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }


def audio(answer: Answer) -> dict[str, Any] | None:
    """The spoken answer, as OpenAI's models with audio output give it."""
    sound = next((one for one in answer.media if one.kind == "audio"), None)
    if sound is None:
        return None
    kind = sound.mime.partition("/")[2]
    ids = {"id": f"audio-{uuid.uuid4().hex}", "transcript": answer.text}
    return {**ids, "format": kind, "data": sound.base64}


def notices(answer: Answer) -> dict[str, list[dict[str, str]]]:
    """Our extra field, where there is something to say: what went wrong beside the text."""
    rows = [{"code": one.code, "message": one.message} for one in answer.notices]
    return {"notices": rows} if rows else {}


def citations(answer: Answer) -> list[dict[str, Any]]:
    """Our extra field: what the marks `[n]` in the text stand for."""
    return [
        {
            "number": citation.number,
            "document": citation.passage.document,
            "page": citation.passage.page,
            "heading": citation.passage.heading,
            "quote": citation.quote,
            "text": citation.passage.text,
            "chunk_id": citation.passage.chunk_id,
            "score": citation.passage.score,
        }
        for citation in answer.citations
    ]

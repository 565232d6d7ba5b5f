"""Messages as a page shows them."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.chat import sse
from apps.chat.citations import answer_html
from apps.chat.enums import MessageStatus
from apps.chat.models import ChatAttachment, ChatMessage
from apps.chat.offers import said_beside
from apps.chat.traces import steps_of

BROKEN = (MessageStatus.FAILED, MessageStatus.INTERRUPTED)

CUT_SHORT = (
    "This answer ends here because it reached the longest length allowed (max. tokens). Raise it, or ask "
    "for less at a time."
)


class ShownMessage:
    """A message with what its template asks for. Reads no row."""

    def __init__(self, message: ChatMessage, *, last: bool = False) -> None:
        self.message = message
        self.last = last

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)

    @property
    def html(self) -> SafeString:
        return answer_html(
            self.message.content,
            {source["number"]: (source["url"], source["label"]) for source in self.sources},
        )

    @property
    def sources(self) -> list[dict[str, Any]]:
        return [
            {
                "number": citation["number"],
                "url": reverse("chat:citation", args=[self.message.pk, citation["number"]]),
                "label": label_of(citation["passage"]),
                "document": citation["passage"]["document"],
            }
            for citation in self.message.citations
        ]

    @property
    def files(self) -> list[ChatAttachment]:
        """Its attachments; those of a message without any are not looked for."""
        return list(self.message.attachments.all()) if self.message.media_count else []

    @property
    def said_beside(self) -> list[tuple[str, str]]:
        return said_beside(self.message.fields)

    @property
    def steps(self) -> list[dict[str, Any]]:
        return steps_of(self.message.trace)

    @property
    def stream_url(self) -> str:
        """Begins behind the text that the row holds already, which the page shows."""
        url = reverse("chat:stream", args=[self.message.pk])
        return f"{url}?after={len(self.message.content)}" if self.message.content else url

    @property
    def broken(self) -> bool:
        return self.message.status in BROKEN

    @property
    def quotes_only(self) -> bool:
        return self.message.status == MessageStatus.COMPLETE and not self.message.generated

    @property
    def notices(self) -> list[str]:
        """What the reader of a whole answer should know about it."""
        found = [one["message"] for one in self.message.usage.get("notices", ())]
        if self.message.usage.get("finish_reason") == "length":
            found.insert(0, CUT_SHORT)
        return found

    @property
    def repeatable(self) -> bool:
        return self.last and self.message.is_reply and not self.message.is_active


def shown(messages: list[ChatMessage]) -> list[ShownMessage]:
    """Consecutive messages up to a conversation's newest, for its page."""
    return [ShownMessage(message, last=message is messages[-1]) for message in messages]


def label_of(passage: dict[str, Any]) -> str:
    """Where a passage stands, in words: "handbook.pdf, page 3, Holidays"."""
    place = f"page {passage['page']}" if passage.get("page") else ""
    return ", ".join(part for part in (passage["document"], place, passage.get("heading")) if part)


def message_html(message: ChatMessage, *, last: bool = True) -> str:
    return render_to_string("chat/_message.html", {"message": ShownMessage(message, last=last)})


def ending_of(message: ChatMessage | None) -> bytes:
    """The last event of an ended reply's stream; None stands for one that was deleted."""
    if message is None:
        return sse.failed("chat.deleted", "This conversation was deleted.", "")
    html = message_html(message)
    if message.status in BROKEN:
        return sse.failed(message.error_code, message.error_message, html)
    return sse.done(html)

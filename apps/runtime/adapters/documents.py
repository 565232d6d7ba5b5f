"""The text of a document that came with the question."""

from __future__ import annotations

from collections.abc import AsyncIterator

from apps.runtime.adapters.base import Adapter, Step
from apps.runtime.errors import UserFault
from apps.runtime.events import Event
from apps.runtime.media import Media


class ReaderMissing(UserFault):
    code = "run.reader-missing"
    sentence = "Documents cannot be read here. Paste the text of {name} instead."


async def read(step: Step) -> AsyncIterator[Event]:
    """The document's text where there is one, and then the typed words are a request about it; else
    the typed words are the text."""
    document: Media | None = step.inputs.get("document")
    typed = step.inputs.get("text", "")
    if document is None:
        step.outputs = {"text": typed}
        step.noted = {"chars": len(typed)}
        return
    name = document.name or "the document"
    if step.resources.read_document is None:
        raise ReaderMissing(name=name)
    text = await step.resources.read_document(document)
    step.outputs = {"text": text} | ({"request": typed} if typed else {})
    step.noted = {"document": name, "chars": len(text)}
    return
    yield  # an async generator that yields nothing


DOCUMENT_READER = Adapter("document-reader", read)

"""From a file to blocks of text: the one door to all readers. Runs in the reader process only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from apps.knowledge.domain.docx import read_docx
from apps.knowledge.domain.html import read_html
from apps.knowledge.domain.media import LABELS, MediaType, inspect
from apps.knowledge.domain.parts import Meter, Part, blocks
from apps.knowledge.domain.pdf import read_pdf
from apps.knowledge.domain.pptx import read_pptx
from apps.knowledge.domain.refusals import NoText
from apps.knowledge.domain.tables import read_csv
from apps.knowledge.domain.text import read_markdown, read_text
from apps.knowledge.domain.xlsx import read_xlsx
from apps.runtime.chunking import Block


def extract(path: Path, name: str, meter: Meter) -> Iterator[Block]:
    """The file's text as blocks, one after the other, whatever the file's size.

    Raises a Refusal for what is not taken; some only show after blocks were yielded (a workbook
    broken in its third sheet), so blocks are to be kept only once the iterator has ended.
    """
    media_type = inspect(path, name)
    found = False
    for block in blocks(_parts(path, media_type, meter)):
        found = found or not block.text.isspace()
        yield block
    if not found:
        raise NoText(kind=LABELS[media_type], advice="Upload it again once it has some.")
    meter.share = 1.0


def _parts(path: Path, media_type: MediaType, meter: Meter) -> Iterator[Part]:
    if media_type in (MediaType.CSV, MediaType.TSV):
        return read_csv(path, media_type, meter)
    readers = {
        MediaType.PDF: read_pdf,
        MediaType.DOCX: read_docx,
        MediaType.PPTX: read_pptx,
        MediaType.XLSX: read_xlsx,
        MediaType.HTML: read_html,
        MediaType.MARKDOWN: read_markdown,
        MediaType.TEXT: read_text,
    }
    return readers[media_type](path, meter)

"""What is refused, with the code that says why. Nothing of it is unpacked or run."""

from __future__ import annotations

import resource

import pytest

from apps.knowledge.domain.refusals import Refusal
from tests.apps.knowledge.domain.conftest import Read
from tests.data import documents
from tests.servers.watchdog import no_hang

HOSTILE = {
    "empty": ("a.txt", b"", "knowledge.empty"),
    "blank": ("a.txt", b" \n\t\n", "knowledge.no-text"),
    "binary": ("a.txt", bytes(range(256)) * 20, "knowledge.unsupported-type"),
    "image": ("a.md", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "knowledge.unsupported-type"),
    "program": ("a.txt", b"\x7fELF" + b"\0" * 50, "knowledge.unsupported-type"),
    "svg": (
        "a.svg",
        b'<?xml version="1.0"?>\n<svg onload="x()"></svg>',
        "knowledge.unsupported-type",
    ),
    "svg called html": (
        "a.html",
        b"<!-- x --><svg><script>1</script></svg>",
        "knowledge.unsupported-type",
    ),
    "rtf": ("a.rtf", b"{\\rtf1 hello}", "knowledge.unsupported-type"),
    "old word": (
        "a.doc",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "knowledge.unsupported-type",
    ),
    "plain zip": ("a.zip", documents.crowded_zip(3), "knowledge.unsupported-type"),
    "text called pdf": ("a.pdf", b"hello", "knowledge.wrong-type"),
    "workbook called word": (
        "a.docx",
        documents.workbook({"A": [["x", "y"]]}),
        "knowledge.wrong-type",
    ),
    "broken pdf": ("a.pdf", documents.pdf(["some text " * 20])[:300], "knowledge.broken"),
    "pdf head only": ("a.pdf", b"%PDF-1.7\n" + b"garbage" * 90, "knowledge.broken"),
    "encrypted pdf": ("a.pdf", documents.encrypted_pdf(["secret text"]), "knowledge.encrypted"),
    "scanned pdf": ("a.pdf", documents.scanned_pdf(3), "knowledge.no-text"),
    "encrypted office": ("a.docx", documents.encrypted_office(), "knowledge.encrypted"),
    "cut word": ("a.docx", documents.word([("Normal", "x")])[:9000], "knowledge.broken"),
    "word without xml": (
        "a.docx",
        documents.with_member(documents.word([("Normal", "x")]), "word/document.xml", b"<oops"),
        "knowledge.broken",
    ),
    "broken workbook": (
        "a.xlsx",
        documents.with_member(
            documents.workbook({"A": [["a", "b"]]}),
            "xl/worksheets/sheet1.xml",
            b"<worksheet><sheetData><row>",
        ),
        "knowledge.broken",
    ),
    "open quote": ("a.csv", b'a,b\n1,"' + b"x,\n" * 60_000, "knowledge.broken"),
    "entities": ("a.docx", documents.billion_laughs(), "knowledge.broken"),
    "zip bomb": ("a.docx", documents.zip_bomb(300), "knowledge.archive-bomb"),
    "crowded zip": ("a.docx", documents.crowded_zip(), "knowledge.archive-bomb"),
    "overlapping zip": ("a.docx", documents.overlapping_zip(2_000), "knowledge.archive-bomb"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refused_with_its_code_and_no_hang(read: Read, case: str) -> None:
    name, content, code = HOSTILE[case]
    with no_hang(), pytest.raises(Refusal) as refusal:
        read(name, content)
    assert refusal.value.code == code


def test_a_bomb_takes_no_memory(read: Read) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in ("zip bomb", "overlapping zip", "entities"):
        with pytest.raises(Refusal):
            read(*HOSTILE[case][:2])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (
            "rtf",
            "This is an RTF document, which cannot be read as text. Save it as DOCX and upload that.",
        ),
        (
            "plain zip",
            "This is a zip archive, which cannot be read as text. Unpack it and upload the folder "
            "that comes out.",
        ),
        (
            "program",
            "This is a program, which cannot be read as text. Upload PDF, DOCX, PPTX, XLSX, HTML, "
            "Markdown, CSV or plain text.",
        ),
    ],
)
def test_a_wrong_type_is_said_with_what_to_do(read: Read, case: str, sentence: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read(*HOSTILE[case][:2])
    assert str(refusal.value) == sentence

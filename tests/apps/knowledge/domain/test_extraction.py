"""What is read of each kind of file."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Generator
from pathlib import Path
from typing import cast

import psutil
import pytest

from apps.knowledge.domain.extraction import extract
from apps.knowledge.domain.parts import Meter
from apps.runtime.chunking import Block
from tests.apps.knowledge.domain.conftest import Read
from tests.data import documents


def text_of(blocks: list[Block]) -> str:
    return "".join(block.text for block in blocks)


def places(blocks: list[Block]) -> list[tuple[str, int | None, str]]:
    return [
        (block.text.strip(), block.page, block.heading) for block in blocks if block.text.strip()
    ]


def test_blocks_follow_each_other_without_gaps(read: Read) -> None:
    blocks = read("a.md", b"# One\n\nfirst\n\n## Two\nsecond\n")
    starts = [0, *itertools.accumulate(len(block.text) for block in blocks)]
    assert [block.start for block in blocks] == starts[:-1]
    assert text_of(blocks) == "# One\n\nfirst\n\n## Two\nsecond\n"


def test_pdf_pages_and_bookmarks(read: Read) -> None:
    meter = Meter()
    file = documents.pdf(
        ["The service line is behind the net", "Rackets are inter-\nnational goods"],
        [("Rules", 1), ("Equipment", 2)],
    )
    assert places(read("a.pdf", file, meter)) == [
        ("The service line is behind the net", 1, "Rules"),
        ("Rackets are international goods", 2, "Equipment"),
    ]
    assert (meter.pages, meter.share) == (2, 1.0)


def test_pdf_with_an_owner_password_only_is_read(read: Read) -> None:
    file = documents.encrypted_pdf(["Anybody may read this page"], owner_only=True)
    assert places(read("a.pdf", file)) == [("Anybody may read this page", 1, "")]


def test_word_headings_lists_tables_and_page_headers(read: Read) -> None:
    file = documents.word(
        [
            ("Heading 1", "Leave"),
            ("Normal", "Everybody gets 30 days."),
            ("List Bullet", "in whole days"),
            ("Heading 2", "Parents"),
            ("Normal", "Ask early."),
        ],
        [["Name", "Days"], ["Ann", "30"], ["Bob", "28"]],
        header="ACME handbook",
    )
    assert places(read("a.docx", file)) == [
        ("Leave", None, "Leave"),
        ("Everybody gets 30 days.", None, "Leave"),
        ("- in whole days", None, "Leave"),
        ("Parents", None, "Leave › Parents"),
        ("Ask early.", None, "Leave › Parents"),
        ("Name | Days", None, "Leave › Parents"),
        ("Name: Ann | Days: 30", None, "Leave › Parents"),
        ("Name: Bob | Days: 28", None, "Leave › Parents"),
        ("ACME handbook", None, "Page header"),
    ]


def test_word_pages_where_word_marked_them(read: Read) -> None:
    body = (
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        b"<w:p><w:r><w:t>First page</w:t></w:r></w:p>"
        b"<w:p><w:r><w:lastRenderedPageBreak/><w:t>Second page begins</w:t></w:r></w:p>"
        b"<w:p><w:r><w:t>Second page ends</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        b"</w:body></w:document>"
    )
    file = documents.with_member(documents.word([("Normal", "x")]), "word/document.xml", body)
    assert [(text, page) for text, page, _ in places(read("a.docx", file))] == [
        ("First page", 1),
        ("Second page begins", 2),
        ("Second page ends", 2),
    ]


def test_presentation_slides_notes_and_tables(read: Read) -> None:
    file = documents.deck(
        [("Plan", "Buy\nBuild", "Say it slowly"), ("Costs", "None", "")],
        [["Item", "Price"], ["Net", "free"]],
    )
    assert places(read("a.pptx", file)) == [
        ("Plan", 1, "Plan"),
        ("Buy\nBuild", 1, "Plan"),
        ("Notes: Say it slowly", 1, "Plan"),
        ("Costs", 2, "Costs"),
        ("None", 2, "Costs"),
        ("Item | Price", 3, ""),
        ("Item: Net | Price: free", 3, ""),
    ]


def test_workbook_rows_carry_their_columns_names(read: Read) -> None:
    file = documents.workbook(
        {"People": [["Name", "Age"], ["Ann", 31], [None, None], ["Bob", 22.5]], "Sums": [[1, 2]]}
    )
    assert places(read("a.xlsx", file)) == [
        ("People", 1, "People"),
        ("Name | Age", 1, "People"),
        ("Name: Ann | Age: 31", 1, "People"),
        ("Name: Bob | Age: 22.5", 1, "People"),
        ("Sums", 2, "Sums"),
        ("1 | 2", 2, "Sums"),
    ]


def test_html_keeps_what_a_reader_sees(read: Read) -> None:
    page = b"""<!doctype html><html><head><title>Handbook</title><style>p{}</style>
    <script>alert(1)</script></head><body><nav>Menu</nav><h1>Leave</h1>
    <p>You get <b>30</b> days,<br>in whole.</p><ul><li>One<li>Two</ul>
    <table><tr><th>Name<th>Days</tr><tr><td>Ann<td>30</tr></table>
    <pre>a\n  b</pre><h2>Parents</h2>Ask early. <!-- not this --></body></html>"""
    assert places(read("page.html", page)) == [
        ("Handbook", None, ""),
        ("Leave", None, "Leave"),
        ("You get 30 days,\nin whole.", None, "Leave"),
        ("- One", None, "Leave"),
        ("- Two", None, "Leave"),
        ("Name | Days", None, "Leave"),
        ("Name: Ann | Days: 30", None, "Leave"),
        ("a\n  b", None, "Leave"),
        ("Parents", None, "Leave › Parents"),
        ("Ask early.", None, "Leave › Parents"),
    ]


def test_html_is_known_by_its_content(read: Read) -> None:
    blocks = read("saved-page.txt", b"<html><body><p>Hello</p><script>x</script></body></html>")
    assert text_of(blocks).strip() == "Hello"


def test_markdown_headings_but_not_those_in_code_or_front_matter(read: Read) -> None:
    text = b"---\ntitle: x\n# no\n---\n# One\n```sh\n# no heading\n```\n## [Two](u) *x*\ntext\n\nThree\n=====\nend\n"
    blocks = read("a.md", text)
    assert text_of(blocks) == text.decode()
    assert {block.heading for block in blocks} == {"", "One", "One › Two x", "Three"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"Name,City\nAnn,Rome\n", ["Name | City", "Name: Ann | City: Rome"]),
        (
            "a.csv",
            b"Name;City\nAnn;Rome, Italy\n",
            ["Name | City", "Name: Ann | City: Rome, Italy"],
        ),
        ("a.tsv", b"Name\tCity\nAnn\tRome\n", ["Name | City", "Name: Ann | City: Rome"]),
        ("a.csv", b"1,2\n3,4\n", ["1 | 2", "3 | 4"]),
        ("a.csv", b'Name,Said\nAnn,"two\nlines"\n', ["Name | Said", "Name: Ann | Said: two lines"]),
    ],
)
def test_csv_rows(read: Read, name: str, content: bytes, expected: list[str]) -> None:
    assert [text for text, _, _ in places(read(name, content))] == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Grüße aus Köln".encode(), "Grüße aus Köln"),
        ("Grüße aus Köln".encode("utf-8-sig"), "Grüße aus Köln"),
        ("Grüße aus Köln".encode("utf-16"), "Grüße aus Köln"),
        (
            "Grüße aus Köln, wo alles gut ist".encode("utf-16-le"),
            "Grüße aus Köln, wo alles gut ist",
        ),
        ("Grüße aus Köln".encode("cp1252"), "Grüße aus Köln"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (("これは日本語の文章です。" * 20).encode("shift_jis"), "これは日本語の文章です。" * 20),
        (("Это русский текст. " * 20).encode("cp1251"), "Это русский текст. " * 20),
    ],
)
def test_text_in_every_character_set(read: Read, content: bytes, expected: str) -> None:
    assert text_of(read("a.txt", content)) == expected


def test_control_characters_do_not_reach_the_database(read: Read) -> None:
    assert text_of(read("a.txt", b"a\x0cb\x1bc" + b" fine" * 40))[:5] == "a b c"


def test_a_line_of_any_length_is_cut_into_blocks(read: Read) -> None:
    blocks = read("a.txt", b"word " * 100_000)
    assert max(len(block.text) for block in blocks) <= 32_768
    assert len(text_of(blocks)) == 500_000


LONG_PAGE = {
    "a.html": b"<h2>Part</h2><p>" + b"word " * 200 + b"</p>\n",
    "a.csv": b'1,Ann,"' + b"word " * 40 + b'"\n',
    "a.md": b"## Part\n\n" + b"word " * 200 + b"\n\n",
    "a.txt": b"word " * 200 + b"\n\n",
}


@pytest.mark.parametrize("name", LONG_PAGE)
def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        while file.tell() < 40_000_000:
            file.write(LONG_PAGE[name] * 100)
    process = psutil.Process()
    early = peak = characters = 0

    for number, block in enumerate(extract(path, name, Meter())):
        characters += len(block.text)
        if number % 500 == 0:
            peak = max(peak, process.memory_info().rss)
        if not early and characters > 2_000_000:
            early = peak

    assert characters > 35_000_000
    assert peak - early < 12_000_000


def test_a_page_that_is_not_read_to_its_end_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"<html><body>" + b"<p>some words of it</p>\n" * 100_000)
    before = threading.active_count()

    blocks = cast("Generator[Block]", extract(path, "a.html", Meter()))
    next(blocks)
    assert threading.active_count() == before + 1
    blocks.close()

    assert threading.active_count() == before


def test_a_page_in_another_character_set_than_it_declares_in_xml(read: Read) -> None:
    page = '<?xml version="1.0" encoding="iso-8859-1"?>\n<html><body><p>Grüße</p></body></html>'
    assert text_of(read("a.xhtml", page.encode())).strip() == "Grüße"


def test_a_long_sheet_that_does_not_declare_its_size_takes_no_memory(tmp_path: Path) -> None:
    row = '<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"/><c r="C{n}"/><c r="D{n}" t="b"><v>1</v></c></row>'
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + "".join(row.format(n=n) for n in range(1, 250_001))
        + "</sheetData></worksheet>"
    )
    book = documents.workbook({"Numbers": [["x", "y"]]})
    path = tmp_path / "file"
    path.write_bytes(documents.with_member(book, "xl/worksheets/sheet1.xml", sheet.encode()))
    del sheet, book
    process, done, rows = psutil.Process(), threading.Event(), 0
    seen = [process.memory_info().rss]

    def watch() -> None:
        while not done.wait(0.01):
            seen.append(process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        for block in extract(path, "a.xlsx", Meter()):
            rows += block.text.endswith(" | yes\n")
    finally:
        done.set()
        watching.join()

    assert rows == 250_000
    assert max(seen) - seen[0] < 15_000_000


def test_cells_stay_in_their_columns_and_dates_are_dates(read: Read) -> None:
    file = documents.workbook(
        {
            "Plan": [["What", "Note", "When"], ["Move", None, dt.date(2024, 2, 29)]],
            "Nothing": [],
        }
    )
    assert [text for text, _, _ in places(read("a.xlsx", file))] == [
        "Plan",
        "What | Note | When",
        "What: Move | When: 2024-02-29",
    ]

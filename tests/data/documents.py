"""Documents of every kind, good and hostile, built in memory. No file of anybody's is kept."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

import docx
import openpyxl
import pptx
from pypdf import PdfReader, PdfWriter


def pdf(pages: Sequence[str], bookmarks: Sequence[tuple[str, int]] = ()) -> bytes:
    """A PDF with one line of text per line of each page. bookmarks: (title, page from 1)."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    )
    kids = []
    for text in pages:
        lines = []
        for line in text.split("\n"):
            shown = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            lines.append(f"({shown}) Tj T*")
        stream = zlib.compress(
            ("BT /F1 11 Tf 14 TL 50 780 Td " + "\n".join(lines) + " ET").encode("cp1252", "replace")
        )
        objects.append(
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(stream)
            + stream
            + b"\nendstream"
        )
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, 2)
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    out.write(
        b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    )
    if not bookmarks:
        return out.getvalue()
    writer = PdfWriter(clone_from=io.BytesIO(out.getvalue()))
    for title, page in bookmarks:
        writer.add_outline_item(title=title, page_number=page - 1)
    return _written(writer)


def encrypted_pdf(
    pages: Sequence[str], password: str = "secret", owner_only: bool = False
) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(pages))))
    writer.encrypt("" if owner_only else password, owner_password=password, algorithm="AES-256")
    return _written(writer)


def scanned_pdf(pages: int = 2) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    return _written(writer)


def word(
    paragraphs: Sequence[tuple[str, str]] = (),
    table: Sequence[Sequence[str]] = (),
    header: str = "",
) -> bytes:
    """paragraphs: (style name, text), "Normal" for body text."""
    document = docx.Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if table:
        grid = document.add_table(len(table), len(table[0]))
        for row, cells in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    if header:
        document.sections[0].header.paragraphs[0].text = header
    return _saved(document)


def deck(slides: Sequence[tuple[str, str, str]], table: Sequence[Sequence[str]] = ()) -> bytes:
    """slides: (title, body, speaker's notes)."""
    show = pptx.Presentation()
    for title, body, notes in slides:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    if table:
        slide = show.slides.add_slide(show.slide_layouts[5])
        grid = slide.shapes.add_table(len(table), len(table[0]), 0, 0, 4_000_000, 2_000_000).table
        for row, cells in enumerate(table):
            for column, text in enumerate(cells):
                grid.cell(row, column).text = text
    return _saved(show)


def workbook(sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return _saved(book)


def with_member(document: bytes, name: str, content: bytes) -> bytes:
    """An Office file with one member replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(document)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for info in source.infolist():
            target.writestr(info.filename, content if info.filename == name else source.read(info))
        if name not in source.namelist():
            target.writestr(name, content)
    return out.getvalue()


def zip_bomb(unpacked_mib: int = 300) -> bytes:
    """A DOCX of a few hundred kB whose body unpacks to that many MiB of zeros and never says so."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as member:
            block = b"\0" * (1024 * 1024)
            for _ in range(unpacked_mib):
                member.write(block)
    return out.getvalue()


def crowded_zip(members: int = 20_000) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(members):
            archive.writestr(f"word/{number}.xml", b"")
    return out.getvalue()


def overlapping_zip(copies: int = 200) -> bytes:
    """Many directory entries that share one compressed member, as in the bombs without nesting."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = kernel.compress(b"a" * 200_000) + kernel.flush()
    crc = zlib.crc32(b"a" * 200_000)
    name = b"word/document.xml"
    local = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(data), 200_000, len(name), 0
    )
    body = local + name + data
    directory = b""
    for number in range(copies):
        entry = name if number == 0 else b"word/x%07d.xml" % number
        directory += (
            struct.pack(
                "<4s6H3I5H2I",
                b"PK\x01\x02",
                20,
                20,
                0,
                8,
                0,
                0,
                crc,
                len(data),
                200_000,
                len(entry),
                0,
                0,
                0,
                0,
                0,
                0,
            )
            + entry
        )
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), len(body), 0)
    return body + directory + end


def billion_laughs() -> bytes:
    entities = '<!ENTITY a0 "lol">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
    )
    xml = (
        f"<!DOCTYPE d [{entities}]>"
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p></w:body></w:document>"
    )
    return with_member(word([("Normal", "x")]), "word/document.xml", xml.encode())


def encrypted_office() -> bytes:
    """The head of what Office writes for a DOCX with a password: an OLE2 file with this stream."""
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 504
        + "EncryptedPackage".encode("utf-16-le")
        + b"\0" * 512
    )


def _saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def _written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()

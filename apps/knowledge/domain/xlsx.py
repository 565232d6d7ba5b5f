"""Workbooks: sheet by sheet, row by row, each row with its columns' names."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._reader import WorkSheetParser

from apps.knowledge.domain.archives import open_archive
from apps.knowledge.domain.limits import HEADING_CHARS, TABLE_CELL_CHARS, TABLE_COLUMNS
from apps.knowledge.domain.ooxml import drop, stream_part
from apps.knowledge.domain.parts import Meter, Part
from apps.knowledge.domain.refusals import Broken
from apps.knowledge.domain.tables import describe_rows

KIND = "workbook"
_DAMAGE = (
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,  # of every XML parser
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
)
"""What openpyxl raises on damaged files: there is no common class."""


def read_xlsx(path: Path, meter: Meter) -> Iterator[Part]:
    """Values as last calculated. openpyxl parses with defusedxml where that is installed, and it is."""
    open_archive(path, KIND).close()
    # By its open file: openpyxl goes by the name's ending, and stored files have none.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = _opened(file)
            sheets = [
                (sheet.name, place.target)
                for sheet, place in book.parser.find_sheets()
                if place.target in book.valid_files and "chartsheet" not in place.Type
            ]
            for number, (name, part) in enumerate(sheets, 1):
                meter.pages = number
                heading = str(name)[:HEADING_CHARS]
                yield from _sheet(_rows(book, part), number, heading)
                meter.share = number / len(sheets)
        except _DAMAGE as error:
            raise _broken(error) from error


def _opened(file: Any) -> Any:
    """Everything but the sheets. `load_workbook` would read a sheet that does not declare its size from
    one end to the other at once, and hold all of it."""
    book = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    book.read_manifest()
    book.read_strings()
    book.read_workbook()
    apply_stylesheet(book.archive, book.wb)
    return book


def _sheet(rows: Iterator[list[str]], number: int, heading: str) -> Iterator[Part]:
    started = False
    for line in describe_rows(rows):
        if not started:
            started = True
            yield Part(f"{heading}\n", number, heading)
        yield Part(line, number, heading)
    if started:
        yield Part("\n", number, heading)


def _rows(book: Any, part: str) -> Iterator[list[str]]:
    """Cells by their column. openpyxl's own iteration keeps an element of every row to the end of the
    sheet, and believes the size that the sheet declares, which is often wrong."""
    parser = WorkSheetParser(
        None,
        book.shared_strings,
        data_only=True,
        epoch=book.wb.epoch,
        date_formats=book.wb._date_formats,
        timedelta_formats=book.wb._timedelta_formats,
    )
    for _, element in stream_part(book.archive, part, KIND, ("end",), "{*}row"):
        _, cells = parser.parse_row(element)
        parser.row_dimensions.clear()
        drop(element)
        row: list[str] = []
        for cell in cells:
            place = cell["column"] - 1
            if place < TABLE_COLUMNS:
                row.extend([""] * (place + 1 - len(row)))
                row[place] = _shown(cell["value"])
        yield row


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time(0)
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    return str(value)[:TABLE_CELL_CHARS]


def _broken(error: BaseException) -> Broken:
    return Broken(kind=KIND, reason=(str(error) or type(error).__name__)[:160].rstrip("."))

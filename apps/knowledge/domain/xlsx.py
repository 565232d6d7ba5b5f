"""Workbooks: sheet by sheet, row by row, each row with its columns' names."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from apps.knowledge.domain.archives import open_archive
from apps.knowledge.domain.limits import HEADING_CHARS, TABLE_CELL_CHARS, TABLE_COLUMNS
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
            workbook = openpyxl.load_workbook(
                file, read_only=True, data_only=True, keep_links=False
            )
            sheets = workbook.worksheets
            for number, sheet in enumerate(sheets, 1):
                meter.pages = number
                yield from _sheet(sheet, number, len(sheets), meter)
        except _DAMAGE as error:
            raise _broken(error) from error


def _sheet(sheet: Any, number: int, count: int, meter: Meter) -> Iterator[Part]:
    heading = str(sheet.title)[:HEADING_CHARS]
    # The size that a sheet declares is often wrong: without this, a million empty rows are read
    # or rows beyond it are lost.
    sheet.reset_dimensions()
    started = False
    for line in describe_rows(_rows(sheet)):
        if not started:
            started = True
            yield Part(f"{heading}\n", number, heading)
        yield Part(line, number, heading)
    meter.share = number / count
    if started:
        yield Part("\n", number, heading)


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows(values_only=True):
        yield [_shown(value) for value in row[:TABLE_COLUMNS]]


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

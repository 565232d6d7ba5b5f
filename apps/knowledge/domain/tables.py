"""Rows made readable: "Name: Ann | Age: 31", so that a row found alone still says what it means."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from apps.knowledge.domain.limits import TABLE_CELL_CHARS
from apps.knowledge.domain.media import MediaType
from apps.knowledge.domain.parts import Meter, Part
from apps.knowledge.domain.refusals import Broken
from apps.knowledge.domain.text import lines

HEADER_CHARS = 80
_NUMBER = re.compile(r"[\s$€£%+\-.,:/\d]+")


def describe_rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """One line per row that is not empty. If the first one reads like column names, the others carry them."""
    header: Sequence[str] | None = None
    first = True
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        if not any(cells):
            continue
        if first:
            first = False
            while cells and not cells[-1]:
                cells.pop()
            if is_header(cells):
                header = cells
            yield " | ".join(cells) + "\n"
            continue
        yield _line(cells, header) + "\n"


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row names columns: two or more, all filled, short, different, none a number or date."""
    return (
        len(cells) > 1
        and all(cell and len(cell) <= HEADER_CHARS for cell in cells)
        and len(set(cells)) == len(cells)
        and not any(_NUMBER.fullmatch(cell) for cell in cells)
    )


def read_csv(path: Path, media_type: MediaType, meter: Meter) -> Iterator[Part]:
    """Raises Broken, naming the line, where a quote is never closed."""
    csv.field_size_limit(TABLE_CELL_CHARS)
    line_number = 1
    try:
        delimiter = "\t" if media_type is MediaType.TSV else _delimiter(path)
        reader = csv.reader(lines(path, meter), delimiter=delimiter)
        for line in describe_rows(reader):
            line_number = reader.line_num + 1
            yield Part(line)
    except csv.Error as error:
        reason = f"the row that starts in line {line_number}: {error}"
        raise Broken(kind="CSV table", reason=reason) from error


def _delimiter(path: Path) -> str:
    """The likeliest of , ; tab | by how evenly it cuts the first lines."""
    sample: list[str] = []
    for line in lines(path, Meter()):
        sample.append(line)
        if len(sample) == 20:
            break
    best, best_score = ",", 0.0
    for candidate in ",;\t|":
        widths = [len(row) for row in csv.reader(sample, delimiter=candidate)]
        widths = [width for width in widths if width]
        if not widths or max(widths) < 2:
            continue
        common = max(set(widths), key=widths.count)
        score = widths.count(common) / len(widths) * (1 if common > 1 else 0) + common / 1000
        if score > best_score:
            best, best_score = candidate, score
    return best


def _line(cells: Sequence[str], header: Sequence[str] | None) -> str:
    if header is None:
        return " | ".join(cells).rstrip(" |")
    named = []
    for number, cell in enumerate(cells):
        if cell:
            named.append(f"{header[number]}: {cell}" if number < len(header) else cell)
    return " | ".join(named)

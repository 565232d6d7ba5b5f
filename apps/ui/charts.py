"""Line and bar charts as SVG, computed here and drawn by the templates `ui/tags/line_chart.html` and `ui/tags/bar_chart.html`.

Series are told apart by colour, by dash (lines) or hatch (bars) and by marker shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 60, 12, 12, 44
"""Room around the plot for tick labels and axis titles, in SVG units."""
DASHES = ("", "6 3", "2 3", "8 3 2 3", "12 4", "1 4")
MAX_MARKS = 40
"""Points above which a line is drawn without a marker on each of them."""
MAX_ROWS = 500
"""Rows above which the data table keeps every n-th point; it says so."""


@dataclass(frozen=True)
class Series:
    """points: (x, y), by rising x. A y of None or NaN is a gap."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class LineChart:
    """x_label and y_label carry the unit: "Time (s)"."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    description: str = ""


@dataclass(frozen=True)
class BarChart:
    """labels: one per group of bars; series: (name, one value per label)."""

    title: str
    x_label: str
    y_label: str
    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[float | None]]]
    description: str = ""


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Mark:
    d: str
    title: str


@dataclass(frozen=True)
class DrawnLine:
    name: str
    css: str
    dash: str
    d: str
    marks: list[Mark]
    sample: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    css: str
    hatch: str
    title: str


@dataclass(frozen=True)
class Drawn:
    id: str
    title: str
    x_label: str
    y_label: str
    description: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    head: list[str]
    rows: list[list[str]]
    thinned: bool
    lines: list[DrawnLine] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    legend: list[DrawnLine] = field(default_factory=list)
    empty: bool = False
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM

    @property
    def middle_x(self) -> float:
        return (self.left + self.right) / 2

    @property
    def middle_y(self) -> float:
        return (self.top + self.bottom) / 2


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5, 5 times a power of ten) that cover [low, high] with about `count` steps."""
    if not high > low:
        high = low + (abs(low) or 1)
    rough = (high - low) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def draw_lines(chart: LineChart) -> Drawn:
    points = [(x, y) for series in chart.series for x, y in series.points if _is_number(y)]
    if not points:
        return _empty(chart.title, chart.x_label, chart.y_label)
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    if x_low == x_high:
        x_low, x_high = x_low - 0.5, x_high + 0.5
    y_ticks = nice_ticks(
        min(0.0, *(y for _, y in points if y is not None)),
        max(y for _, y in points if y is not None),
    )

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _scale(x, x_low, x_high, LEFT, WIDTH - RIGHT),
            _scale(y, y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP),
        )

    lines = []
    for index, series in enumerate(chart.series):
        placed = [
            (x, y, *at(x, y)) if y is not None and _is_number(y) else None for x, y in series.points
        ]
        marks = [
            Mark(_shape(index, px, py), f"{series.name}: {number(y)} at {number(x)}")
            for x, y, px, py in (point for point in placed if point)
        ]
        lines.append(
            DrawnLine(
                name=series.name,
                css=f"s{index % 6 + 1}",
                dash=DASHES[index % len(DASHES)],
                d=_path([point and (point[2], point[3]) for point in placed]),
                marks=marks if len(marks) <= MAX_MARKS else marks[:: math.ceil(len(marks) / 12)],
                sample=_shape(index, 14, 6),
            )
        )
    x_ticks = [x for x in nice_ticks(x_low, x_high, 8) if x_low <= x <= x_high]
    rows, thinned = _line_rows(chart)
    return Drawn(
        id=_id(chart.title),
        title=chart.title,
        x_label=chart.x_label,
        y_label=chart.y_label,
        description=chart.description or _describe(chart),
        x_ticks=[Tick(round(at(x, 0)[0], 1), number(x)) for x in x_ticks],
        y_ticks=[Tick(round(at(0, y)[1], 1), number(y)) for y in y_ticks],
        head=[chart.x_label, *(series.name for series in chart.series)],
        rows=rows,
        thinned=thinned,
        lines=lines,
        legend=lines,
    )


def draw_bars(chart: BarChart) -> Drawn:
    values = [value for _, row in chart.series for value in row if _is_number(value)]
    if not values:
        return _empty(chart.title, chart.x_label, chart.y_label)
    y_ticks = nice_ticks(
        min(0.0, *(v for v in values if v is not None)),
        max(0.0, *(v for v in values if v is not None)),
    )
    room = (WIDTH - RIGHT - LEFT) / max(1, len(chart.labels))
    width = min(48.0, room * 0.72 / max(1, len(chart.series)))

    def y_at(value: float) -> float:
        return _scale(value, y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)

    bars, legend = [], []
    for index, (name, row) in enumerate(chart.series):
        css = f"s{index % 6 + 1}"
        legend.append(DrawnLine(name, css, "", "", [], _hatch(index, 0, 0, 28, 12)))
        for group, value in enumerate(row):
            if value is None or not _is_number(value):
                continue
            start = LEFT + room * (group + 0.5) - width * len(chart.series) / 2 + width * index
            top, bottom = sorted((y_at(value), y_at(0)))
            size = (round(start + 1, 1), round(top, 1), round(width - 2, 1), round(bottom - top, 1))
            title = f"{chart.labels[group]}, {name}: {number(value)}"
            bars.append(Bar(*size, css, _hatch(index, *size), title))
    x_ticks = [
        Tick(round(LEFT + room * (i + 0.5), 1), label) for i, label in enumerate(chart.labels)
    ]
    rows = [
        [label, *(number(row[i]) for _, row in chart.series)]
        for i, label in enumerate(chart.labels)
    ]
    return Drawn(
        id=_id(chart.title),
        title=chart.title,
        x_label=chart.x_label,
        y_label=chart.y_label,
        description=chart.description
        or f"Bars of {', '.join(name for name, _ in chart.series)} for {len(chart.labels)} groups.",
        x_ticks=x_ticks,
        y_ticks=[Tick(round(y_at(y), 1), number(y)) for y in y_ticks],
        head=[chart.x_label, *(name for name, _ in chart.series)],
        rows=rows,
        thinned=False,
        bars=bars,
        legend=legend,
    )


def number(value: float | None) -> str:
    """At most four significant digits, thousands with a thin gap, no exponent for usual sizes."""
    if value is None or not _is_number(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1e9 or abs(value) < 1e-4:
        return f"{value:.3g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (value - low) / (high - low) * (end - start)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts, pen_down = [], False
    for point in points:
        if point is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        pen_down = True
    return "".join(parts)


def _shape(index: int, x: float, y: float) -> str:
    """Circle, square, diamond, triangle, cross, bar: one shape per series, about 7 units wide."""
    shapes = (
        f"M{x - 3.2:.1f} {y:.1f}a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0Z",
        f"M{x - 3:.1f} {y - 3:.1f}h6v6h-6Z",
        f"M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4 -4Z",
        f"M{x:.1f} {y - 4:.1f}l4 7h-8Z",
        f"M{x - 1.2:.1f} {y - 4:.1f}h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8v-2.4h2.8Z",
        f"M{x - 4:.1f} {y - 1.5:.1f}h8v3h-8Z",
    )
    return shapes[index % len(shapes)]


def _hatch(index: int, x: float, y: float, width: float, height: float) -> str:
    """Strokes over a bar: none, rising, level, upright; they tell series apart without colour."""
    kind, step = index % 4, 6
    if kind == 0 or width <= 0 or height <= 0:
        return ""
    if kind == 2:
        return "".join(
            f"M{x:.1f} {y + gap:.1f}h{width:.1f}" for gap in range(step, int(height), step)
        )
    if kind == 3:
        return "".join(
            f"M{x + gap:.1f} {y:.1f}v{height:.1f}" for gap in range(step, int(width), step)
        )
    strokes = []
    for offset in range(step, int(width + height), step):
        start, end = max(0.0, offset - height), min(width, float(offset))
        strokes.append(
            f"M{x + start:.1f} {y + offset - start:.1f}L{x + end:.1f} {y + offset - end:.1f}"
        )
    return "".join(strokes)


def _line_rows(chart: LineChart) -> tuple[list[list[str]], bool]:
    by_x: dict[float, list[float | None]] = {}
    for index, series in enumerate(chart.series):
        for x, y in series.points:
            by_x.setdefault(x, [None] * len(chart.series))[index] = y
    every = math.ceil(len(by_x) / MAX_ROWS) or 1
    rows = [[number(x), *(number(y) for y in by_x[x])] for x in sorted(by_x)[::every]]
    return rows, every > 1


def _describe(chart: LineChart) -> str:
    parts = []
    for series in chart.series:
        values = [y for _, y in series.points if y is not None and _is_number(y)]
        if values:
            parts.append(
                f"{series.name} from {number(min(values))} to {number(max(values))}, last {number(values[-1])}"
            )
    return f"{chart.y_label} over {chart.x_label}: {'; '.join(parts)}."


def _empty(title: str, x_label: str, y_label: str) -> Drawn:
    return Drawn(
        _id(title), title, x_label, y_label, "No data yet.", [], [], [], [], False, empty=True
    )


def _id(title: str) -> str:
    return "chart-" + "".join(c if c.isalnum() else "-" for c in title.lower())

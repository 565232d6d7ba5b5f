from __future__ import annotations

import math

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from apps.ui.charts import BarChart, LineChart, Series, draw_bars, draw_lines, nice_ticks, number

TTFT = LineChart(
    "Time to first token",
    "Time (s)",
    "TTFT (ms)",
    [Series("p50", [(0, 100), (1, 200), (2, None), (3, 150)]), Series("p95", [(0, 300), (1, 400)])],
)


def test_nice_ticks_are_round() -> None:
    assert nice_ticks(0, 9.3) == [0, 2, 4, 6, 8, 10]
    assert nice_ticks(0, 1230) == [0, 250, 500, 750, 1000, 1250]
    assert nice_ticks(5, 5) == [5, 6, 7, 8, 9, 10]


@given(
    st.floats(-1e5, 1e5),
    st.floats(0.01, 1e9),
)
def test_nice_ticks_cover_the_range(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)

    assert ticks[0] <= low + span * 1e-6
    assert ticks[-1] >= low + span * (1 - 1e-6)
    assert 2 <= len(ticks) <= 13


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0, "0"),
        (1234.5, "1,234"),
        (0.8333, "0.8333"),
        (12, "12"),
        (2.5e-7, "2.5e-07"),
    ],
)
def test_number(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_line_breaks_at_a_gap() -> None:
    drawn = draw_lines(TTFT)

    assert drawn.lines[0].d.count("M") == 2
    assert len(drawn.lines[0].marks) == 3


def test_series_differ_without_colour() -> None:
    first, second = draw_lines(TTFT).lines

    assert first.dash != second.dash
    assert first.sample != second.sample


def test_data_table_has_every_point() -> None:
    drawn = draw_lines(TTFT)

    assert drawn.head == ["Time (s)", "p50", "p95"]
    assert drawn.rows == [
        ["0", "100", "300"],
        ["1", "200", "400"],
        ["2", "–", "–"],
        ["3", "150", "–"],
    ]


def test_long_series_are_thinned_and_say_so() -> None:
    long = LineChart("Load", "s", "1/s", [Series("a", [(x, x) for x in range(2000)])])

    drawn = draw_lines(long)

    assert len(drawn.rows) == 500
    assert drawn.thinned


def test_all_points_at_one_moment_are_drawn() -> None:
    drawn = draw_lines(LineChart("One", "s", "ms", [Series("a", [(5, 7)])]))

    assert len(drawn.lines[0].marks) == 1


def test_bars_start_at_zero_and_hang_below_it() -> None:
    drawn = draw_bars(BarChart("Change", "Metric", "Points", ["up", "down"], [("b", [3, -2])]))

    up, down = drawn.bars
    assert up.y + up.height == pytest.approx(down.y, abs=0.2)


def test_bars_leave_out_missing_values() -> None:
    drawn = draw_bars(BarChart("Score", "Metric", "Score", ["a", "b"], [("x", [0.5, None])]))

    assert len(drawn.bars) == 1
    assert drawn.rows == [["a", "0.5"], ["b", "–"]]


def test_line_chart_is_an_image_with_words() -> None:
    html = Template("{% line_chart chart %}").render(Context({"chart": TTFT}))

    assert 'role="img"' in html
    assert "<title id=" in html
    assert "p50 from 100 to 200, last 150" in html
    assert "<details>" in html
    assert "style=" not in html


def test_names_in_charts_are_escaped() -> None:
    chart = BarChart("<b>", "x", "y", ["<i>"], [("<u>", [1])])

    html = Template("{% bar_chart chart %}").render(Context({"chart": chart}))

    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html


def test_empty_chart_says_so() -> None:
    chart = LineChart("Nothing", "s", "ms", [])

    assert "No data yet." in Template("{% line_chart chart %}").render(Context({"chart": chart}))

from __future__ import annotations

import pytest

from apps.ui.numbers import compact, duration_ms, filesize


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (104_857_600, "105 MB"),
        (999_600, "1.0 MB"),
        (3_500_000_000_000, "3500 GB"),
    ],
)
def test_filesize(size: int | None, shown: str) -> None:
    assert filesize(size) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.42, "0.4 ms"),
        (843, "843 ms"),
        (999.6, "1.0 s"),
        (8400, "8.4 s"),
        (59_970, "1 min 00 s"),
        (185_000, "3 min 05 s"),
        (7_500_000, "2 h 05 min"),
    ],
)
def test_duration_ms(value: float | None, shown: str) -> None:
    assert duration_ms(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (7.25, "7.2"),
        (412, "412"),
        (1000, "1k"),
        (12_345, "12.3k"),
        (4_500_000, "4.5M"),
        (2e9, "2G"),
    ],
)
def test_compact(value: float | None, shown: str) -> None:
    assert compact(value) == shown

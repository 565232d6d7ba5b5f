"""Quantities as people read them."""

from __future__ import annotations


def filesize(size_bytes: float | None) -> str:
    """1234567 -> "1.2 MB" (decimal units, as file managers and disks are sold)."""
    if size_bytes is None:
        return "–"
    value = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def duration_ms(value: float | None) -> str:
    """12.4 -> "12 ms", 8400 -> "8.4 s", 185000 -> "3 min 05 s", 7500000 -> "2 h 05 min"."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    seconds = value / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def compact(value: float | None) -> str:
    """1234 -> "1.2k", 4500000 -> "4.5M"; below a thousand as it is."""
    if value is None:
        return "–"
    number = float(value)
    for suffix in ("", "k", "M"):
        if abs(number) < 999.5:
            return _short(number) + suffix
        number /= 1000
    return _short(number) + "G"


def _short(number: float) -> str:
    if number == int(number) or abs(number) >= 99.95:
        return f"{number:.0f}"
    return f"{number:.1f}".removesuffix(".0")

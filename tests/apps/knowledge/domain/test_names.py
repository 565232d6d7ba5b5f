from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.knowledge.domain.names import clean_name, is_junk, suffix_of


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a/b.md", "a/b.md"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\docs\\a.docx", "docs/a.docx"),
        ("a/./b//c.md", "a/b/c.md"),
        ("in\x00va\nlid.md", "invalid.md"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("", "file"),
        ("..", "file"),
        ("x" * 300 + ".md", "x" * 147 + ".md"),
    ],
)
def test_clean_name(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


@given(st.text(max_size=600))
def test_clean_name_is_safe_whatever_comes(raw: str) -> None:
    name = clean_name(raw)
    assert 0 < len(name) <= 400
    assert not name.startswith("/")
    assert ".." not in name.split("/")
    assert all(char.isprintable() or char == "\u3000" or char.isspace() for char in name)
    assert clean_name(name) == name


@pytest.mark.parametrize("name", [".DS_Store", "a/Thumbs.db", "~$report.docx", "__MACOSX/a.md"])
def test_litter_is_known(name: str) -> None:
    assert is_junk(name)


def test_suffix_of() -> None:
    assert [suffix_of(name) for name in ("a.PDF", "a.b/c", ".env", "x.tar.gz")] == [
        ".pdf",
        "",
        "",
        ".gz",
    ]

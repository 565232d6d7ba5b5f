from __future__ import annotations

from apps.chat.citations import answer_html

SOURCES = {1: ("/one/", "a.md"), 2: ("/two/", 'b".md')}


def _buttons(text: str) -> int:
    return answer_html(text, SOURCES).count('class="citation"')


def test_marks_with_a_source_become_buttons() -> None:
    html = answer_html("One [1]. Two [2][1]. Three [3].", SOURCES)

    assert html.count('class="citation"') == 3
    assert 'aria-label="Source 2: b&quot;.md"' in html
    assert "Three [3]." in html


def test_marks_in_code_and_links_stay_text() -> None:
    assert _buttons("`x[1]` and\n\n```\ny[1]\n```\n\n[see [1]](https://example.org)") == 0


def test_marks_in_lists_tables_and_headings() -> None:
    assert _buttons("# Title [1]\n\n- item [2]\n\n| a |\n|---|\n| b [1] |") == 3


def test_mark_inside_an_attribute_is_no_button() -> None:
    html = answer_html('[x](https://example.org "a > b [1]") [2]', SOURCES)

    assert html.count('class="citation"') == 1
    assert "Source 2" in html


def test_markup_never_becomes_elements() -> None:
    html = answer_html("<button hx-get=/evil/>[1]</button><svg onload=x> [1]", SOURCES)

    assert "<svg" not in html
    assert 'hx-get="/evil/"' not in html
    assert html.count("<button") == 2

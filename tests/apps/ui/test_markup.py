from __future__ import annotations

import pytest

from apps.ui.markup import HIGHLIGHT_LIMIT, render


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title\n\n## Part", "<h3>Title</h3>\n<h4>Part</h4>\n"),
        ("# Title\n\n##### Deep", "<h3>Title</h3>\n<h4>Deep</h4>\n"),
        ("### Begins low\n\n#### Lower", "<h3>Begins low</h3>\n<h4>Lower</h4>\n"),
        ("### Low\n\n# High", "<h3>Low</h3>\n<h3>High</h3>\n"),
        ("###### Six", "<h3>Six</h3>\n"),
    ],
)
def test_headings_stand_under_that_of_the_page_and_skip_no_level(text: str, html: str) -> None:
    assert render(text, shift=2) == html


def test_headings_keep_their_level_where_the_text_is_the_page() -> None:
    assert render("## Part\n\n#### Deep") == "<h2>Part</h2>\n<h4>Deep</h4>\n"


def test_tables_and_strikethrough_are_read() -> None:
    html = render("| a |\n|---|\n| ~~b~~ |")

    assert "<table>" in html
    assert "<s>b</s>" in html


def test_links_leave_no_trace() -> None:
    assert render("[a](https://example.org)") == (
        '<p><a href="https://example.org" rel="noopener noreferrer nofollow">a</a></p>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](data:text/html,<script>alert(1)</script>)",
        "![a](https://example.org/track.gif)",
        "![a](//example.org/track.gif)",
        '<a href="x" style="position:fixed">a</a>',
        "```html\n<script>alert(1)</script>\n```",
        '```"><script>alert(1)</script>\ncode\n```',
    ],
)
def test_nothing_executes_or_calls_home(text: str) -> None:
    html = render(text)

    assert "<script" not in html
    assert "<img src" not in html
    assert "src=" not in html.replace("&lt;img src=", "")
    assert 'href="javascript' not in html
    assert 'href="data' not in html


def test_own_images_stay() -> None:
    assert '<img src="/static/guide/a.png" alt="A">' in render("![A](/static/guide/a.png)")


def test_code_is_coloured_by_classes() -> None:
    html = render("```python\ndef f(): pass\n```")

    assert '<pre class="highlight" tabindex="0" data-language="python">' in html
    assert '<span class="k">def</span>' in html
    assert "style=" not in html


def test_unknown_languages_and_long_code_stay_plain() -> None:
    assert "<span" not in render("```nonsense\ndef f(): pass\n```")
    assert "<span" not in render(f"```python\n{'x = 1;' * (HIGHLIGHT_LIMIT // 6 + 1)}\n```")


def test_deep_nesting_ends() -> None:
    assert render(">" * 5000 + " a")

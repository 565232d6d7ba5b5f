"""Markdown to HTML that is safe to show whoever wrote it: no raw HTML, no foreign images, no scripts."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

TAGS = {
    "a",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "pre": {"class", "data-language", "tabindex"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
HIGHLIGHT_LIMIT = 40_000
"""Characters of a code block above which it is shown without colours: Pygments takes about 1 s per MB."""
LANGUAGE_CHARS = 30


def render(text: str, *, shift: int = 0) -> SafeString:
    """Safe HTML of a Markdown text (CommonMark with tables and strikethrough).

    shift  the level of the heading that the text stands under: its own highest becomes the next
           one, and none below it is left out, whatever the author skipped; 0 keeps levels
    """
    tokens = _parser().parse(text)
    if shift:
        _put_headings_under(tokens, shift)
    html = _parser().renderer.render(tokens, _parser().options, {})
    return mark_safe(_cleaner().clean(html))  # noqa: S308 - cleaned by nh3 in this line


def _put_headings_under(tokens: list[Token], level: int) -> None:
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    highest = min((int(token.tag[1]) for token in headings), default=1)
    last = level
    for token in headings:
        if token.type == "heading_open":
            last = min(6, int(token.tag[1]) - highest + level + 1, last + 1)
        token.tag = f"h{last}"


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "typographer": False, "highlight": _highlight}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.options["maxNesting"] = 30
    return parser


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_keep,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _keep(tag: str, name: str, value: str) -> str | None:
    """Images only from this site: a foreign address would tell its owner who reads the page."""
    if (
        tag == "img"
        and name == "src"
        and (not value.startswith("/") or value.startswith(("//", "/\\")))
    ):
        return None
    return value


def _highlight(code: str, language: str, _attributes: str) -> str:
    body = escape(code)
    if language and len(code) <= HIGHLIGHT_LIMIT:
        with suppress(ClassNotFound):
            body = highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True))
    label = f' data-language="{escape(language[:LANGUAGE_CHARS])}"' if language else ""
    return f'<pre class="highlight" tabindex="0"{label}><code>{body}</code></pre>'

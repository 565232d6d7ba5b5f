"""The template tags every page is made of. Builtin: no template has to load them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from apps.ui import charts, icons, markup, numbers
from apps.ui.forms import control

register = template.Library()

register.filter("filesize", numbers.filesize)
register.filter("duration_ms", numbers.duration_ms)
register.filter("compact", numbers.compact)


@register.filter
def markdown(text: str | None, shift: int = 2) -> SafeString:
    """Markdown as safe HTML; headings move down by `shift`, so that a page keeps one h1."""
    return markup.render(text or "", shift=shift)


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """An inline SVG; decoration unless it gets a label. Raises KeyError for an unknown name."""
    spoken = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" {}><path d="{}"/></svg>',
        css,
        spoken,
        icons.PATHS[name],
    )


@register.inclusion_tag("ui/tags/field.html")
def field(
    bound: BoundField, label: str | None = None, help: str | None = None, optional: bool = True
) -> dict[str, Any]:
    """Label, control, help and errors of one form field, wired together for screen readers.

    optional: say so beside the label of a field that may stay empty; filters switch it off
    """
    return {
        "field": bound,
        "label": bound.label if label is None else label,
        "help": bound.help_text if help is None else help,
        "control": control(bound, has_help=bool(bound.help_text if help is None else help)),
        "kind": getattr(bound.field.widget, "input_type", ""),
        "grouped": bound.use_fieldset,
        "mark_optional": optional and not bound.field.required,
    }


# What a status looks like: daisyUI colour and icon. Unknown statuses are shown plainly.
_LOOKS = {
    "queued": ("", "clock"),
    "pending": ("", "clock"),
    "draft": ("", "edit"),
    "running": ("badge-info", "activity"),
    "streaming": ("badge-info", "activity"),
    "processing": ("badge-info", "activity"),
    "extracting": ("badge-info", "activity"),
    "embedding": ("badge-info", "activity"),
    "succeeded": ("badge-success", "check"),
    "done": ("badge-success", "check"),
    "ready": ("badge-success", "check"),
    "complete": ("badge-success", "check"),
    "passed": ("badge-success", "check"),
    "verified": ("badge-success", "check"),
    "active": ("badge-success", "check"),
    "ok": ("badge-success", "check"),
    "warning": ("badge-warning", "alert"),
    "interrupted": ("badge-warning", "alert"),
    "expired": ("badge-warning", "alert"),
    "failed": ("badge-error", "x"),
    "refused": ("badge-error", "x"),
    "error": ("badge-error", "x"),
    "cancelled": ("", "stop"),
    "stopped": ("", "stop"),
    "disabled": ("", "lock"),
    "revoked": ("", "lock"),
}


@register.simple_tag
def status_badge(status: str, label: str = "") -> SafeString:
    colour, name = _LOOKS.get(str(status), ("", "info"))
    return format_html(
        '<span class="badge badge-soft {}" data-status="{}">{}{}</span>',
        colour,
        status,
        icon(name, "icon-sm"),
        label or str(status).replace("_", " ").capitalize(),
    )


@register.inclusion_tag("ui/tags/progress.html")
def progress(done: int, total: int, label: str = "Progress") -> dict[str, Any]:
    """A bar with its figures; without a total it shows that work goes on."""
    percent = min(100, round(100 * done / total)) if total else None
    return {"done": done, "total": total, "label": label, "percent": percent}


@register.simple_block_tag(end_name="end_page_header")
def page_header(content: str, title: str, subtitle: str = "") -> SafeString:
    """The heading of a page; what is inside are its action buttons."""
    below = format_html('<p class="muted">{}</p>', subtitle) if subtitle else ""
    actions = format_html('<div class="page-actions">{}</div>', content) if content.strip() else ""
    return format_html(
        '<div class="page-header"><div class="page-header-text"><h1>{}</h1>{}</div>{}</div>',
        title,
        below,
        actions,
    )


@register.simple_block_tag(end_name="end_empty_state")
def empty_state(content: str, icon: str, title: str, text: str = "") -> SafeString:
    """What a list shows while it is empty; what is inside is the way to fill it."""
    actions = format_html('<div class="toolbar mt-3">{}</div>', content) if content.strip() else ""
    return format_html(
        '<div class="empty"><span class="empty-icon">{}</span><h2>{}</h2>'
        '<p class="muted max-w-md">{}</p>{}</div>',
        _icon(icon, "icon-lg"),
        title,
        text,
        actions,
    )


_icon = icon


@register.inclusion_tag("ui/tags/line_chart.html")
def line_chart(chart: charts.LineChart) -> dict[str, Any]:
    return {"chart": charts.draw_lines(chart)}


@register.inclusion_tag("ui/tags/bar_chart.html")
def bar_chart(chart: charts.BarChart) -> dict[str, Any]:
    return {"chart": charts.draw_bars(chart)}


@register.simple_tag
def local_time(moment: datetime | None, style: str = "relative") -> SafeString | str:
    """A moment in the reader's time zone; style is relative, datetime or date."""
    if moment is None:
        return "–"
    shown = localtime(moment).strftime("%Y-%m-%d %H:%M" if style != "date" else "%Y-%m-%d")
    return format_html(
        '<local-time data-format="{}"><time datetime="{}">{}</time></local-time>',
        style,
        moment.isoformat(),
        shown,
    )


@register.inclusion_tag("ui/tags/pagination.html", takes_context=True)
def pagination(context: RequestContext, page: Page[Any], target: str = "") -> dict[str, Any]:
    """Links to the pages of a list, keeping the rest of the query.

    target: CSS selector of the partial that htmx swaps; without it the links load the page.
    """

    def link(number: int, spoken: str, icon: str = "") -> dict[str, Any]:
        query = context["request"].GET.copy()
        query["page"] = str(number)
        return {"href": f"?{query.urlencode()}", "label": number, "spoken": spoken, "icon": icon}

    links: list[dict[str, Any]] = []
    if page.has_previous():
        links.append(link(page.previous_page_number(), "Previous page", "chevron-left"))
    for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1):
        if number == page.number:
            links.append({"label": number, "current": True})
        elif isinstance(number, int):
            links.append(link(number, f"Page {number}"))
        else:
            links.append({"href": ""})
    if page.has_next():
        links.append(link(page.next_page_number(), "Next page", "chevron-right"))
    return {"page": page, "links": links, "target": target}


@register.inclusion_tag("ui/tags/file_drop.html", takes_context=True)
def file_drop(
    context: RequestContext,
    action: str,
    accept: str = "",
    max_bytes: int = 0,
    help: str = "",
    label: str = "Add files",
) -> dict[str, Any]:
    """A whole upload form: drag and drop of files and folders; a plain file input without a script.

    accept: file name endings with commas (".pdf,.md"). See static/js/ui/file-drop.js for the fields sent.
    """
    return {
        "action": action,
        "accept": accept,
        "max_bytes": max_bytes,
        "help": help,
        "label": label,
        "csrf_token": context.get("csrf_token", ""),
    }

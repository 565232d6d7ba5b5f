"""Samples for the style guide page."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from apps.runtime.errors import UserFault
from apps.ui import icons
from apps.ui.charts import BarChart, LineChart, Series
from apps.ui.forms import Form

STATUSES = (
    "queued",
    "running",
    "succeeded",
    "failed",
    "cancelled",
    "interrupted",
    "draft",
    "refused",
)
MARKDOWN = """# Leave policy

Every employee has **28 days** of leave a year, see the [handbook](https://example.org/handbook).
Unused days *expire* on `31 March`.

1. Ask your manager
2. Enter it in the calendar

> Notice is two weeks for more than five days.

| Years | Days |
|------:|------|
| 0–4   | 28   |
| 5+    | 30   |

```python
def days_left(taken: int, allowance: int = 28) -> int:
    # Never below zero.
    return max(0, allowance - taken)
```

<script>alert("raw HTML is shown, never run")</script>
"""


class SampleRefused(UserFault):
    code = "ui.sample.refused"
    sentence = "{name} is encrypted. Remove the password and upload it again."


class SampleForm(Form):
    name = forms.CharField(max_length=40, help_text="Lower-case letters, digits and dashes.")
    kind = forms.ChoiceField(choices=[("hybrid", "Hybrid"), ("dense", "Dense"), ("bm25", "BM25")])
    notes = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    temperature = forms.DecimalField(min_value=0, max_value=2, decimal_places=2, initial=0.2)
    mode = forms.ChoiceField(
        choices=[("fast", "Fast"), ("exact", "Exact")],
        widget=forms.RadioSelect,
        initial="fast",
        help_text="Exact compares every passage.",
    )
    features = forms.MultipleChoiceField(
        choices=[("chat", "Chat"), ("api", "API"), ("uploads", "Uploads")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    file = forms.FileField(required=False)
    share = forms.BooleanField(
        required=False, label="Share with everybody", help_text="They may read, not change."
    )


@dataclass(frozen=True)
class Specimen:
    """One part in one state. in_table: it is a row and needs a table around it."""

    template: str
    state: str
    context: dict[str, Any]
    in_table: bool = False

    @property
    def key(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", f"{self.template} {self.state}".lower()).strip("-")

    def rendered(self, request: HttpRequest) -> SafeString:
        html = render_to_string(self.template, self.context, request)
        if not self.in_table:
            return html
        return format_html('<table class="table"><tbody>{}</tbody></table>', html)


@dataclass(frozen=True)
class Shelf:
    title: str
    specimens: list[Specimen]


def shelves(request: HttpRequest) -> list[Shelf]:
    """The parts of the apps above the kit, from settings.STYLE_SHELVES, a dotted function of the request."""
    dotted = getattr(settings, "STYLE_SHELVES", "")
    found: list[Shelf] = import_string(dotted)(request) if dotted else []
    return found


def specimen(request: HttpRequest, key: str) -> Specimen | None:
    rows = [row for shelf in shelves(request) for row in shelf.specimens]
    return next((row for row in rows if row.key == key), None)


def samples(page: str) -> dict[str, Any]:
    now = timezone.now()
    return {
        "icons": sorted(icons.PATHS),
        "statuses": STATUSES,
        "markdown_text": MARKDOWN,
        "rows": Paginator(range(1, 501), 50).get_page(page),
        "moments": [
            now - timedelta(seconds=5),
            now - timedelta(hours=3),
            now - timedelta(days=400),
        ],
        "line": LineChart(
            "Time to first token",
            "Time (s)",
            "TTFT (ms)",
            [
                Series("p50", [(t, 180 + 40 * math.sin(t / 4) + t * 2) for t in range(0, 61, 2)]),
                Series("p95", [(t, 420 + 90 * math.sin(t / 5) + t * 5) for t in range(0, 61, 2)]),
                Series(
                    "p99",
                    [
                        (t, None if t == 30 else 700 + 60 * math.cos(t / 3) + t * 6)
                        for t in range(0, 61, 2)
                    ],
                ),
            ],
        ),
        "bars": BarChart(
            "Retrieval quality",
            "Metric",
            "Score (0–1)",
            ["recall@1", "recall@3", "recall@6", "MRR"],
            [
                ("BM25", [0.61, 0.79, 0.86, 0.71]),
                ("Dense", [0.58, 0.81, 0.9, 0.69]),
                ("Hybrid", [0.67, 0.88, 0.95, 0.78]),
            ],
        ),
        "nothing": LineChart("Nothing measured yet", "Time (s)", "Requests (1/s)", []),
    }

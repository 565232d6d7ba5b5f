"""The guide's texts as pages show them."""

from __future__ import annotations

import re

from django import template
from django.templatetags.static import static
from django.utils.safestring import SafeString

from apps.ui import markup

register = template.Library()

PICTURE = re.compile(r"\]\((pictures/[a-z0-9-]+\.webp)\)")


@register.filter
def guide_text(text: str) -> SafeString:
    """Markdown under a heading of the second level; "![What it shows](pictures/x.webp)" is a screenshot."""
    return markup.render(PICTURE.sub(lambda match: f"]({static(match[1])})", text), shift=2)

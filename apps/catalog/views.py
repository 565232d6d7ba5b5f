from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.catalog.guide_pages import guide_page, guide_pages
from apps.ui.http import StudioRequest, page


@login_required
@require_safe
def guide(request: StudioRequest, slug: str = "") -> HttpResponse:
    """A page of the user guide; the first one where none is named."""
    pages = guide_pages()
    shown = guide_page(slug) if slug else pages[0]
    if shown is None:
        raise Http404
    place = pages.index(shown)
    context = {
        "pages": pages,
        "shown": shown,
        "before": pages[place - 1] if place else None,
        "after": pages[place + 1] if place + 1 < len(pages) else None,
    }
    return render(request, page(request, "catalog/guide"), context)

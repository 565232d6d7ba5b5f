"""The user guide: Markdown files with a title in the first line, in the order of their numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from apps.catalog.domain.components_page import components_page

FOLDER = Path(__file__).parent / "guide"
PICTURES = Path(__file__).parents[2] / "static" / "pictures"


@dataclass(frozen=True, slots=True)
class GuidePage:
    slug: str
    title: str
    summary: str
    body: str
    picture: str = ""
    """Static name of a screenshot of what the page is about, where there is one."""


@cache
def guide_pages() -> tuple[GuidePage, ...]:
    """The written pages, with that of the components, which the catalog itself is, after the canvas."""
    pages = [_read(path) for path in sorted(FOLDER.glob("*.md"))]
    title, summary = "Components", "What a flow can be made of: each with its ports and settings."
    pages.insert(
        1 + [page.slug for page in pages].index("canvas"),
        GuidePage("components", title, summary, components_page()),
    )
    return tuple(pages)


def guide_page(slug: str) -> GuidePage | None:
    return next((page for page in guide_pages() if page.slug == slug), None)


def _read(path: Path) -> GuidePage:
    """`NN-slug.md`: "# Title", an empty line, one summary paragraph, the rest."""
    heading, _, rest = path.read_text(encoding="utf-8").partition("\n")
    summary, _, body = rest.strip().partition("\n\n")
    slug = re.sub(r"^\d+-", "", path.stem)
    picture = f"pictures/{slug}.webp" if (PICTURES / f"{slug}.webp").exists() else ""
    return GuidePage(
        slug, heading.removeprefix("# ").strip(), " ".join(summary.split()), body, picture
    )

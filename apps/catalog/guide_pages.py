"""The user guide: Markdown files with a title in the first line, in the order of their numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.text import slugify

from apps.catalog.domain.components_page import components_page

HEADING = re.compile(r"^## (.+)$|^```", re.MULTILINE)
FOLDER = Path(__file__).parent / "guide"
PICTURES = Path(__file__).parents[2] / "static" / "pictures"


@dataclass(frozen=True, slots=True)
class GuideSection:
    """What stands under one heading. anchor: its name in addresses ("go-back")."""

    anchor: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class GuidePage:
    slug: str
    title: str
    summary: str
    body: str
    picture: str = ""
    """Static name of a screenshot of what the page is about, where there is one."""

    @property
    def opening(self) -> str:
        """What stands before the first heading."""
        return self.body[: next(iter(_headings(self.body)), (len(self.body), ""))[0]]

    @property
    def sections(self) -> list[GuideSection]:
        starts = _headings(self.body)
        ends = [place for place, _ in starts[1:]] + [len(self.body)]
        return [
            GuideSection(slugify(title), title, self.body[place:end].partition("\n")[2].strip())
            for (place, title), end in zip(starts, ends, strict=True)
        ]


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


def _headings(body: str) -> list[tuple[int, str]]:
    """Where each "## Title" stands that is not in a block of code."""
    found, in_code = [], False
    for match in HEADING.finditer(body):
        if match[1] is None:
            in_code = not in_code
        elif not in_code:
            found.append((match.start(), match[1].strip()))
    return found


def _read(path: Path) -> GuidePage:
    """`NN-slug.md`: "# Title", an empty line, one summary paragraph, the rest."""
    heading, _, rest = path.read_text(encoding="utf-8").partition("\n")
    summary, _, body = rest.strip().partition("\n\n")
    slug = re.sub(r"^\d+-", "", path.stem)
    picture = f"pictures/{slug}.webp" if (PICTURES / f"{slug}.webp").exists() else ""
    return GuidePage(
        slug, heading.removeprefix("# ").strip(), " ".join(summary.split()), body, picture
    )

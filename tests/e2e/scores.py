"""Lighthouse's accessibility score of many pages, by two processes on one browser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.assets import _node

HERE = Path(__file__).parent / "lighthouse"
AT_ONCE = 2
LEAST = 95
FORMS = {
    "wide light": ("light", 1440, 900),
    "wide dark": ("dark", 1440, 900),
    "phone light": ("light", 390, 844),
}
INSTALLED_WITHIN_S, JUDGED_WITHIN_S = 300, 1200


@dataclass(frozen=True)
class Score:
    page: str
    form: str
    score: int
    failed: Sequence[str]

    @property
    def good(self) -> bool:
        return self.score >= LEAST


def install() -> None:
    """Lighthouse by its own lock file: the product does not need it."""
    lock = HERE / "package-lock.json"
    stamp = HERE / "node_modules" / ".stamp"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    node, npm = _node()
    quiet = ["--ignore-scripts", "--no-progress", "--loglevel=error"]
    subprocess.run([node, npm, "ci", *quiet], cwd=HERE, check=True, timeout=INSTALLED_WITHIN_S)
    stamp.write_bytes(lock.read_bytes())


def judge(
    port: int, address: str, pages: Mapping[str, str], cookies: Sequence[Mapping[str, Any]] = ()
) -> list[Score]:
    """
    port     where the browser takes commands
    pages    paths by title, below the address
    cookies  of a session, as the browser tells them

    A page that leads elsewhere or that breaks has the score 0 and says so.
    """
    install()
    rows = [(title, path, form) for title, path in pages.items() for form in FORMS]
    shares = [rows[at::AT_ONCE] for at in range(AT_ONCE)]
    kept = [{"name": one["name"], "value": one["value"], "url": address} for one in cookies]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = threads.map(lambda share: _share(port, address, share, kept), shares)
    return sorted((one for share in done for one in share), key=lambda one: (one.page, one.form))


def _share(
    port: int, address: str, rows: Sequence[tuple[str, str, str]], cookies: list[dict[str, Any]]
) -> list[Score]:
    shots = [
        dict(zip(("theme", "width", "height"), FORMS[form], strict=True), url=address + path)
        for _, path, form in rows
    ]
    done = subprocess.run(
        [_node()[0], "audit.mjs"],
        cwd=HERE,
        input=json.dumps({"port": port, "cookies": cookies, "shots": shots}),
        capture_output=True,
        text=True,
        check=False,
        timeout=JUDGED_WITHIN_S,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(shots), f"Lighthouse ended early:\n{done.stderr[-3000:]}"
    return [
        _score(title, form, shot["url"], one)
        for (title, _, form), shot, one in zip(rows, shots, told, strict=True)
    ]


def _score(title: str, form: str, url: str, told: dict[str, Any]) -> Score:
    if told["landed"] and told["landed"] != url:
        return Score(title, form, 0, [f"leads to {told['landed']}"])
    return Score(title, form, told["score"], told["failed"])


def table(scores: Sequence[Score]) -> str:
    """A line per page with its score in each form."""
    by_page: dict[str, dict[str, int]] = {}
    for one in scores:
        by_page.setdefault(one.page, {})[one.form] = one.score
    width = max(map(len, by_page))
    head = f"{'Lighthouse accessibility':{width}}" + "".join(f"{form:>13}" for form in FORMS)
    lines = [
        f"{page:{width}}" + "".join(f"{row[form]:>13}" for form in FORMS)
        for page, row in by_page.items()
    ]
    return "\n".join([head, *lines])


def complaints(scores: Sequence[Score]) -> list[str]:
    return [
        f"{one.page} ({one.form}) has {one.score}: {'; '.join(one.failed)}"
        for one in scores
        if not one.good
    ]

"""Writes what files of tests/data/imports become as it is now, to be read before it is committed.

python -m tests.apps.projects.importers.golden NAME...
"""

from __future__ import annotations

import sys

from apps.projects.domain.yaml_io import brief
from tests.apps.projects.importers.samples import FOLDER, imported, lines


def main(names: list[str]) -> None:
    for name in names:
        result = imported(name)
        if result.spec is None:
            raise SystemExit(f"{name} is not imported: {lines(result)}")
        for ending, text in (("project.yaml", brief(result.spec)), ("notes.txt", lines(result))):
            (FOLDER / "golden" / f"{name}.{ending}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

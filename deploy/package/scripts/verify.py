#!/usr/bin/env python3
"""Compares every file of the package with MANIFEST.json. Exit 0 if all are as exported."""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    manifest = json.loads((ROOT / "MANIFEST.json").read_text(encoding="utf-8"))
    wrong = [
        "{}: {}".format(name, state)
        for name, wanted in sorted(manifest["files"].items())
        for state in [compare(ROOT / name, wanted)]
        if state
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        return "{} of {} files are not as exported.".format(len(wrong), len(manifest["files"]))
    print("{} files are as exported.".format(len(manifest["files"])))
    return 0


def compare(path, wanted):
    if not path.is_file():
        return "missing"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return "" if digest.hexdigest() == wanted["sha256"] else "changed"


if __name__ == "__main__":
    sys.exit(main())

"""Every file of ours parses as what its name says."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from apps.packages.domain.checks.files import Files, error
from apps.projects.domain.findings import Finding

LEFT_OVER = re.compile(r"\{\{|\{%|\{#")
SHELL_TIMEOUT_S = 10


def check_syntax(files: Files) -> Iterator[Finding]:
    for entry in files.own():
        problem = _problem(entry.path.rpartition(".")[2], entry.read())
        if problem:
            yield error("package.syntax", f"{entry.path} does not parse: {problem}", entry.path)
        if entry.path in files.rendered and (found := LEFT_OVER.search(files.text(entry.path))):
            message = f"{entry.path} still has a template mark {found[0]}."
            yield error("package.template-mark", message, entry.path)


@lru_cache(maxsize=2048)
def _problem(suffix: str, content: bytes) -> str:
    """Remembered over exports of one process: most files are the same in every package."""
    try:
        if suffix == "py":
            # ast.parse, not compile: nothing is written, and half the time.
            ast.parse(content)
        elif suffix == "json":
            json.loads(content)
        elif suffix in {"yaml", "yml"}:
            YAML(typ="safe", pure=True).load(content)
        elif content.startswith(b"#!/bin/sh"):
            return _shell_problem(content)
    except (SyntaxError, ValueError, YAMLError) as failure:
        return str(failure).splitlines()[0] if str(failure) else type(failure).__name__
    return ""


def _shell_problem(content: bytes) -> str:
    done = subprocess.run(
        ["/bin/sh", "-n"], input=content, capture_output=True, timeout=SHELL_TIMEOUT_S, check=False
    )
    return done.stderr.decode(errors="replace").strip() if done.returncode else ""

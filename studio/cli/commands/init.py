"""`genai-studio init`: a commented project file to begin with."""

from __future__ import annotations

import argparse
import re

from studio.cli import documents, exits
from studio.cli.output import Output, refuse

HELP = "write a commented starter project"
DESCRIPTION = "Write a commented, valid starter project. Needs neither a server nor a database."
APPLICATIONS = (
    "qna",
    "audio-chat",
    "visual-chat",
    "translation",
    "code-gen",
    "code-trans",
    "summarizer",
    "custom",
)
PLACEHOLDERS = ("my-server", "my-model")
"""For applications that nothing built in runs: names to be replaced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="identifier: a-z, 0-9 and single hyphens")
    parser.add_argument("--application", required=True, choices=APPLICATIONS)
    parser.add_argument("--title", default="", help="what people see (default: made of the name)")
    parser.add_argument("--connection", default="", help="name of the connection that answers")
    parser.add_argument("--model", default="", help="one of that connection's models")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here instead of to stdout")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(options: argparse.Namespace, output: Output) -> int:
    from apps.projects.domain.needs import NEEDING
    from apps.projects.domain.spec import NAME
    from apps.projects.domain.yaml_io import starter

    if not re.fullmatch(NAME, options.name) or len(options.name) > 63:
        refuse(
            f"“{options.name}” cannot name a project: use a-z, 0-9 and single hyphens, begin with "
            "a letter, at most 63 characters."
        )
    connection, model = options.connection, options.model
    if options.application in NEEDING and not connection:
        connection, model = PLACEHOLDERS[0], model or PLACEHOLDERS[1]
    text = starter(options.application, options.name, options.title, connection, model)
    data = {"name": options.name, "application": options.application}
    if options.output:
        documents.write(options.output, text, force=options.force)
        output.result(data | {"path": options.output}, f"Wrote {options.output}.")
    elif output.as_json:
        output.result(data | {"yaml": text}, "")
    else:
        output.write(text)
    return exits.OK

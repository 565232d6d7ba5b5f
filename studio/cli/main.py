"""`genai-studio`: the studio without a browser, over the same services.

Nothing heavy is imported before a command runs: `--help` must answer at once, and init, validate and
export work without Django, database and server.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from apps.runtime.errors import StudioError
from studio.cli import exits
from studio.cli.commands import (
    apply,
    ask,
    bench,
    evaluate,
    export,
    import_,
    ingest,
    init,
    jobs,
    validate,
)
from studio.cli.output import Output, Refused


class Parser(argparse.ArgumentParser):
    """argparse's, but with --json its refusals are one JSON document too."""

    def error(self, message: str) -> NoReturn:
        if "--json" in sys.argv[1:]:
            Output(as_json=True).error(Refused(reason=f"{self.prog}: {message}."))
        super().error(message)


COMMANDS = (init, import_, validate, apply, ingest, ask, evaluate, bench, export, jobs)


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="genai-studio",
        description="From an idea to a running generative-AI application: describe it, try it, "
        "prove it, ship it.",
        epilog=exits.MEANING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2].rstrip("_")
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.DESCRIPTION,
            epilog=exits.MEANING,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.add_argument(
            "--json", action="store_true", help="print the result as one JSON document"
        )
        sub.add_argument("--quiet", action="store_true", help="no progress and no notes on stderr")
        sub.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.version:
        from importlib.metadata import version

        print(f"genai-studio {version('genai-studio')}")
        return exits.OK
    if "run" not in options:
        parser.print_help(sys.stderr)
        return exits.BAD_INPUT
    # SIGTERM ends like Ctrl-C: work in the background is cancelled, and the code says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = Output(as_json=options.json, quiet=options.quiet)
    try:
        code: int = options.run(options, output)
        sys.stdout.flush()
    except StudioError as error:
        return output.error(error)
    except KeyboardInterrupt:
        return output.interrupted()
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the pipe left; nothing more can be said
        return exits.FAILED
    except Exception as error:  # noqa: BLE001 - the program's boundary: a code and a traceback
        return output.crashed(error)
    return code


if __name__ == "__main__":
    sys.exit(main())

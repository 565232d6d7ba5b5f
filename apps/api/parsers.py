from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

LIMIT_BYTES = 1024 * 1024


class YamlParser(BaseParser):
    """A project document as the body. It stays text here: `yaml_io` reads it, with lines."""

    media_type = "application/yaml"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        raw = stream.read(LIMIT_BYTES + 1)
        if len(raw) > LIMIT_BYTES:
            raise ParseError("The document is larger than 1 MiB.")
        try:
            return {"yaml": raw.decode("utf-8-sig")}
        except UnicodeDecodeError as error:
            raise ParseError(f"The document is not UTF-8 text (byte {error.start}).") from error

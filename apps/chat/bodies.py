"""Request bodies that carry files as base64: larger than what forms may have, and still bounded."""

from __future__ import annotations

from django.http import HttpRequest

from apps.runtime.errors import UserFault

LIMIT_BYTES = 48 * 1024 * 1024
"""Room for one recording of 25 MiB as base64, or a few pictures."""


FROM_ANYONE_BYTES = 1024 * 1024
"""More is read only of people who have proved who they are."""


class BodyTooLarge(UserFault):
    code = "chat.body-too-large"
    sentence = "The request is larger than {limit} MiB. Send smaller or fewer files."
    status = 413


def is_large(request: HttpRequest) -> bool:
    """Whether it says that it is, or does not say how large it is."""
    length = request.headers.get("Content-Length", "")
    return not length.isdecimal() or int(length) > FROM_ANYONE_BYTES


def json_body(request: HttpRequest) -> bytes:
    """Raises BodyTooLarge. Read past `request.body`, whose limit is made for forms."""
    data = request.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        raise BodyTooLarge(limit=LIMIT_BYTES // 2**20)
    return data

"""Expected failures of the API itself. Free of Django."""

from __future__ import annotations

from typing import Any

from apps.runtime.errors import Conflict, UserFault


class BodyRefused(UserFault):
    """A body that reads well and asks for what cannot be. `findings` says where."""

    code = "api.invalid"
    sentence = "{reason}"

    def __init__(self, reason: str, findings: list[dict[str, Any]] | None = None) -> None:
        self.findings = findings or []
        super().__init__(reason=reason)

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "findings": self.findings}


class KeyReused(UserFault):
    code = "api.idempotency-key-reused"
    sentence = "The Idempotency-Key was used before with another request. Use a new key for each new request."


class StillRunning(Conflict):
    code = "api.request-in-progress"
    sentence = "A request with this Idempotency-Key is being worked on. Ask again in a moment."


class RevisionMissing(UserFault):
    code = "api.base-revision-missing"
    sentence = (
        "Say which revision the change is based on: base_revision in the body, or If-Match with the "
        "ETag of the last read. So that nobody's work is overwritten."
    )
    status = 428


class VersionMissing(UserFault):
    code = "api.version-missing"
    sentence = "{project} has no version {number}. POST to its /build freezes one."


class PackageNotReady(Conflict):
    code = "api.package-not-ready"
    sentence = "There is no package yet. Its job says how far it is, or why it failed."

"""How the OpenAPI document is made: names without the prefix, problems on every operation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from apps.api.fields import ProblemSerializer
from apps.api.problems import MEDIA_TYPE


class ApiSchema(AutoSchema):
    """Every operation says that it may answer with a problem."""

    def get_description(self) -> str:  # type: ignore[override]
        """Of the method alone; the docstring of its class is for the source's readers."""
        return ""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        default = {
            "content": {MEDIA_TYPE: {"schema": problem}},
            "description": "Any problem, as RFC 9457 has it.",
        }
        for status, body in bodies.items():
            if status[0] in "45" and "application/json" in body.get("content", {}):
                body["content"] = {MEDIA_TYPE: body["content"]["application/json"]}
        return {**bodies, "default": default}

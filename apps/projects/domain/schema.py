"""The JSON Schema by which editors complete and check project files."""

from __future__ import annotations

from typing import Any

from apps.catalog.domain.catalog import components
from apps.projects.domain.spec import ProjectSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(schema_id: str = "") -> dict[str, Any]:
    """schema_id: the address it is published at, for `$id`."""
    schema = ProjectSpec.model_json_schema(by_alias=True, mode="validation")
    schema["required"] = ["apiVersion", *schema.get("required", [])]
    node = schema["$defs"]["FlowNode"]["properties"]
    node["component"]["examples"] = list(components())
    identity = {"$id": schema_id} if schema_id else {}
    return {"$schema": DIALECT, **identity, **schema, "title": "GenAI Studio project"}

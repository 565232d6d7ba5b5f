"""What a canvas needs to know of the catalog, as JSON-safe values."""

from __future__ import annotations

from typing import Any

from apps.catalog.domain.catalog import CATEGORIES, Component, components
from apps.projects.domain.blueprints import flow_of
from apps.projects.domain.compile import inherited
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import plain


def catalog_of(spec: ProjectSpec) -> dict[str, Any]:
    """components by id, and inherited: by component and parameter, the value in this project."""
    settings = plain(spec)["spec"]
    return {
        "components": {row.id: _told(row) for row in components().values()},
        "inherited": {
            row.id: {one.name: inherited(one, settings) for one in row.parameters}
            for row in components().values()
            if row.parameters
        },
    }


def places_of(spec: ProjectSpec, path: Path) -> list[str]:
    """The nodes that take their value from this place of the spec."""
    dotted = ".".join(str(part) for part in path[1:])
    known = components()
    return [
        node.id
        for node in flow_of(spec).nodes
        if node.component in known
        and any(
            one.setting == dotted and one.name not in node.params
            for one in known[node.component].parameters
        )
    ]


def _told(row: Component) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "category": row.category,
        "group": CATEGORIES[row.category],
        "icon": row.icon,
        "summary": row.summary,
        "inputs": [_port(port) for port in row.inputs],
        "outputs": [_port(port) for port in row.outputs],
        "parameters": [
            {"name": one.name, "title": one.title, "kind": one.kind, "unit": one.unit}
            for one in row.parameters
        ],
    }


def _port(port: Any) -> dict[str, Any]:
    return {"name": port.name, "type": port.type, "required": port.required}

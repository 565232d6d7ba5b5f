"""The list of parts of a package as CycloneDX 1.6: the portal, its locked libraries, its images."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

SPEC_VERSION = "1.6"
REQUIREMENT = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)


def bill_of_materials(
    *, name: str, version: str, locks: dict[str, str], images: dict[str, str]
) -> dict[str, Any]:
    """locks    text of each lock file by its path in the package
    images   container images by the part they run
    """
    components = [_image(image) for image in sorted(set(images.values()))]
    components += [row for path in sorted(locks) for row in libraries(locks[path], path)]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"https://genai.studio/packages/{name}/{version}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": name,
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": name, "dependsOn": sorted(row["bom-ref"] for row in components)},
        ],
    }


def libraries(lock: str, path: str) -> Iterable[dict[str, Any]]:
    """One component per pinned requirement. The hashes stay in the lock file: they are those of every
    file the index offers for a version, and a component's `hashes` would mean one file."""
    return [
        _library(found, path) for line in lock.splitlines() if (found := REQUIREMENT.match(line))
    ]


def _library(match: re.Match[str], path: str) -> dict[str, Any]:
    name, version = match["name"], match["version"]
    purl = f"pkg:pypi/{name}@{version}"
    properties = [{"name": "lock-file", "value": path}]
    if match["marker"]:
        properties.append({"name": "pip:marker", "value": match["marker"]})
    return {
        "type": "library",
        "bom-ref": purl if not match["marker"] else f"{purl}?marker={match['marker']}",
        "name": name,
        "version": version,
        "purl": purl,
        "properties": properties,
    }


def _image(image: str) -> dict[str, Any]:
    name, _, tag = image.partition(":")
    return {
        "type": "container",
        "bom-ref": f"pkg:docker/{name}@{tag}",
        "name": name,
        "version": tag,
        "purl": f"pkg:docker/{name}@{tag}",
    }

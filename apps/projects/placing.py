"""Brings the knowledge of a version into the vector store that its graph names."""

from __future__ import annotations

import structlog

from apps.connections.queries import endpoints_for, model_server
from apps.knowledge.copies import place
from apps.projects.models import SpecVersion
from apps.projects.queries import collections_of
from apps.runtime.errors import StudioError
from apps.runtime.graph import Graph
from apps.runtime.stores.index import STORE_KINDS

log = structlog.get_logger(__name__)


def place_knowledge(version: SpecVersion) -> None:
    """Start the jobs that send it. A store that cannot be used now is told at the first question, as
    the version itself is right."""
    owner = version.project.owner
    named = Graph.model_validate(version.graph).connections()
    stores = endpoints_for(owner).filter(name__in=named, kind__in=STORE_KINDS)
    for name in stores.values_list("name", flat=True):
        try:
            server = model_server(owner, name)
            for collection in collections_of(version):
                place(collection=collection, server=server)
        except StudioError as error:
            log.warning("projects.knowledge-not-placed", connection=name, reason=str(error))

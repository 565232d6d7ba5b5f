from tests.apps.evaluations.cases import (  # noqa: F401 - fixtures
    collection,
    dataset,
    indexed_collection,
    make_run,
    project,
    version,
)

"""/api/v1: every address, by name. Explicit, so that an address can be found by searching for it."""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from apps.api.benchmarks import Benchmarks, ProjectBenchmarks
from apps.api.chat import ask
from apps.api.connections import Connections
from apps.api.evaluations import Datasets, Evaluations, ProjectDatasets, ProjectEvaluations
from apps.api.jobs import Jobs
from apps.api.knowledge import CollectionDocuments, Collections, Documents
from apps.api.packages import Packages, ProjectPackages
from apps.api.people import Me
from apps.api.projects import Projects
from apps.api.unknown import unknown
from apps.api.versions import Versions

app_name = "api"
urlpatterns = [
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path("me", Me.as_view(), name="me"),
    path("projects", Projects.as_view({"get": "list", "post": "create"}), name="projects"),
    path("projects/import", Projects.as_view({"post": "import_file"}), name="projects_import"),
    path("projects/apply", Projects.as_view({"post": "apply"}), name="projects_apply"),
    path(
        "projects/<uuid:pk>",
        Projects.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="project",
    ),
    path(
        "projects/<uuid:pk>/yaml",
        Projects.as_view({"get": "get_yaml", "put": "put_yaml"}),
        name="project_yaml",
    ),
    path(
        "projects/<uuid:pk>/findings",
        Projects.as_view({"get": "findings"}),
        name="project_findings",
    ),
    path("projects/<uuid:pk>/build", Projects.as_view({"post": "build"}), name="project_build"),
    path("projects/<uuid:project_id>/ask", ask, name="project_ask"),
    path("projects/<uuid:project_id>/versions", Versions.as_view({"get": "list"}), name="versions"),
    path(
        "projects/<uuid:project_id>/versions/<int:number>",
        Versions.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="version",
    ),
    path(
        "projects/<uuid:project_id>/versions/<int:number>/diff",
        Versions.as_view({"get": "diff"}),
        name="version_diff",
    ),
    path(
        "projects/<uuid:project_id>/versions/<int:number>/restore",
        Versions.as_view({"post": "restore"}),
        name="version_restore",
    ),
    path(
        "projects/<uuid:project_id>/datasets",
        ProjectDatasets.as_view({"get": "list", "post": "create"}),
        name="project_datasets",
    ),
    path(
        "projects/<uuid:project_id>/evaluations",
        ProjectEvaluations.as_view({"get": "list", "post": "create"}),
        name="project_evaluations",
    ),
    path(
        "projects/<uuid:project_id>/benchmarks",
        ProjectBenchmarks.as_view({"get": "list", "post": "create"}),
        name="project_benchmarks",
    ),
    path(
        "projects/<uuid:project_id>/packages",
        ProjectPackages.as_view({"get": "list", "post": "create"}),
        name="project_packages",
    ),
    path(
        "datasets/<uuid:pk>",
        Datasets.as_view({"get": "retrieve", "delete": "destroy"}),
        name="dataset",
    ),
    path(
        "evaluations/<uuid:pk>",
        Evaluations.as_view({"get": "retrieve", "delete": "destroy"}),
        name="evaluation",
    ),
    path(
        "evaluations/<uuid:pk>/samples",
        Evaluations.as_view({"get": "samples"}),
        name="evaluation_samples",
    ),
    path(
        "benchmarks/<uuid:pk>",
        Benchmarks.as_view({"get": "retrieve", "delete": "destroy"}),
        name="benchmark",
    ),
    path(
        "packages/<uuid:pk>",
        Packages.as_view({"get": "retrieve", "delete": "destroy"}),
        name="package",
    ),
    path(
        "packages/<uuid:pk>/download",
        Packages.as_view({"get": "download"}),
        name="package_download",
    ),
    path(
        "collections",
        Collections.as_view({"get": "list", "post": "create"}),
        name="collections",
    ),
    path(
        "collections/<uuid:pk>",
        Collections.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="collection",
    ),
    path(
        "collections/<uuid:pk>/search",
        Collections.as_view({"post": "search"}),
        name="collection_search",
    ),
    path(
        "collections/<uuid:pk>/retry",
        Collections.as_view({"post": "retry"}),
        name="collection_retry",
    ),
    path(
        "collections/<uuid:collection_id>/documents",
        CollectionDocuments.as_view({"get": "list", "post": "upload"}),
        name="collection_documents",
    ),
    path(
        "documents/<uuid:pk>",
        Documents.as_view({"get": "retrieve", "delete": "destroy"}),
        name="document",
    ),
    path(
        "connections",
        Connections.as_view({"get": "list", "post": "create"}),
        name="connections",
    ),
    path("connections/found", Connections.as_view({"get": "found"}), name="connections_found"),
    path(
        "connections/<uuid:pk>",
        Connections.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="connection",
    ),
    path(
        "connections/<uuid:pk>/test", Connections.as_view({"post": "test"}), name="connection_test"
    ),
    path("jobs", Jobs.as_view({"get": "list"}), name="jobs"),
    path("jobs/<uuid:pk>", Jobs.as_view({"get": "retrieve"}), name="job"),
    path("jobs/<uuid:pk>/cancel", Jobs.as_view({"post": "cancel"}), name="job_cancel"),
    path("jobs/<uuid:pk>/retry", Jobs.as_view({"post": "retry"}), name="job_retry"),
    re_path(r"^.*$", unknown),
]

"""Every address of the studio."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="projects:index"), name="home"),
    path("ui/", include("apps.ui.urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("jobs/", include("apps.jobs.urls")),
    path("knowledge/", include("apps.knowledge.urls")),
    path("chat/", include("apps.chat.urls")),
    path("v1/", include("apps.chat.openai_urls")),
    path("connections/", include("apps.connections.urls")),
    path("projects/", include("apps.projects.urls")),
    path("", include("apps.sandboxes.urls")),
    path("", include("apps.evaluations.urls")),
    path("", include("apps.benchmarks.urls")),
    path("", include("apps.packages.urls")),
    path("guide/", include("apps.catalog.urls")),
    path("api/v1/", include("apps.api.urls")),
]
handler400 = "apps.ui.views.bad_request"
handler403 = "apps.ui.views.forbidden"
handler404 = "apps.ui.views.not_found"
handler500 = "apps.ui.views.server_error"

"""Every address of the portal."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from portal import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="chat:index"), name="home"),
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("ui/", include("apps.ui.urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("jobs/", include("apps.jobs.urls")),
    path("knowledge/", include("apps.knowledge.urls")),
    path("chat/", include("apps.chat.urls")),
]
if settings.APPLICATION.features.api:
    urlpatterns.append(path("v1/", include("apps.chat.openai_urls")))
else:
    urlpatterns.insert(0, re_path(r"^chat/api/", health.absent))
handler400 = "apps.ui.views.bad_request"
handler403 = "apps.ui.views.forbidden"
handler404 = "apps.ui.views.not_found"
handler500 = "apps.ui.views.server_error"

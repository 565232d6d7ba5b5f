from __future__ import annotations

from django_htmx.middleware import HtmxMiddleware


class HtmxLoginRedirectMiddleware(HtmxMiddleware):
    pass

"""Settings of the portal. Nothing set: embedded defaults (SQLite, background work in this process).

The README's table names every environment variable that is read here; there are no others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from apps.ui import env, logs
from portal.application import application

APPLICATION = application()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("PORTAL_DATA_DIR", str(BASE_DIR.parent / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # questions and documents are private

DEBUG = False
SECRET_KEY = env.kept_secret("PORTAL_SECRET_KEY", DATA_DIR / "keys" / "secret-key")
PORTAL_URL = env.text("PORTAL_URL").rstrip("/")
"""Where people reach the portal, for links that are printed; empty: from host and port."""
HTTPS = PORTAL_URL.startswith("https://")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.names("PORTAL_HOSTS", [])]
CSRF_TRUSTED_ORIGINS = [PORTAL_URL] if PORTAL_URL else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "apps.ui",
    "apps.accounts",
    "apps.jobs",
    "apps.knowledge",
    "apps.chat",
    "portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.ui.middleware.htmx_responses",
    "apps.ui.middleware.studio_errors",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.ui.context.shell",
            ],
            "builtins": ["apps.ui.templatetags.ui"],
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'portal.sqlite3'}"), conn_max_age=0
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA mmap_size=134217728; PRAGMA cache_size=-16000;",
    }
else:
    # A database server that restarts leaves dead connections in the pool: each is asked before use.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # The pool is larger than all threads together: who waits, waits for a server that is down. Short
    # attempts to reconnect, because the pool doubles its pauses: minutes after a long outage.
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": 24, "timeout": 5, "reconnect_timeout": 4}
    }

REDIS_URL = env.text("REDIS_URL")
if REDIS_URL:
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TZ", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(env.text("PORTAL_STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [("dist", BASE_DIR / "static" / "dist")]
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_NUMBER_FILES = 1_100
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_200
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"  # on the disk of MEDIA_ROOT: storing is a rename
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

TRUST_PROXY = env.flag("PORTAL_TRUST_PROXY", default=HTTPS)
"""Whether X-Forwarded-For and -Proto are believed. Only where nothing but the proxy reaches the portal."""
PROXIES = env.number("PORTAL_PROXIES", 1, low=1, high=9)
"""How many of them stand in a row before the portal."""
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 86_400 if HTTPS else 0
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
"""The proxy in front redirects to HTTPS; what holds for other names of the domain is not ours to say."""
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "apps.ui.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # A recording is heard before it is sent: it exists in the page alone.
        "media-src": [SELF, "blob:"],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL")
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 24 * 3600}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_IMPORTS = ["worker.tasks.knowledge"]
JOBS_CELERY_APP = "portal.celery"
JOBS_MODE = "broker" if CELERY_BROKER_URL else "embedded"
JOBS_EMBEDDED_WORKERS = env.number("PORTAL_JOBS_WORKERS", 2, low=1, high=32)

JOBS_GUARDS: dict[str, str] = {}
SWEEPS = ["apps.chat.orphans.sweep_orphans"]
CHAT_GATEWAY = "portal.gateway.PortalGateway"
KNOWLEDGE_SHARED = True
"""Everybody who is signed in reads the knowledge; administrators change it."""
KNOWLEDGE_UPLOADS = APPLICATION.features.uploads
"""Whether people who are not administrators may add documents."""
KNOWLEDGE_SERVERS = "portal.gateway.model_server"
MODEL_CACHE = env.text("PORTAL_MODEL_CACHE", str(DATA_DIR / "models"))
MODEL_SERVERS = {
    server.name: (env.text(server.url_variable), env.text(server.key_variable))
    for server in APPLICATION.servers
}
SHELL_NAME = APPLICATION.title
SHELL_NAVIGATION = "portal.navigation.items"
SHELL_ACTIVITY = "portal.navigation.activity"
ACCOUNTS_REGISTRATION = APPLICATION.features.registration

LOGGING = logs.configure(
    level=env.text("PORTAL_LOG_LEVEL", "WARNING"), json=env.flag("PORTAL_LOG_JSON", default=False)
)

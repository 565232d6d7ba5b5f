"""Settings of the studio. Nothing set: embedded defaults. Everything else comes from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from apps.ui import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("STUDIO_DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # questions and documents are private

DEBUG = env.flag("STUDIO_DEBUG", default=False)
SECRET_KEY = env.kept_secret("STUDIO_SECRET_KEY", DATA_DIR / "keys" / "secret-key")
ENCRYPTION_KEY = env.kept_secret("STUDIO_ENCRYPTION_KEY", DATA_DIR / "keys" / "encryption-key")
ALLOWED_HOSTS = env.names("STUDIO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.names("STUDIO_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "apps.ui",
    "apps.accounts",
    "apps.jobs",
    "apps.knowledge",
    "apps.chat",
    "apps.catalog",
    "apps.connections",
    "apps.projects",
    "apps.sandboxes",
    "apps.evaluations",
    "apps.benchmarks",
    "apps.packages",
    "apps.api",
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

ROOT_URLCONF = "studio.urls"
ASGI_APPLICATION = "studio.asgi.application"

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
            "builtins": ["apps.ui.templatetags.ui", "apps.projects.templatetags.projects"],
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'studio.sqlite3'}"), conn_max_age=0
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
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [
    ("dist", BASE_DIR / "static" / "dist"),
    ("pictures", BASE_DIR / "static" / "pictures"),
]
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_NUMBER_FILES = 1_100
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_200  # a path beside each file
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"  # on the disk of MEDIA_ROOT: storing is a rename
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("STUDIO_HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
SECURE_HSTS_SECONDS = env.number("STUDIO_HSTS_SECONDS", 86_400 if SESSION_COOKIE_SECURE else 0)
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
# A message is given out again when it was not confirmed for this long: longer than any job runs.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 24 * 3600}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_IMPORTS = [
    "worker.tasks.knowledge",
    "worker.tasks.evaluations",
    "worker.tasks.benchmarks",
    "worker.tasks.packages",
]
JOBS_CELERY_APP = "studio.celery"
JOBS_MODE = env.text("STUDIO_JOBS_MODE", "broker" if CELERY_BROKER_URL else "embedded")
JOBS_EMBEDDED_WORKERS = env.number("STUDIO_JOBS_WORKERS", 2, low=1, high=32)

JOBS_GUARDS = {
    "evaluations.run": "apps.evaluations.services.refuse_without_role",
    "benchmarks.run": "apps.benchmarks.services.refuse_without_role",
    "packages.export": "apps.packages.services.refuse_without_role",
}
"""Kinds of jobs whose person may lose the right to them: asked before a retry and before the work."""
SWEEPS = ["apps.chat.orphans.sweep_orphans"]
"""What the sweeper calls once an hour."""
CHAT_GATEWAY = "apps.sandboxes.gateway.SandboxGateway"
ENDPOINTS_ALLOW_PRIVATE = env.flag("STUDIO_ALLOW_PRIVATE_ENDPOINTS", default=True)
"""Whether model servers on loopback and private ranges may be connected. Link-local never."""
KNOWLEDGE_SERVERS = "apps.connections.queries.model_server"
MODEL_CACHE = env.text("STUDIO_MODEL_CACHE", str(DATA_DIR / "models"))
SHELL_NAME = "GenAI Studio"
SHELL_NAVIGATION = "studio.navigation.items"
PROJECT_PROGRESS = "studio.progress.progress"
STYLE_SHELVES = "studio.style_shelves.shelves"
STYLE_SCRIPTS = ("dist/studio.js", "dist/yaml-editor.js")
STYLE_SHEETS = ("dist/canvas.css",)
SHELL_HELP = "apps.catalog.guide_links.help_for"
SHELL_ACTIVITY = "studio.navigation.activity"
ACCOUNTS_REGISTRATION = env.flag("STUDIO_REGISTRATION", default=False)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.api.schema.ApiSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.api.pagination.Pages",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": env.text("STUDIO_API_RATE", "1200/min")},
    "EXCEPTION_HANDLER": "apps.api.problems.problem_response",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "GenAI Studio",
    "DESCRIPTION": "Describe, try, prove and ship generative-AI applications.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "apps.jobs.enums.JobStatus",
        "DocumentStatus": "apps.knowledge.enums.DocumentStatus",
        "Verdict": "apps.evaluations.enums.VerdictChoice",
        "UploadStatus": ["queued", "unchanged", "ignored", "refused", "failed"],
        "RetrievalMode": ["hybrid", "dense", "lexical"],
        "ConnectionKind": "apps.connections.enums.EndpointKind",
        "LoadMode": ["closed", "open"],
    },
}

LOGGING = logs.configure(
    level=env.text("STUDIO_LOG_LEVEL", "WARNING"), json=env.flag("STUDIO_LOG_JSON", default=False)
)

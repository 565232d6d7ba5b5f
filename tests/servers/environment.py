"""The surroundings of a test session, set before Django reads its settings.

Everything a test writes lies in one temporary folder per session, one sub-folder per xdist worker.
Only downloads that are expensive to build again (the embedding model's graph) outlive a session.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
ROOT_VARIABLE = "STUDIO_TEST_ROOT"
KEPT = ("STUDIO_MODEL_CACHE", "STUDIO_TEST_", "STUDIO_BENCH_")
FOREIGN = ("STUDIO_", "CELERY_", "DATABASE_URL", "REDIS_URL", "TZ")


def prepare() -> None:
    """Give this process its own data folder and database, whatever the caller's environment says."""
    root = _session_root()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    wanted_database = os.environ.get("STUDIO_TEST_DATABASE", "sqlite")
    database_url = os.environ.get("STUDIO_TEST_DATABASE_URL", "")
    cache = model_cache(root)
    for name in list(os.environ):
        if name.startswith(FOREIGN) and not name.startswith(KEPT):
            del os.environ[name]
    data = root / worker
    data.mkdir(exist_ok=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "studio.settings",
        "STUDIO_DATA_DIR": str(data),
        "STUDIO_JOBS_MODE": "eager",
        "STUDIO_MODEL_CACHE": str(cache),
        "STUDIO_LOG_LEVEL": "WARNING",
        "STUDIO_SECRET_KEY": "tests-only-" + "0" * 40,
    }
    if wanted_database == "postgresql":
        os.environ["DATABASE_URL"] = database_url or _postgresql(root)
    elif wanted_database != "sqlite":
        raise SystemExit(f"STUDIO_TEST_DATABASE is {wanted_database!r}; use sqlite or postgresql.")


def model_cache(root: Path) -> Path:
    """Where the embedding model's graph is kept over sessions, or in the session if nowhere else."""
    if named := os.environ.get("STUDIO_MODEL_CACHE"):
        return Path(named)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    kept = base / "genai-studio" / "models"
    try:
        kept.mkdir(parents=True, exist_ok=True)
    except OSError:
        return root / "models"
    return kept if os.access(kept, os.W_OK) else root / "models"


def _session_root() -> Path:
    """Made by the process that starts the session; workers and child processes inherit it."""
    if inherited := os.environ.get(ROOT_VARIABLE):
        return Path(inherited)
    root = Path(tempfile.mkdtemp(prefix="studio-tests-"))
    root.chmod(0o755)  # the database server's account must reach its folder below
    os.environ[ROOT_VARIABLE] = str(root)
    atexit.register(_remove, root, os.getpid())
    return root


def _remove(root: Path, owner_pid: int) -> None:
    if os.getpid() == owner_pid:
        shutil.rmtree(root, ignore_errors=True)


def _postgresql(root: Path) -> str:
    from tests.servers.postgresql import start

    url = start(root / "postgresql")
    os.environ["STUDIO_TEST_DATABASE_URL"] = url
    return url

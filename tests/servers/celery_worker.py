"""A real Celery worker process on the test's own database and broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.servers.environment import PROJECT
from tests.servers.ports import wait_until


@dataclass
class CeleryWorker:
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Warm first; what does not end then is killed with everything it started."""
        if self.alive:
            self.process.terminate()
        try:
            self.process.wait(8)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the worker and its pool, as the kernel does when memory runs out."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)


def start(*, broker_url: str, database_url: str, log: Path, **variables: str) -> CeleryWorker:
    environment = (
        os.environ
        | variables
        | {
            "CELERY_BROKER_URL": broker_url,
            "STUDIO_JOBS_MODE": "broker",
            "DATABASE_URL": database_url,
        }
    )
    command = [sys.executable, "-m", "celery", "-A", "studio.celery", "worker"]
    options = ["--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO", "-n", "tests@%h"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, *options, "--without-mingle", "--without-gossip"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    worker = CeleryWorker(process, log)
    wait_until(
        lambda: " ready." in log.read_text(errors="replace") or not worker.alive,
        what="the Celery worker was not ready",
        timeout_s=60,
    )
    if not worker.alive:
        raise RuntimeError(f"the Celery worker ended: {log.read_text(errors='replace')[-3000:]}")
    return worker

"""Every page that links lead to: server time, queries, weight of JS and CSS. And the start before it.

The studio is started as `make run` starts it, on a data folder with one project that was indexed,
built, asked and evaluated. Pages are found by following links from the first one.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from tests.bench.figures import Figure
from tests.servers.environment import PROJECT, model_cache
from tests.servers.ports import free_port, wait_until

PROGRAM = Path(sys.executable).parent / "genai-studio"
PASSWORD = "correct horse battery staple"
LEFT_OUT = re.compile(
    r"/(logout|download|original|report|stream|openapi\.json|static|v1)\b|\.(json|csv|zip)$"
)
BUILDER = re.compile(r"/(yaml|canvas)/")
"""Pages that bring a whole editor; the limit of weight is for all others."""
MOST_PAGES = 120
TIMES = 7
SPEC = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: helpdesk, title: Helpdesk}
spec: {application: qna, knowledge: {collections: [handbook]}}
"""
QUESTIONS = (
    "question,reference,relevant\nHow many days of paid holiday?,thirty days,h/holidays.md\n"
)


def main() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as name:
        folder = Path(name)
        environment = os.environ | {
            "STUDIO_DATA_DIR": str(folder / "data"),
            "STUDIO_MODEL_CACHE": str(model_cache(folder)),
            "STUDIO_API_RATE": "100000/min",
        }
        environment.pop("STUDIO_JOBS_MODE", None)
        prepare(folder, environment)
        return [*cli_figures(environment), *measure(folder, environment)]


def prepare(folder: Path, environment: dict[str, str]) -> None:
    (folder / "h").mkdir()
    (folder / "h" / "holidays.md").write_text(
        "# Holidays\n\n" + "Every employee has thirty days of paid holiday per year. " * 40
    )
    (folder / "p.yaml").write_text(SPEC)
    (folder / "q.csv").write_text(QUESTIONS)
    for arguments in (
        ["apply", "p.yaml"],
        ["ingest", "helpdesk", "h"],
        ["evaluate", "helpdesk", "q.csv"],
        ["bench", "helpdesk", "--duration", "3", "--warmup", "0", "--no-calibration"],
    ):
        subprocess.run(
            [str(PROGRAM), *arguments, "--quiet"],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    code = (
        "from apps.accounts.models import User; u = User.objects.get(); "
        f"u.set_password({PASSWORD!r}); u.save()"
    )
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)


def cli_figures(environment: dict[str, str]) -> Iterator[Figure]:
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        subprocess.run(
            [str(PROGRAM), "validate", "--help"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds.append(time.perf_counter() - started)
    value = statistics.median(seconds)
    yield Figure("genai-studio validate --help, s", f"{value:.2f}", "under 0.3", value < 0.3)


def measure(folder: Path, environment: dict[str, str]) -> Iterator[Figure]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "studio.serve"],
        cwd=PROJECT,
        env=environment | {"STUDIO_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "serve.log").open("wb"),
    )
    try:
        wait_until(lambda: answers(base), what="the studio did not start", timeout_s=60)
        value = time.perf_counter() - started
        yield Figure("start to first page, s", f"{value:.1f}", "under 5", value < 5)
        with httpx.Client(base_url=base, follow_redirects=True, timeout=30) as client:
            sign_in(client)
            pages = crawl(client)
            yield from page_figures(client, pages)
    finally:
        child.terminate()
        child.wait(15)
    yield from query_figures(list(pages), environment)


def answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/accounts/login/", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def sign_in(client: httpx.Client) -> None:
    client.get("/accounts/login/")
    token = client.cookies["csrftoken"]
    values = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
    answer = client.post("/accounts/login/", data=values, headers={"Referer": str(client.base_url)})
    if "login" in answer.url.path:
        raise RuntimeError("signing in failed")


def short(path: str) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", path)


def crawl(client: httpx.Client) -> dict[str, str]:
    """Path -> HTML of every page that links lead to."""
    waiting, pages = ["/projects/"], {}
    while waiting and len(pages) < MOST_PAGES:
        path = waiting.pop(0)
        if path in pages or LEFT_OUT.search(path):
            continue
        answer = client.get(path)
        if answer.status_code != 200 or "text/html" not in answer.headers["Content-Type"]:
            continue
        pages[path] = answer.text
        for link in re.findall(r'<a\b[^>]*href="([^"]+)"', answer.text):
            target = urlsplit(urljoin(str(answer.url), link.replace("&amp;", "&")))
            if target.netloc == answer.url.netloc.decode():
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    return pages


def page_figures(client: httpx.Client, pages: dict[str, str]) -> Iterator[Figure]:
    times = {path: median_ms(client, path) for path in pages}
    slowest = max(times, key=lambda path: times[path])
    first = times["/projects/"]
    yield Figure("first page, signed in, ms", f"{first:.0f}", "under 100", first < 100)
    yield Figure(
        f"slowest of {len(pages)} pages, ms",
        f"{times[slowest]:.0f}",
        "under 100",
        times[slowest] < 100,
        short(slowest),
    )
    weights = {path: weight_kb(client, html) for path, html in pages.items()}
    plain = {path: weight for path, weight in weights.items() if not BUILDER.search(path)}
    heaviest = max(plain, key=lambda path: plain[path])
    yield Figure(
        "heaviest page, compressed JS and CSS, kB",
        f"{plain[heaviest]:.0f}",
        "under 120",
        plain[heaviest] < 120,
        short(heaviest),
    )
    if editors := weights.keys() - plain.keys():
        heaviest = max(editors, key=lambda path: weights[path])
        yield Figure(
            "heaviest editor of the builder, compressed JS and CSS, kB",
            f"{weights[heaviest]:.0f}",
            "",
            None,
            short(heaviest),
        )


def median_ms(client: httpx.Client, path: str) -> float:
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        client.get(path)
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


def weight_kb(client: httpx.Client, html: str, known: dict[str, float] = {}) -> float:  # noqa: B006 - a cache
    """Bytes on the wire of what the page loads, modules that scripts import included."""
    assets = re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css))"', html)
    for asset in assets:
        if asset not in known:
            request = client.build_request("GET", asset, headers={"Accept-Encoding": "gzip"})
            answer = client.send(request, stream=True)
            known[asset] = sum(len(part) for part in answer.iter_raw()) / 1000
            answer.close()
    return sum(known[asset] for asset in dict.fromkeys(assets))


def query_figures(paths: list[str], environment: dict[str, str]) -> Iterator[Figure]:
    """In a process of its own, with Django's test client on the same database."""
    code = f"""
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from apps.accounts.models import User
client = Client(SERVER_NAME="localhost")
client.force_login(User.objects.get())
found = []
for path in {paths!r}:
    client.get(path, follow=True)
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    found.append((len(captured), path))
print("%d %s" % max(found))
"""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    ran = subprocess.run(
        command, cwd=PROJECT, env=environment, check=True, capture_output=True, text=True
    )
    count, _, path = ran.stdout.strip().splitlines()[-1].partition(" ")
    yield Figure("most queries of a page", count, "under 15", int(count) < 15, short(path))

"""The whole way of day 0 through a real browser: describe, feed, try, prove, ship.

The steps build on each other and run in this order.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser import ARTIFACTS, SIZES, Look, Watch
from tests.e2e.conftest import WALK_PASSWORD, Running
from tests.e2e.every_page import VENDORED, Site, names
from tests.e2e.portal import served
from tests.e2e.scores import Score, complaints, judge, table
from tests.e2e.steps import Program, ask, become_admin, id_of
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.servers.ports import wait_until

SAMPLES = Path(__file__).resolve().parents[2] / "apps" / "projects" / "sample_documents"
QUESTION = "How many days of annual leave do I get?"
COMPARED = ("evaluations", "benchmarks")
OWN_STEPS = ("audio-chat", "translation", "summarizer")
"""Applications whose wizard has steps that the first project has not."""
SHORT_LOAD = {"concurrency": 1, "duration_s": 3, "warmup_s": 0, "prompts": [QUESTION]}
JUDGING_S = 1500
ABSENT = ("accounts:register", "chat:trace")
"""Of the pages that a portal may have, what this one's package did not ask for."""
BUILDING_S = 90_000
"""Room for the first use of the embedding model, whose graph is built once per machine."""


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """What later steps need from earlier ones: addresses and answers."""
    return {}


@pytest.fixture(scope="module")
def model_server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(Behaviour(ttft_ms=50, itl_ms=20)) as server:
        yield server


def test_first_administrator_chooses_a_password(studio: Running, page: Page, look: Look) -> None:
    page.goto(studio.first_admin)
    look("01-first-administrator")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(WALK_PASSWORD)
    page.get_by_label("Password again").fill(WALK_PASSWORD)
    page.get_by_role("button", name="Create and sign in").click()
    expect(page).to_have_url(f"{studio.url}/projects/")
    look("02-projects-empty")


def test_the_link_works_only_once(studio: Running, page: Page, look: Look, watch: Watch) -> None:
    watch.allowed = (404,)
    answer = page.goto(studio.first_admin)
    assert answer is not None and answer.status == 404
    look("03-not-found")


def test_wizard_creates_a_project(
    studio: Running, page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.goto(f"{studio.url}/projects/new/")
    look("04-new-project")
    page.get_by_label("Title").fill("HR helpdesk")
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/wizard/model/")
    seen["project"] = page.url.removesuffix("wizard/model/")
    look("05-wizard-model")
    page.get_by_role("button", name="Next: Parameters").click()


def test_wizard_keeps_what_was_typed_when_one_leaves(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.wait_for_url("**/wizard/parameters/")
    page.get_by_label("System instruction").fill("Answer from the handbook only.")
    page.goto(seen["project"])
    look("06-overview")
    page.goto(seen["project"] + "wizard/parameters/")
    expect(page.get_by_label("System instruction")).to_have_value("Answer from the handbook only.")
    look("07-wizard-parameters")
    page.get_by_role("button", name="Next: Knowledge").click()
    page.wait_for_url("**/wizard/knowledge/")


def test_documents_are_uploaded_and_indexed(
    page: Page, look: Look, seen: dict[str, str], tmp_path: Path
) -> None:
    page.get_by_label("New collection").fill("Handbook")
    page.get_by_role("button", name="Create and add documents").click()
    page.wait_for_url("**/wizard/knowledge/**")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 and then nothing that is one")
    files = [str(path) for path in sorted(SAMPLES.glob("*.md"))] + [str(broken)]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(files)
    expect(page.get_by_label("Documents by status")).to_contain_text("Ready", timeout=BUILDING_S)
    ready = page.locator("#ingest .stat", has_text="Ready").locator(".stat-value")
    expect(ready).to_have_text("6", timeout=BUILDING_S)
    expect(page.locator("#ingest .stat", has_text="Refused").locator(".stat-value")).to_have_text(
        "1"
    )
    expect(page.locator("#knowledge-findings")).to_have_text("")
    expect(page.locator("#ready-handbook")).to_have_text("6 of 7 ready")
    expect(page.get_by_role("link", name="broken.pdf")).to_be_visible()
    look("08-wizard-knowledge")


def test_deployment_review_and_build(page: Page, look: Look, seen: dict[str, str]) -> None:
    page.get_by_role("button", name="Next: Safety").click()
    page.wait_for_url("**/wizard/safety/")
    page.get_by_label("Personal data, in questions").select_option("mask")
    look("08b-wizard-safety")
    page.get_by_label("Personal data, in questions").select_option("off")
    page.get_by_role("button", name="Next: Deployment").click()
    page.wait_for_url("**/wizard/deployment/")
    look("09-wizard-deployment")
    page.get_by_role("button", name="Review", exact=True).click()
    page.wait_for_url("**/wizard/review/")
    look("10-wizard-review")
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")


def test_answer_streams_with_a_citation_that_opens(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    look("11-sandbox-empty")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Send").click()
    answer = page.locator("article.chat-reply[data-status=complete]").last
    expect(answer).to_be_visible(timeout=BUILDING_S)
    expect(answer).to_contain_text("28 working days")
    seen["session"] = page.url
    seen["answer"] = answer.locator(".chat-answer").inner_text()
    look("12-sandbox-answer")
    answer.locator(".chat-sources a").first.click()
    quote = page.locator("#chat-passage mark")
    expect(quote).to_be_visible()
    assert quote.inner_text().strip() != ""
    look("13-citation")
    page.get_by_role("button", name="Close").last.click()


def test_reload_shows_the_same_answer(page: Page, seen: dict[str, str]) -> None:
    page.reload()
    expect(page.locator(".chat-answer").last).to_have_text(seen["answer"], use_inner_text=True)


def test_send_is_within_reach_at_every_width(page: Page) -> None:
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_source_and_trace_are_pages_too(studio: Running, page: Page, look: Look) -> None:
    answer = page.locator("article.chat-reply[data-status=complete]").last
    source = answer.locator(".chat-sources a").first.get_attribute("href")
    trace = answer.get_by_role("link", name="Trace").get_attribute("href")
    for name, path in (("13b-source", source), ("13c-trace", trace)):
        page.goto(studio.url + str(path))
        look(name)
        page.get_by_role("link", name="Back to the conversation").click()
        page.wait_for_url("**/sandbox/**")


def test_evaluation_judges_every_question(
    page: Page, look: Look, seen: dict[str, str], tmp_path: Path
) -> None:
    page.goto(seen["project"] + "evaluations/")
    look("14-evaluations-empty")
    page.goto(seen["project"] + "evaluations/upload/")
    rows = [
        {
            "question": QUESTION,
            "reference": "28 working days",
            "relevant": ["leave.md"],
            "evidence": "28 working days of paid annual leave",
        },
        {
            "question": "From which day on is a medical certificate needed?",
            "reference": "the fourth calendar day",
            "relevant": ["leave.md"],
            "evidence": "from the fourth calendar day on",
        },
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    page.locator("input[type=file]").set_input_files(file)
    look("15-dataset-upload")
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/evaluations/datasets/**")
    look("16-dataset")
    page.goto(seen["project"] + "evaluations/")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.get_by_text("What was run")).to_be_visible()
    expect(page.locator("#samples tbody tr")).to_have_count(2, timeout=BUILDING_S)
    page.reload()
    look("17-evaluation-run")
    expect(page.get_by_text("Recall@6").first).to_be_visible()
    page.locator("#samples tbody a").first.click()
    expect(page.get_by_text("28 working days").first).to_be_visible()
    look("18-evaluation-sample")


def test_load_run_shows_latency_and_resources(page: Page, look: Look, seen: dict[str, str]) -> None:
    page.goto(seen["project"] + "benchmarks/")
    look("19-benchmarks-empty")
    page.get_by_label("Users at the same time").fill("2")
    page.get_by_label("Measure for (s)").fill("10")
    page.get_by_label("Warm up for (s)").fill("2")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Latency in the measured window")).to_be_visible(timeout=BUILDING_S)
    expect(page.locator("#bench-run")).not_to_have_attribute(
        "hx-trigger", "every 2s", timeout=BUILDING_S
    )
    expect(page.get_by_text("CPU and memory in the window")).to_be_visible()
    look("20-benchmark-run")


def test_package_is_made_and_downloaded(page: Page, look: Look, seen: dict[str, str]) -> None:
    page.goto(seen["project"] + "packages/")
    look("21-packages-empty")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("Checked and ready")).to_be_visible(timeout=BUILDING_S)
    look("22-package")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    seen["package"] = str(download.value.path())
    archive = zipfile.ZipFile(io.BytesIO(Path(seen["package"]).read_bytes()))
    names = {name.partition("/")[2] for name in archive.namelist()}
    assert {"README.md", "project.yaml", "MANIFEST.json", "compose.yaml", ".env.example"} <= names


def test_connected_model_is_tested_live(
    page: Page, look: Look, seen: dict[str, str], model_server: FakeOpenAI
) -> None:
    page.goto(seen["project"] + "wizard/model/")
    page.get_by_text("Connect a server by its address").click()
    page.get_by_label("Title").fill("House model")
    page.get_by_label("Address").fill(model_server.url)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#connection-outcome")).to_contain_text("fake", timeout=20_000)
    look("23-connection-tested")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url("**/wizard/model/**")
    page.locator("#connection-house-model").check()
    expect(page.locator("#saved")).to_contain_text("Saved")
    look("24-wizard-model-connected")
    page.goto(seen["project"] + "wizard/review/")
    look("25-review-changed")
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")


def test_generated_answer_with_parameters_of_its_own(
    page: Page, look: Look, model_server: FakeOpenAI
) -> None:
    page.get_by_role("button", name="Parameters for this question").click()
    page.get_by_label("Temperature").fill("0.7")
    look("26-chat-parameters", sizes=("wide", "narrow"))
    page.get_by_role("button", name="Done").click()
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Send").click()
    answer = page.locator("article.chat-reply[data-status=complete]").last
    expect(answer).to_be_visible(timeout=30_000)
    assert model_server.requests[-1].body["temperature"] == 0.7
    look("27-generated-answer")


def test_stop_closes_the_upstream(page: Page, model_server: FakeOpenAI) -> None:
    model_server.behaviour = Behaviour(ttft_ms=50, itl_ms=100, tokens=600)
    page.get_by_label("Your question").fill("Tell me everything about leave.")
    page.get_by_role("button", name="Send").click()
    streamed = page.locator("reply-stream [data-text]")
    expect(streamed).not_to_have_text("", timeout=10_000)
    page.evaluate("window.sameDocument = true")
    page.wait_for_timeout(3_000)
    assert page.evaluate("window.sameDocument"), "the page was loaded again during a stream"
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this answer").last).to_be_visible()
    wait_until(lambda: model_server.open_streams == 0, what="the upstream stayed open")


def test_reload_in_the_middle_of_a_stream_loses_nothing(
    page: Page, model_server: FakeOpenAI
) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    model_server.behaviour = Behaviour(ttft_ms=50, itl_ms=60, reply=words)
    page.get_by_label("Your question").fill("Count for me.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("reply-stream [data-text]")).to_contain_text("word3", timeout=10_000)
    page.reload()
    answer = page.locator("article.chat-reply[data-status=complete] .chat-answer").last
    expect(answer).to_have_text(words, timeout=20_000)
    assert len([r for r in model_server.requests if "Count for me." in str(r.body)]) == 1


def test_upstream_that_breaks_says_what_to_do(
    page: Page, look: Look, model_server: FakeOpenAI
) -> None:
    model_server.behaviour = Behaviour(status=500)
    page.get_by_label("Your question").fill("And now?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("article.chat-reply[data-status=failed]").last).to_be_visible(
        timeout=20_000
    )
    look("28-upstream-failed")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("30-projects", "/projects/"),
        ("31-knowledge", "/knowledge/"),
        ("32-connections", "/connections/"),
        ("33-jobs", "/jobs/"),
        ("34-guide", "/guide/"),
        ("35-people", "/accounts/people/"),
        ("36-new-person", "/accounts/people/new/"),
        ("37-profile", "/accounts/profile/"),
        ("38-tokens", "/accounts/profile/tokens/"),
        ("39-audit", "/accounts/audit/"),
        ("40-chat", "/chat/"),
        ("41-style", "/ui/style/"),
        ("42-new-connection", "/connections/new/"),
        ("43-new-collection", "/knowledge/new/"),
        ("44-versions", "{project}versions/"),
        ("45-version", "{project}versions/1/"),
        ("46-yaml", "{project}yaml/"),
        ("47-evaluations", "{project}evaluations/"),
        ("48-benchmarks", "{project}benchmarks/"),
        ("49-packages", "{project}packages/"),
        ("50-overview", "{project}"),
        ("54-samples", "/projects/gallery/"),
        ("55-import", "/projects/import/"),
    ],
)
def test_every_other_page(
    studio: Running, page: Page, look: Look, seen: dict[str, str], name: str, path: str
) -> None:
    url = path.format(project=seen["project"]) if "{" in path else studio.url + path
    answer = page.goto(url)
    assert answer is not None and answer.status == 200
    look(name)


def test_collection_document_and_search(page: Page, look: Look, studio: Running) -> None:
    page.goto(f"{studio.url}/knowledge/")
    page.get_by_role("link", name="Handbook").first.click()
    page.wait_for_url("**/knowledge/**")
    look("51-collection")
    page.get_by_role("link", name="leave.md").first.click()
    expect(page.get_by_text("Annual leave").first).to_be_visible()
    look("52-document")


def test_bad_yaml_is_refused_with_its_line(
    page: Page, look: Look, watch: Watch, seen: dict[str, str]
) -> None:
    watch.allowed = (422,)
    page.goto(seen["project"] + "yaml/")
    editor = page.get_by_role("textbox", name="Project file")
    editor.get_by_text("0.2").first.dblclick()
    page.keyboard.type("hot")
    page.get_by_role("button", name="Save").first.click()
    findings = page.get_by_role("region", name="Findings")
    expect(findings).to_contain_text("spec.parameters.temperature")
    expect(findings).to_contain_text("Line 21")
    look("53-yaml-findings")


@pytest.mark.timeout(JUDGING_S)
def test_every_page_of_the_studio_is_accessible_to_lighthouse(
    studio: Running,
    page: Page,
    seen: dict[str, str],
    debugging_port: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = Program(studio, page)
    project = f"/projects/{id_of(seen['project'])}"
    questions = program.rows(f"{project}/datasets")[0]["id"]
    program.run(f"{project}/evaluations", dataset=questions, version=1)
    program.run(f"{project}/benchmarks", profile=SHORT_LOAD, version=1)
    others = [program.make(application=one, title=one) for one in OWN_STEPS]
    site = Site(client_of(studio.url, page), names())
    site.follow(f"{project}/")
    site.follow(
        "/projects/",
        "/accounts/people/",
        *(f"{project}/{kind}/compare/?{two_of(program, project, kind)}" for kind in COMPARED),
        *(f"/projects/{one}/wizard/model/" for one in others),
    )

    signed_out = {
        "accounts:login": "/accounts/login/",
        "accounts:register": "/accounts/register/",
        "accounts:set_password": person_link(studio.url, page, "grace"),
    }
    # The first administrator's page is the portal's, below: here it was used long ago.
    assert site.complete() - set(signed_out) == {"accounts:first_admin"}

    scores = judge(debugging_port, studio.url, site.pages, page.context.cookies())
    scores += judge(debugging_port, studio.url, signed_out)
    show("studio", scores, capsys)
    assert complaints(scores) == []


@pytest.mark.timeout(JUDGING_S)
def test_every_page_of_the_portal_is_accessible_to_lighthouse(
    context: BrowserContext,
    seen: dict[str, str],
    debugging_port: int,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    with served(Path(seen["package"]), tmp_path) as portal:
        first = {"accounts:first_admin": portal.first_admin.removeprefix(portal.url)}
        scores = judge(debugging_port, portal.url, first)
        browser = context.browser
        assert browser is not None
        own = browser.new_context()
        visitor = own.new_page()
        become_admin(portal, visitor, "/chat/")
        visitor.goto(f"{portal.url}/chat/")
        ask(visitor, QUESTION)
        visitor.goto(f"{portal.url}/knowledge/")
        visitor.locator("main a[href^='/knowledge/']:not([href$='/new/'])").first.click()
        with visitor.expect_file_chooser() as chooser:
            visitor.get_by_role("button", name="Choose files").click()
        chooser.value.set_files(SAMPLES / "leave.md")
        expect(visitor.get_by_role("link", name="leave.md").first).to_be_visible()
        site = Site(client_of(portal.url, visitor), names(*VENDORED))
        site.follow("/chat/", "/accounts/people/", "/knowledge/", "/jobs/")
        signed_out = {
            "accounts:login": "/accounts/login/",
            "accounts:set_password": person_link(portal.url, visitor, "grace"),
        }
        assert site.complete() == {"accounts:set_password", *first, *ABSENT}
        scores += judge(debugging_port, portal.url, site.pages, own.cookies())
        scores += judge(debugging_port, portal.url, signed_out)
        own.close()
    show("portal", scores, capsys)
    assert complaints(scores) == []


def show(name: str, scores: list[Score], capsys: pytest.CaptureFixture[str]) -> None:
    (ARTIFACTS.parent / f"lighthouse-{name}.txt").write_text(table(scores) + "\n")
    with capsys.disabled():
        print(f"\n{name}: {table(scores)}")


def client_of(address: str, page: Page) -> httpx.Client:
    """With the session of the browser."""
    kept = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies(address))
    return httpx.Client(base_url=address, headers={"Cookie": kept}, timeout=60)


def person_link(address: str, page: Page, username: str) -> str:
    """The path of the one-time link of a new person."""
    page.goto(f"{address}/accounts/people/new/")
    page.get_by_label("User name").fill(username)
    page.locator("main form .btn-primary").click()
    link = page.locator("input[value*='/accounts/set-password/']")
    expect(link).to_be_visible()
    return urlsplit(link.input_value()).path


def two_of(program: Program, project: str, kind: str) -> str:
    rows = program.rows(f"{project}/{kind}")
    return "&".join(f"run={one['id']}" for one in rows[:2])

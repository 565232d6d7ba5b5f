"""The studio's own parts for the style guide: each rendered from its real template, in every state, over
rows that are never saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.domain.catalog import applications, components
from apps.chat.enums import MessageStatus
from apps.chat.forms import QuestionForm
from apps.chat.gateway import ChatApp
from apps.chat.messages import ShownMessage
from apps.chat.models import ChatMessage, ChatSession
from apps.chat.offers import offer_of
from apps.connections.domain.probe import ProbeResult
from apps.connections.models import Endpoint
from apps.evaluations.presentation import Figure
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection, Document, StoreCopy
from apps.packages.contents import folders_of
from apps.packages.domain.options import options_for
from apps.packages.models import PackageExport
from apps.projects.canvas_views import palette_groups, with_icons
from apps.projects.domain.canvas_compare import compared
from apps.projects.domain.findings import Finding
from apps.projects.domain.flow import flow
from apps.projects.domain.ops import assign
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.starter import starter
from apps.projects.domain.steps import states
from apps.projects.domain.yaml_io import parse
from apps.projects.forms import YamlForm
from apps.projects.models import Draft, Project, SpecVersion
from apps.projects.stages import Happening
from apps.projects.wizard_forms import ParametersForm
from apps.ui.http import StudioRequest
from apps.ui.style import Shelf, Specimen

ID = UUID(int=1)
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
"""80 characters without a place to break: every part must bear it."""
PASSAGE = "Every employee has 28 working days of paid annual leave."


def shelves(request: StudioRequest) -> list[Shelf]:
    user = request.user
    return [
        Shelf("Project", list(_project(user))),
        Shelf("Wizard, YAML and canvas", list(_editors())),
        Shelf("Chat", list(_chat(user))),
        Shelf("Jobs", list(_jobs(user))),
        Shelf("Knowledge and connections", list(_sources())),
        Shelf("Figures and packages", list(_proofs(user))),
        Shelf("Accounts", list(_accounts())),
    ]


def _spec() -> ProjectSpec:
    spec, _ = parse(starter("qna", "sample"))
    if spec is None:
        raise AssertionError("the starter of QnA is a valid project")
    return spec


def _row(owner: User | None = None, title: str = "HR helpdesk") -> Project:
    now = timezone.now()
    project = Project(id=ID, owner=owner or User(pk=0, username="ada"), name="sample", title=title)
    project.application, project.created_at, project.updated_at = "qna", now, now
    project.draft = Draft(project=project, yaml=starter("qna", "sample"), revision=1)
    project.draft.updated_at = now
    return project


def _findings() -> list[Finding]:
    return [
        Finding("spec.model.unknown", "There is no connection called “house”.", ("spec", "model"), "error", 9, 5),
        Finding("spec.knowledge.empty", "The collection “handbook” is empty.", ("spec", "knowledge"), "warning", 14, 3),
        Finding("spec.safety.off", "Questions are not looked at for personal data.", ("spec",), "info", 2, 1),
    ]  # fmt: skip


def _project(user: User) -> Iterator[Specimen]:
    now, own = timezone.now(), _row(user)
    yield Specimen("projects/_tabs.html", "first tab", {"project": own, "tab": "overview"})
    yield Specimen("projects/_looking.html", "a viewer", {"project": _row()})
    deed = {"project": _row(), "deed": "build a version"}
    yield Specimen("projects/_whom_to_ask.html", "a viewer, an empty list", deed)
    happenings = [
        Happening(now, "box", f"Version v2 {LONG} built", "/projects/"),
        Happening(
            now - timedelta(hours=3), "edit", "ada: Temperature changed from 0.2 to 0.7.", ""
        ),
    ]
    yield Specimen("projects/_happenings.html", "rows, a long name", {"happenings": happenings})
    yield Specimen("projects/_happenings.html", "empty", {"happenings": []})
    rows = [_version(own, 2, "Second"), _version(own, 1, LONG)]
    page = Paginator(rows, 10).get_page(1)
    for row in rows:
        context = {"row": row, "versions": page, "new": rows[0], "old": rows[1]}
        yield Specimen("projects/_version_row.html", f"v{row.number}", context, in_table=True)
    chain = [(one, components()[one.component]) for one in flow(_spec())]
    yield Specimen("projects/_flow.html", "what will run", {"flow": chain})
    pairs = [(one, "model") for one in _findings()]
    blocked = {"project": own, "findings": pairs, "blocked": True}
    yield Specimen("projects/_blockers.html", "error, warning, note", blocked)
    yield Specimen("projects/_blockers.html", "complete", {"project": own, "findings": []})
    chosen = {"applications": applications(), "chosen": "qna", "errors": ["Choose one."]}
    yield Specimen("projects/_applications.html", "one chosen, an error", chosen)


def _version(project: Project, number: int, name: str) -> SpecVersion:
    made = SpecVersion(pk=UUID(int=number), project=project, number=number, name=name)
    made.created_at, made.sha256 = timezone.now(), "9f2c1e" * 10
    return made


def _editors() -> Iterator[Specimen]:
    project, spec = _row(), _spec()
    steps = states("qna", "parameters", "knowledge", _findings(), set())
    stepper = {"project": project, "steps": steps, "number": 3}
    yield Specimen("projects/_stepper.html", "done, current, problem, to do", stepper)
    form, bad = ParametersForm(spec=spec), ParametersForm({"temperature": "9"}, spec=spec)
    yield Specimen("projects/_slider.html", "as proposed", {"slider": form.sliders()[0]})
    yield Specimen("projects/_slider.html", "out of range", {"slider": bad.sliders()[0]})
    said = {"name": "size", "said": _findings(), "form": form}
    yield Specimen("projects/_at_field.html", "error, warning, note", said)
    yield Specimen("projects/_at_field.html", "never saved: hints", said | {"fresh": True})
    note = {"project": project, "draft": project.draft, "form": form}
    yield Specimen("projects/_saved_note.html", "saved before", note)
    yield Specimen("projects/_saved_note.html", "saved now", note | {"saved_at": timezone.now()})
    yield Specimen("projects/_saved_note.html", "does not fit", note | {"form": bad})
    conflict = note | {"conflict": True, "step": steps[0].step}
    yield Specimen("projects/_saved_note.html", "changed elsewhere", conflict)
    yield Specimen("projects/_try.html", "complete", {"blocked": False})
    text = project.draft.yaml
    lines = text.splitlines()
    rows = [{"finding": one, "source": lines[one.line - 1]} for one in _findings()]
    yield Specimen("projects/_findings.html", "found", {"rows": rows, "valid": False})
    yield Specimen("projects/_findings.html", "none", {"rows": [], "valid": True})
    editor = {"project": project, "form": YamlForm(initial={"yaml": text}), "may_change": False}
    yield Specimen("projects/_yaml_editor.html", "with findings in place", editor)
    yield Specimen("projects/_palette.html", "all components", {"groups": palette_groups()})
    shown = {"in": [("question", "How many days?")], "out": [("passages", PASSAGE)]}
    yield Specimen("projects/_port_values.html", "in and out", {"shown": shown})
    changed = assign(
        spec,
        {
            "spec.guardrails.input": [{"kind": "pii", "action": "mask"}],
            "spec.model.connection": "house",
        },
    )
    drawing = with_icons(compared(spec, changed))
    drawn = {"drawing": drawing, "drawing_title": "What changed", "drawing_marks": True}
    yield Specimen("projects/_canvas_view.html", "nodes: same, changed, added", drawn)


def _message(status: MessageStatus, **values: Any) -> dict[str, Any]:
    message = ChatMessage(
        id=ID, session=ChatSession(id=ID), ordinal=1, role="assistant", status=status
    )
    for name, value in values.items():
        setattr(message, name, value)
    return {"message": ShownMessage(message, last=True)}


@dataclass(frozen=True)
class _SampleFile:
    """A file that belongs to a sample project and not to a message."""

    kind: str
    name: str
    size_bytes: int = 48_200

    def get_absolute_url(self) -> str:
        sample = "picture-reader" if self.kind == "image" else "museum-guide"
        return reverse("projects:sample_file", args=[sample, self.name])


class _WithFiles(ShownMessage):
    """A message whose files are not in the database."""

    @property
    def files(self) -> list[Any]:
        kinds = [("image", "receipt.png"), ("audio", "opening.wav"), ("document", f"{LONG}.pdf")]
        return [_SampleFile(kind, name) for kind, name in kinds]


def _chat(user: User) -> Iterator[Specimen]:
    question = ChatMessage(id=ID, session=ChatSession(id=ID), ordinal=0, role="user")
    question.content, question.fields = "How many days of leave do I get?", {"target": "French"}
    template = "chat/_message.html"
    yield Specimen(template, "question", {"message": ShownMessage(question)})
    yield Specimen(template, "question with files", {"message": _WithFiles(question)})
    yield Specimen(template, "waiting", _message(MessageStatus.PENDING))
    yield Specimen(template, "answering", _message(MessageStatus.STREAMING, content="You get 28"))
    passage = {"document": "leave.md", "page": None, "heading": "Annual leave", "text": PASSAGE}
    cited = [{"number": 1, "passage": passage, "quote_start": 0, "quote_end": 10}]
    trace = [
        {"node": "search", "component": "retriever", "at_ms": 0, "duration_ms": 12.4, "passages": [passage]},
        {"node": "answer", "component": "llm", "at_ms": 12.4, "duration_ms": 840, "prompt_tokens": 1200,
         "completion_tokens": 64, "first_token_ms": 180, "in": {"question": "How many days?"}},
        {"node": "voice", "component": "tts", "at_ms": 852, "error": "The speech server did not answer."},
        {"node": "escalate", "component": "http-tool", "skipped": True},
    ]  # fmt: skip
    answered = _message(
        MessageStatus.COMPLETE,
        content="You get **28 working days** [1].",
        citations=cited,
        trace=trace,
        model="Meta-Llama-3-8B-Instruct",
        usage={"duration_ms": 852.4, "time_to_first_token_ms": 192, "prompt_tokens": 1200, "completion_tokens": 64},
        rating=1,
    )  # fmt: skip
    yield Specimen(template, "answered, cited, rated", answered)
    quoted = _message(MessageStatus.COMPLETE, content=f"> {PASSAGE}", generated=False)
    yield Specimen(template, "quotes only", quoted)
    yield Specimen(template, "stopped", _message(MessageStatus.STOPPED, content="You get"))
    failed = "The model server at 127.0.0.1:8000 did not answer. Check that it runs."
    yield Specimen(template, "failed", _message(MessageStatus.FAILED, error_message=failed))
    cut = "The studio was stopped while this was written. Ask again."
    yield Specimen(template, "interrupted", _message(MessageStatus.INTERRUPTED, error_message=cut))
    earlier = _message(MessageStatus.COMPLETE, content="28 days.", superseded=True)
    yield Specimen(template, "earlier answer", earlier)
    yield Specimen("chat/_trace.html", "every kind of step", answered)
    app = ChatApp(
        key="sample", title="Translator", application="translation", fields={"target": "French"},
        takes=("image", "audio", "document"),
    )  # fmt: skip
    offer = offer_of(app)
    form = QuestionForm(defaults=None, placeholder=offer.words.placeholder)
    composer = {"app": app, "session": None, "form": form, "offer": offer, "active_reply": None}
    yield Specimen("chat/_composer.html", "fields, files, recorder", composer)
    page = Paginator([ChatSession(id=ID, title=LONG), ChatSession(id=UUID(int=2))], 10).get_page(1)
    listed = {"app": app, "sessions": page, "session": page[0]}
    yield Specimen("chat/_sessions.html", "one open, a long name", listed)
    none = {"app": app, "sessions": Paginator([], 10).get_page(1)}
    yield Specimen("chat/_sessions.html", "empty", none)


def _job(owner: User, status: str, **values: Any) -> Job:
    now = timezone.now()
    job = Job(id=ID, kind="evaluations.run", title=f"Evaluate {LONG}", owner=owner, status=status)
    job.created_at = job.started_at = now - timedelta(seconds=95)
    job.heartbeat_at, job.done, job.total, job.message = now, 12, 40, "Question 12 of 40"
    if status not in {JobStatus.QUEUED, JobStatus.RUNNING}:
        job.finished_at = now
    if status in {JobStatus.FAILED, JobStatus.INTERRUPTED}:
        job.error_code, job.error_message = "model.unreachable", "The model server did not answer."
    for name, value in values.items():
        setattr(job, name, value)
    return job


def _jobs(user: User) -> Iterator[Specimen]:
    for status in JobStatus:
        job = _job(user, status.value)
        yield Specimen("jobs/_row.html", status.label, {"job": job}, in_table=True)
    for status in JobStatus:
        yield Specimen("jobs/_progress.html", status.label, {"job": _job(user, status.value)})
    silent = _job(user, "running", heartbeat_at=timezone.now() - timedelta(minutes=2))
    yield Specimen("jobs/_progress.html", "no sign of life", {"job": silent})
    for state in ("running", "failed"):
        yield Specimen("evaluations/_job.html", state, {"job": _job(user, state)})
    activity = {"count": 2, "url": "/jobs/", "label": "jobs running"}
    yield Specimen("ui/_activity.html", "at work", {"activity": activity})


def _sources() -> Iterator[Specimen]:
    for status in DocumentStatus:
        document = Document(id=ID, name=f"{LONG}.pdf", status=status.value)
        if status in {DocumentStatus.FAILED, DocumentStatus.REFUSED}:
            document.error_message = "It is encrypted. Remove the password and upload it again."
        yield Specimen("knowledge/_state.html", status.label, {"document": document})
    collection = Collection(id=ID, revision=3)
    copies = [
        StoreCopy(
            pk=ID, connection="qdrant", kind="qdrant", revision=revision, chunks=4821, error=error
        )
        for revision, error in (
            (3, ""),
            (2, ""),
            (2, "The store at 127.0.0.1:6333 did not answer."),
        )
    ]
    copies[0].followed_at = timezone.now()
    held = {"collection": collection, "copies": copies, "may_change": True}
    yield Specimen("knowledge/_copies.html", "up to date, behind, failed", held)
    results: Iterable[ProbeResult] = (
        ProbeResult("ok", "ok", "It answers.", ("llama-3-8b", LONG), "llama-3-8b", 12.0, 340.0, "Hello"),
        ProbeResult("partly", "model.silent", "Its models are listed, and none answered.", ("a",), "a", 9.0),
        ProbeResult("failed", "address.refused", "Nothing listens at 127.0.0.1:8000. Start the server, or mend the address."),
    )  # fmt: skip
    endpoint = Endpoint(
        id=ID, title="House model", name="house", base_url="http://127.0.0.1:8000/v1"
    )
    endpoint.model_names, endpoint.tested_at = ["llama-3-8b", LONG], timezone.now()
    for result in results:
        yield Specimen("connections/_outcome.html", result.outcome, {"result": result})
    yield Specimen("connections/_status.html", "tested", {"endpoint": endpoint, "result": result})
    yield Specimen("connections/_status.html", "not tested", {"endpoint": endpoint})
    yield Specimen("connections/_hints.html", "as it is", {})


def _proofs(user: User) -> Iterator[Specimen]:
    meaning = "How often a right document is among the first passages."
    figures = [
        Figure("recall-at-k", "Recall@6", meaning, "0.92", "0.81 to 0.98", 40, "", 92, 81, 17, True),
        Figure("rouge", "ROUGE-L", "The longest common sequence of words.", "n/a", "", 0, "No references"),
    ]  # fmt: skip
    yield Specimen("evaluations/_figures.html", "measured, not measured", {"figures": figures})
    yield Specimen("evaluations/_findings.html", "by line", {"findings": _findings()})
    client = {"lag_p50_ms": 0.4, "lag_p99_ms": 3.1, "late_p99_ms": 2.2, "cpu_percent": 41}
    fine = {"client": client, "system_cpu_percent": 62, "notes": [], "client_limited": False}
    limited = fine | {"client_limited": True, "reasons": ["Requests left 48 ms late."]}
    yield Specimen("benchmarks/_validity.html", "valid", {"validity": fine})
    yield Specimen("benchmarks/_validity.html", "client-limited", {"validity": limited})
    project = _row(user)
    options = options_for(_spec().spec.deployment).as_dict()
    for status in ("running", "succeeded", "failed"):
        export = PackageExport(id=ID, project=project, version=_version(project, 2, LONG))
        export.job, export.options, export.created_at = _job(user, status), options, timezone.now()
        row = {"export": export, "project": project}
        yield Specimen("packages/_row.html", status, row, in_table=True)
    files = [
        {"path": path, "size_bytes": 1200, "sha256": "9f2c1e" * 10, "reason": reason}
        for path, reason in (("README.md", "how to start it"), ("knowledge/index.npz", "knowledge"))
    ]
    yield Specimen("packages/_contents.html", "by folder", {"folders": folders_of(files)})
    steps = {"export": export, "folder": "sample"}
    yield Specimen("packages/_next_steps.html", "as it is", steps)


def _accounts() -> Iterator[Specimen]:
    shown = {"id": "sample-token", "value": "pat_example", "text": "Copy it now: it is shown once."}
    yield Specimen("accounts/_secret.html", "a token", shown)
    yield Specimen("accounts/_tabs.html", "second tab", {"tab": "tokens"})

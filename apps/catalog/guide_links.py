"""Which section of the guide tells about which page: the Help link in the top bar follows this."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

HELP = {
    "accounts:audit": "accounts#the-audit-log",
    "accounts:create_person": "accounts#people",
    "accounts:password": "accounts#your-own-account",
    "accounts:people": "accounts#people",
    "accounts:person": "accounts#people",
    "accounts:profile": "accounts#your-own-account",
    "accounts:tokens": "api#tokens",
    "benchmarks:compare": "benchmark#compare-two-runs",
    "benchmarks:index": "benchmark#start-a-run",
    "benchmarks:run": "benchmark#what-is-measured",
    "benchmarks:start": "benchmark#start-a-run",
    "catalog:guide": "start#what-a-project-is",
    "chat:citation": "try#sources",
    "chat:delete": "try#conversations",
    "chat:index": "try#conversations",
    "chat:older": "try#conversations",
    "chat:rename": "try#conversations",
    "chat:session": "try#ask",
    "chat:sessions": "try#conversations",
    "chat:trace": "try#trace",
    "connections:create": "connections#connect-a-server",
    "connections:detail": "connections#when-the-test-fails",
    "connections:discover": "connections#usual-addresses",
    "connections:index": "connections#kinds",
    "evaluations:compare": "evaluate#compare-two-runs",
    "evaluations:dataset": "evaluate#upload-questions",
    "evaluations:index": "evaluate#run-it",
    "evaluations:run": "evaluate#what-is-measured",
    "evaluations:sample": "evaluate#question-by-question",
    "evaluations:samples": "evaluate#question-by-question",
    "evaluations:start": "evaluate#run-it",
    "evaluations:upload": "evaluate#upload-questions",
    "jobs:detail": "jobs#follow-one",
    "jobs:index": "jobs#follow-one",
    "knowledge:collection": "knowledge#add-documents",
    "knowledge:create": "knowledge#how-documents-are-cut",
    "knowledge:document": "knowledge#how-documents-are-cut",
    "knowledge:index": "knowledge#add-documents",
    "knowledge:passage": "knowledge#how-documents-are-cut",
    "knowledge:search": "knowledge#how-passages-are-found",
    "knowledge:settings": "knowledge#how-documents-are-cut",
    "packages:detail": "ship#start-it-there",
    "packages:index": "ship#export",
    "projects:canvas": "canvas#draw",
    "projects:create": "describe#the-applications",
    "projects:gallery": "start#samples",
    "projects:import": "import#how",
    "projects:index": "share#find",
    "projects:overview": "start#what-a-project-is",
    "projects:people": "share#share",
    "projects:version": "versions#go-back",
    "projects:versions": "versions#name-and-compare",
    "projects:wizard": "describe#the-steps-that-all-have",
    "projects:yaml": "yaml#edit",
    "sandboxes:sandbox": "try#ask",
}
"""By the name of the page's address: a page of the guide and a section on it."""
STEPS = {
    "knowledge": "knowledge#how-passages-are-found",
    "model": "connections#connect-a-server",
    "review": "versions#build",
    "safety": "safety#switch-on",
    "summary": "describe#how-long-texts-are-summarized",
}
"""The same by the step of the wizard, where it has a section of its own."""


def help_for(request: HttpRequest) -> str:
    """The address of the section about the page that is asked for; "" for one that has none."""
    match = request.resolver_match
    if match is None or match.view_name not in HELP:
        return ""
    slug, _, anchor = STEPS.get(match.kwargs.get("step", ""), HELP[match.view_name]).partition("#")
    return f"{reverse('catalog:guide', args=[slug])}#{anchor}"

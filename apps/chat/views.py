"""Conversations in a browser."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.chat import services
from apps.chat.context import chat_context, home_url, session_url, sessions_page, turn_context
from apps.chat.enums import MessageStatus
from apps.chat.errors import AppNotFound
from apps.chat.forms import QuestionForm, RatingForm, SamplingForm, TitleForm
from apps.chat.gateway import ChatApp, gateway
from apps.chat.generation import launch_soon
from apps.chat.messages import ShownMessage, label_of
from apps.chat.models import ChatMessage
from apps.chat.passages import passage_in_context
from apps.chat.queries import (
    attachments_for,
    latest_messages,
    messages_for,
    replies_for,
    sessions_for,
)
from apps.chat.ranges import part, span_of
from apps.chat.replies import claim_reply
from apps.chat.streams import EventStream
from apps.chat.tokens import bearer
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page, sought_words, whole_number

SHOWN_IN_PLACE = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp"}
    | {"audio/wav", "audio/mpeg", "audio/ogg", "audio/flac", "audio/webm", "audio/mp4"}
)
GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=86400, immutable",
    "Accept-Ranges": "bytes",
}


@login_required
@require_GET
def index(request: StudioRequest) -> HttpResponse:
    """A new conversation, with the application of `?app=` or the only one there is."""
    apps = gateway().apps_for(request.user)
    if key := request.GET.get("app"):
        app = _app_or_404(request, key)
    elif len(apps) == 1:
        app = apps[0]
    else:
        recent = sessions_for(request.user)[:20]
        return render(request, page(request, "chat/index"), {"apps": apps, "recent": recent})
    if app.page_url:
        return hx_redirect(request, app.page_url)
    return render(request, page(request, "chat/session"), chat_context(request, app, None))


@login_required
@require_GET
def session(request: StudioRequest, session_id: UUID) -> HttpResponse:
    conversation = get_object_or_404(sessions_for(request.user), pk=session_id)
    app = _app_or_404(request, conversation.app_key)
    if app.page_url:
        return hx_redirect(request, session_url(app, conversation))
    return render(request, page(request, "chat/session"), chat_context(request, app, conversation))


@login_required
@require_GET
def sessions(request: StudioRequest) -> HttpResponse:
    """The list of conversations with one application, searched and paginated."""
    app = _app_or_404(request, request.GET.get("app", ""))
    context = {
        "app": app,
        "sessions": sessions_page(request, app),
        "query": sought_words(request),
    }
    return render(request, "chat/_sessions.html", context)


@login_required
@require_POST
def start(request: StudioRequest) -> HttpResponse:
    """Begin a conversation with its first question."""
    form = QuestionForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refused(request, form)
    app = _app_or_404(request, request.POST.get("app", ""))
    conversation = services.start_session(by=request.user, app_key=app.key)
    try:
        _, reply = services.ask(session=conversation, **form.asked())
    except StudioError as error:
        services.delete_session(session=conversation)
        return _refused(request, error)
    if not request.htmx:
        _answer_unattended(request, reply)
    return hx_redirect(request, session_url(app, conversation))


@login_required
@require_POST
def send(request: StudioRequest, session_id: UUID) -> HttpResponse:
    """Ask; the answer is the turn's HTML, whose reply opens the stream."""
    conversation = get_object_or_404(sessions_for(request.user), pk=session_id)
    form = QuestionForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refused(request, form)
    try:
        question, reply = services.ask(session=conversation, **form.asked())
    except StudioError as error:
        return _refused(request, error)
    if not request.htmx:
        _answer_unattended(request, reply)
        return HttpResponseRedirect(conversation.get_absolute_url())
    return render(request, "chat/_turn.html", turn_context(question, reply))


@login_required
@require_POST
def again(request: StudioRequest, message_id: UUID) -> HttpResponse:
    """Ask the last question again."""
    old = get_object_or_404(replies_for(request.user).select_related("session"), pk=message_id)
    form = SamplingForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    try:
        reply = services.ask_again(reply=old, sampling=form.sampling() or None)
    except StudioError as error:
        return _refused(request, error)
    if not request.htmx:
        _answer_unattended(request, reply)
        return HttpResponseRedirect(old.session.get_absolute_url())
    old.superseded = True
    context = {"old": ShownMessage(old), "message": ShownMessage(reply, last=True)}
    return render(request, "chat/_again.html", context)


@login_required
@require_GET
def stream(request: StudioRequest, message_id: UUID) -> EventStream:
    """The reply as server-sent events, from Last-Event-ID or `?after=` on. The first to come has it
    written; whoever comes later reads along."""
    reply = get_object_or_404(replies_for(request.user).select_related("session"), pk=message_id)
    work = None
    if reply.status == MessageStatus.PENDING:
        work = claim_reply(reply=reply, by=request.user)
        if work is None:
            reply.refresh_from_db()
    after = request.headers.get("Last-Event-ID", "") or request.GET.get("after", "")
    return EventStream(reply, work=work, offset=whole_number(after) or 0)


@login_required
@require_POST
def stop(request: StudioRequest, message_id: UUID) -> HttpResponse:
    reply = get_object_or_404(replies_for(request.user), pk=message_id)
    services.stop_reply(reply=reply)
    if not request.htmx:
        return HttpResponseRedirect(reverse("chat:session", args=[reply.session_id]))
    return HttpResponse(status=204)


@login_required
@require_GET
def message(request: StudioRequest, message_id: UUID) -> HttpResponse:
    """One message as it is now."""
    row = get_object_or_404(messages_for(request.user), pk=message_id)
    newest = not row.session.messages.filter(ordinal__gt=row.ordinal).exists()
    return render(request, "chat/_message.html", {"message": ShownMessage(row, last=newest)})


@require_GET
def attachment(request: StudioRequest, attachment_id: UUID) -> FileResponse | HttpResponse:
    """The file, to its owner: signed in, or by a personal token. What browsers could run is never shown
    in place."""
    user = request.user if request.user.is_authenticated else bearer(request)
    if not user:
        return redirect_to_login(request.get_full_path())
    row = get_object_or_404(attachments_for(user), pk=attachment_id)
    try:
        file = row.file.open("rb")
    except OSError as error:
        raise Http404 from error
    shown = row.mime in SHOWN_IN_PLACE
    span = span_of(request.headers.get("Range", ""), row.size_bytes) if shown else None
    if span:
        response = part(file, span, row.size_bytes, row.mime)
        for name, value in GUARDED.items():
            response[name] = value
        return response
    return FileResponse(
        file,
        as_attachment=not shown,
        filename=row.name or f"{row.kind}-{row.ordinal + 1}",
        content_type=row.mime if shown else "application/octet-stream",
        headers=GUARDED,
    )


@login_required
@require_GET
def older(request: StudioRequest, session_id: UUID) -> HttpResponse:
    """The messages before `?before=` of a long conversation."""
    conversation = get_object_or_404(sessions_for(request.user), pk=session_id)
    before = whole_number(request.GET.get("before"))
    if before is None:
        raise Http404
    rows, has_older = latest_messages(conversation, before=before)
    context = {
        "session": conversation,
        "chat_messages": [ShownMessage(row) for row in rows],
        "older_before": rows[0].ordinal if has_older else None,
    }
    return render(request, "chat/_older.html", context)


@login_required
@require_POST
def rate(request: StudioRequest, message_id: UUID) -> HttpResponse:
    reply = get_object_or_404(replies_for(request.user), pk=message_id)
    form = RatingForm(request.POST)
    if not form.is_valid():
        return HttpResponse("rating must be -1, 0 or 1", status=422, content_type="text/plain")
    services.rate_reply(reply=reply, rating=form.cleaned_data["rating"])
    if not request.htmx:
        return HttpResponseRedirect(reverse("chat:session", args=[reply.session_id]))
    return render(request, "chat/_rating.html", {"message": reply})


@login_required
@require_http_methods(["GET", "POST"])
def rename(request: StudioRequest, session_id: UUID) -> HttpResponse:
    conversation = get_object_or_404(sessions_for(request.user), pk=session_id)
    data = request.POST if request.method == "POST" else None
    form = TitleForm(data, initial={"title": conversation.title}, prefix="rename")
    if form.is_valid():
        services.rename_session(session=conversation, title=form.cleaned_data["title"])
        return hx_redirect(request, conversation.get_absolute_url())
    context = {"session": conversation, "form": form}
    return render(request, page(request, "chat/rename"), context, status=form.status)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: StudioRequest, session_id: UUID) -> HttpResponse:
    conversation = get_object_or_404(sessions_for(request.user), pk=session_id)
    if request.method == "GET":
        return render(request, page(request, "chat/delete"), {"session": conversation})
    try:
        url = home_url(gateway().app_for(request.user, conversation.app_key))
    except AppNotFound:
        url = reverse("chat:index")
    services.delete_session(session=conversation)
    return hx_redirect(request, url)


@login_required
@require_GET
def citation(request: StudioRequest, message_id: UUID, number: int) -> HttpResponse:
    """The passage behind `[number]`, its quoted words marked, with what stands around it."""
    row = get_object_or_404(messages_for(request.user).select_related("session"), pk=message_id)
    found = next((each for each in row.citations if each["number"] == number), None)
    if found is None:
        raise Http404
    context = {
        "message": row,
        "citation": found,
        "label": label_of(found["passage"]),
        "context": passage_in_context(found, user=request.user),
    }
    return render(request, page(request, "chat/citation"), context)


@login_required
@require_GET
def trace(request: StudioRequest, message_id: UUID) -> HttpResponse:
    """What each step of an answer did; for applications that show it."""
    row = get_object_or_404(replies_for(request.user).select_related("session"), pk=message_id)
    if not _app_or_404(request, row.session.app_key).traces:
        raise Http404
    return render(request, page(request, "chat/trace"), {"message": ShownMessage(row)})


def _app_or_404(request: StudioRequest, app_key: str) -> ChatApp:
    try:
        return gateway().app_for(request.user, app_key)
    except AppNotFound as error:
        raise Http404(str(error)) from error


def _answer_unattended(request: StudioRequest, reply: ChatMessage) -> None:
    """A browser without JavaScript opens no stream: the reply is written right away, and nobody
    needs to read along."""
    if work := claim_reply(reply=reply, by=request.user):
        launch_soon(work)


def _refused(request: StudioRequest, why: SamplingForm | StudioError) -> HttpResponse:
    """The composer's line of errors; a whole page for a browser without JavaScript."""
    if isinstance(why, StudioError):
        errors, status = [str(why)], why.status
    else:
        errors, status = [str(line) for lines in why.errors.values() for line in lines], 422
    name = "chat/_refused.html" if request.htmx else "chat/refused.html"
    context = {"errors": errors, "back": request.headers.get("Referer", "")}
    response = render(request, name, context, status=status)
    response["HX-Retarget"] = "#composer-errors"
    response["HX-Reswap"] = "innerHTML"
    return response

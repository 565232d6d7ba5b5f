"""One question, one whole answer. Streaming and conversations are at /v1/chat/completions and in the pages.

Reading the request is DRF's work, in a thread; the answer is awaited on the event loop, so that a slow
model holds no thread.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.fields import ProblemSerializer
from apps.api.knowledge import PassageSerializer
from apps.api.problems import MEDIA_TYPE, of_studio_error
from apps.api.resource import caller, checked, newest_version
from apps.chat.errors import ReplyCrashed
from apps.chat.gateway import gateway
from apps.chat.rows import in_rows
from apps.projects.queries import projects_for
from apps.runtime.errors import StudioError
from apps.runtime.events import Answer
from apps.runtime.resources import RunRequest, Sampling, Turn

log = structlog.get_logger(__name__)


class TurnSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=["user", "assistant"])
    content = serializers.CharField(max_length=32_000)


class Question(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=32_000)
    history = TurnSerializer(many=True, required=False, help_text="Earlier turns, oldest first.")
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="Default: the newest version."
    )
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    top_p = serializers.FloatField(required=False, min_value=0.000_001, max_value=1)
    top_k = serializers.IntegerField(required=False, min_value=1, max_value=1000)
    max_tokens = serializers.IntegerField(required=False, min_value=1, max_value=131_072)


class CitationSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="What [number] in the answer stands for.")
    passage = PassageSerializer()
    quote = serializers.CharField(allow_blank=True)
    quote_start = serializers.IntegerField(help_text="In the passage's text.")
    quote_end = serializers.IntegerField()


class NoticeSerializer(serializers.Serializer[Any]):
    node = serializers.CharField(help_text="The step at which something went wrong.")
    code = serializers.CharField()
    message = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    answer = serializers.CharField()
    citations = CitationSerializer(many=True)
    version = serializers.IntegerField()
    model = serializers.CharField(allow_blank=True)
    generated = serializers.BooleanField(help_text="False: quoted, no language model took part.")
    finish_reason = serializers.CharField()
    time_to_first_token_ms = serializers.FloatField(allow_null=True)
    duration_ms = serializers.FloatField()
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    notices = NoticeSerializer(
        many=True, help_text="What went wrong beside the text, such as a voice that failed."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that may be answered, and everything the answer needs."""

    version: int
    prepared: Any
    request: RunRequest


class Ask(APIView):
    """The part in a thread. Its response carries `asked`; the async view makes the answer of it."""

    @extend_schema(
        operation_id="projects_ask",
        summary="Ask a project a question and wait for the whole answer",
        tags=["chat"],
        request=Question,
        responses={200: AnswerSerializer, 502: ProblemSerializer, 503: ProblemSerializer},
        parameters=[OpenApiParameter("project_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        user = caller(request)
        project = get_object_or_404(projects_for(user), pk=project_id)
        values = checked(Question(data=request.data))
        version = newest_version(user, project, values.pop("version", None))
        turns = [Turn(**turn) for turn in values.pop("history", [])]
        turns.append(Turn("user", values.pop("question")))
        response = Response()
        response.asked = Asked(  # type: ignore[attr-defined]
            version.number,
            gateway().prepare(user, version.app_key),
            RunRequest(turns, Sampling(**values)),
        )
        return response


_read = Ask.as_view()


async def ask(request: HttpRequest, project_id: UUID) -> HttpResponseBase:
    response = await in_rows(_rendered, request, project_id)
    asked: Asked | None = getattr(response, "asked", None)
    if asked is None:
        return response
    try:
        answer = await _answer(asked)
    except StudioError as error:
        problem = of_studio_error(error) | {"instance": request.path}
        return JsonResponse(problem, status=error.status, content_type=MEDIA_TYPE)
    return JsonResponse(_shown(answer, asked.version))


# Where drf-spectacular and Django look for what DRF's as_view() sets.
ask.cls = Ask  # type: ignore[attr-defined]
ask.initkwargs = {}  # type: ignore[attr-defined]
ask.csrf_exempt = True  # type: ignore[attr-defined]


def _rendered(request: HttpRequest, project_id: UUID) -> HttpResponseBase:
    response = _read(request, project_id=project_id)
    if not hasattr(response, "asked"):
        response.render()
    return response


async def _answer(asked: Asked) -> Answer:
    answer = None
    try:
        async with aclosing(gateway().run(asked.prepared, asked.request)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, Answer):
                    answer = event
    except StudioError:
        raise
    except Exception as error:
        log.exception("api.ask-crashed")
        raise ReplyCrashed from error
    if answer is None:
        raise ReplyCrashed
    return answer


def _shown(answer: Answer, version: int) -> dict[str, Any]:
    values = asdict(answer)
    return {"answer": values.pop("text"), **values, "version": version}

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.fields import JobSerializer
from apps.api.resource import Resource, caller
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.jobs.queries import jobs_for
from apps.jobs.services import cancel_job, retry_job


class JobDetailSerializer(JobSerializer):
    log = serializers.CharField(read_only=True)

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "log"]
        read_only_fields = fields


class JobFilter(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)
    kind = serializers.CharField(required=False, max_length=64)


@extend_schema_view(
    list=extend_schema(
        summary="Background work, newest first",
        parameters=[
            OpenApiParameter("status", enum=JobStatus.values),
            OpenApiParameter("kind", description="For example knowledge.ingest."),
        ],
        responses=JobSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One job with its log", responses=JobDetailSerializer),
)
@extend_schema(tags=["jobs"])
class Jobs(Resource):
    serializer_class = JobSerializer

    def rows(self) -> QuerySet[Job]:
        return jobs_for(caller(self.request))

    def list(self, request: Request) -> Response:
        wanted = JobFilter(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        return self.page_of(self.get_queryset().filter(**wanted.validated_data), JobSerializer)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(JobDetailSerializer(self.row(pk)).data)

    @extend_schema(
        summary="Ask a job to stop at its next safe point", request=None, responses=JobSerializer
    )
    def cancel(self, request: Request, pk: UUID) -> Response:
        job = self.row(pk)
        cancel_job(job)
        job.refresh_from_db()
        return Response(JobSerializer(job).data)

    @extend_schema(
        summary="Run a failed, cancelled or interrupted job again",
        request=None,
        responses={202: JobSerializer},
    )
    def retry(self, request: Request, pk: UUID) -> Response:
        return Response(JobSerializer(retry_job(self.row(pk))).data, status=202)

"""Load runs against frozen versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from pydantic import ValidationError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.errors import BodyRefused
from apps.api.fields import JobSerializer
from apps.api.idempotency import PARAMETER, idempotent
from apps.api.problems import PLACELESS
from apps.api.resource import Resource, caller, project_of, version_of
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.models import BenchRun
from apps.benchmarks.queries import bench_runs_for, resources_of
from apps.benchmarks.services import delete_run, start_bench
from apps.projects.enums import Act


@extend_schema_field(Profile)  # type: ignore[arg-type]
class ProfileField(serializers.JSONField):
    """A load profile; what is left out has its default."""


class BenchRunSerializer(serializers.ModelSerializer[BenchRun]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    profile = ProfileField(read_only=True)
    summary = serializers.DictField(read_only=True, help_text="Of the measured window.")
    collections = serializers.ListField(child=serializers.DictField(), read_only=True)
    job = JobSerializer(read_only=True)

    class Meta:
        model = BenchRun
        fields = [
            "id",
            "project",
            "version",
            "profile",
            "model",
            "summary",
            "collections",
            "job",
            "created_at",
        ]
        read_only_fields = fields


class BenchRunDetailSerializer(BenchRunSerializer):
    series = serializers.DictField(read_only=True, help_text="Per second, from the warm-up on.")
    resources = serializers.SerializerMethodField(
        help_text="By part: [seconds, CPU in percent of one core, bytes of memory]."
    )

    class Meta(BenchRunSerializer.Meta):
        fields = [*BenchRunSerializer.Meta.fields, "series", "resources"]
        read_only_fields = fields

    def get_resources(self, run: BenchRun) -> dict[str, list[list[float]]]:
        return {part: [list(row) for row in rows] for part, rows in resources_of(run).items()}


class NewBench(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="Default: the newest version."
    )
    profile = ProfileField()


@extend_schema_view(
    list=extend_schema(summary="The project's load runs, newest first"),
    create=extend_schema(
        summary="Load a version",
        request=NewBench,
        responses={202: BenchRunSerializer},
        parameters=[PARAMETER],
    ),
)
@extend_schema(tags=["benchmarks"])
class ProjectBenchmarks(Resource):
    serializer_class = BenchRunSerializer
    changes = Act.PROVE

    def rows(self) -> QuerySet[BenchRun]:
        return _with_owner(bench_runs_for(caller(self.request))).filter(project=project_of(self))

    def list(self, request: Request, project_id: UUID) -> Response:
        return self.page_of(self.get_queryset(), BenchRunSerializer)

    @idempotent
    def create(self, request: Request, project_id: UUID) -> Response:
        project = project_of(self)
        values = self.body(NewBench, request)
        version = version_of(self, project, values.get("version"))
        run = start_bench(version=version, profile=_profile(values["profile"]), by=caller(request))
        return Response(BenchRunSerializer(run).data, status=202)


@extend_schema_view(
    retrieve=extend_schema(
        summary="One load run with its series", responses=BenchRunDetailSerializer
    ),
    destroy=extend_schema(summary="Delete a load run"),
)
@extend_schema(tags=["benchmarks"])
class Benchmarks(Resource):
    serializer_class = BenchRunSerializer
    changes = Act.PROVE

    def rows(self) -> QuerySet[BenchRun]:
        return _with_owner(bench_runs_for(caller(self.request)))

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(BenchRunDetailSerializer(self.row(pk)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_run(self.row(pk))
        return Response(status=204)


def _profile(values: Any) -> Profile:
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        findings = [
            {
                "code": f"api.invalid.{detail['type']}",
                "message": detail["msg"],
                "path": ".".join(("profile", *(str(part) for part in detail["loc"]))),
                **PLACELESS,
            }
            for detail in error.errors(include_url=False)
        ]
        first = findings[0]
        raise BodyRefused(f"{first['path']}: {first['message']}", findings) from error


def _with_owner(rows: QuerySet[BenchRun]) -> QuerySet[BenchRun]:
    return rows.select_related("project", "version", "job__owner", "created_by")

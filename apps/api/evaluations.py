"""Datasets of questions, and runs of frozen versions over them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.fields import FindingSerializer, JobSerializer
from apps.api.idempotency import PARAMETER, idempotent
from apps.api.resource import Resource, caller, project_of, version_of
from apps.evaluations.domain.catalogue import METRIC_IDS
from apps.evaluations.domain.gates import check_gates
from apps.evaluations.enums import VerdictChoice
from apps.evaluations.models import Dataset, EvalRun, Sample
from apps.evaluations.queries import datasets_for, runs_for, samples_of
from apps.evaluations.services import create_dataset, delete_dataset, delete_run, start_run
from apps.projects.enums import Act
from apps.projects.queries import spec_of


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    findings = FindingSerializer(many=True, read_only=True, help_text="Warnings of the upload.")

    class Meta:
        model = Dataset
        fields = [
            "id",
            "project",
            "name",
            "file_name",
            "format",
            "sha256",
            "question_count",
            "with_references",
            "with_targets",
            "findings",
            "created_at",
        ]
        read_only_fields = fields


class NewDataset(serializers.Serializer[Any]):
    """multipart/form-data: a CSV, JSON Lines or JSON file of questions."""

    file = serializers.FileField()
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class GateOutcome(serializers.Serializer[Any]):
    metric = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    value = serializers.FloatField(allow_null=True)
    outcome = serializers.ChoiceField(choices=["passed", "failed", "unmeasured"])


class EvalRunSerializer(serializers.ModelSerializer[EvalRun]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    dataset = serializers.UUIDField(source="dataset_id", read_only=True)
    metrics = serializers.ListField(child=serializers.CharField(), read_only=True)
    summary = serializers.DictField(
        read_only=True, help_text="By metric: value, low and high of the 95 % interval, n."
    )
    collections = serializers.ListField(child=serializers.DictField(), read_only=True)
    job = JobSerializer(read_only=True)

    class Meta:
        model = EvalRun
        fields = [
            "id",
            "project",
            "version",
            "dataset",
            "metrics",
            "k",
            "seed",
            "model",
            "summary",
            "collections",
            "job",
            "created_at",
        ]
        read_only_fields = fields


class EvalRunDetailSerializer(EvalRunSerializer):
    gates = serializers.SerializerMethodField(help_text="Against the version's own gates.")

    class Meta(EvalRunSerializer.Meta):
        fields = [*EvalRunSerializer.Meta.fields, "gates"]
        read_only_fields = fields

    @extend_schema_field(GateOutcome(many=True))
    def get_gates(self, run: EvalRun) -> list[Any]:
        gates = spec_of(run.version).spec.evaluation.gates
        return [GateOutcome(result).data for result in check_gates(gates, run.summary)]


class NewRun(serializers.Serializer[Any]):
    dataset = serializers.UUIDField()
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="Default: the newest version."
    )
    metrics = serializers.MultipleChoiceField(choices=METRIC_IDS, required=False)
    k = serializers.IntegerField(required=False, min_value=1, max_value=50)


class SampleSerializer(serializers.ModelSerializer[Sample]):
    question = serializers.CharField(source="question.text", read_only=True)
    references = serializers.ListField(source="question.references", read_only=True)
    metrics = serializers.DictField(read_only=True)
    details = serializers.DictField(read_only=True)
    passages = serializers.ListField(child=serializers.DictField(), read_only=True)
    citations = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Sample
        fields = [
            "ordinal",
            "question",
            "references",
            "answer",
            "verdict",
            "reason",
            "metrics",
            "details",
            "passages",
            "citations",
            "ttft_ms",
            "duration_ms",
            "error_code",
            "error_message",
        ]
        read_only_fields = fields


class SampleFilter(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=VerdictChoice.choices, required=False)


@extend_schema_view(
    list=extend_schema(summary="The project's datasets"),
    create=extend_schema(
        summary="Upload a dataset",
        request={"multipart/form-data": NewDataset},
        responses={201: DatasetSerializer},
        parameters=[PARAMETER],
    ),
)
@extend_schema(tags=["evaluations"])
class ProjectDatasets(Resource):
    serializer_class = DatasetSerializer
    changes = Act.PROVE
    parser_classes = (MultiPartParser,)

    def rows(self) -> QuerySet[Dataset]:
        return datasets_for(caller(self.request)).filter(project=project_of(self))

    def list(self, request: Request, project_id: UUID) -> Response:
        return self.page_of(self.get_queryset(), DatasetSerializer)

    @idempotent
    def create(self, request: Request, project_id: UUID) -> Response:
        project = project_of(self)
        values = self.body(NewDataset, request)
        dataset = create_dataset(project=project, by=caller(request), **values)
        return Response(DatasetSerializer(dataset).data, status=201)


@extend_schema_view(
    retrieve=extend_schema(summary="One dataset"),
    destroy=extend_schema(summary="Delete a dataset with its runs"),
)
@extend_schema(tags=["evaluations"])
class Datasets(Resource):
    serializer_class = DatasetSerializer
    changes = Act.PROVE

    def rows(self) -> QuerySet[Dataset]:
        return datasets_for(caller(self.request))

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(DatasetSerializer(self.row(pk)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_dataset(self.row(pk))
        return Response(status=204)


@extend_schema_view(
    list=extend_schema(summary="The project's evaluation runs, newest first"),
    create=extend_schema(
        summary="Evaluate a version on a dataset",
        request=NewRun,
        responses={202: EvalRunSerializer},
        parameters=[PARAMETER],
    ),
)
@extend_schema(tags=["evaluations"])
class ProjectEvaluations(Resource):
    serializer_class = EvalRunSerializer
    changes = Act.PROVE
    parser_classes = (JSONParser,)

    def rows(self) -> QuerySet[EvalRun]:
        return with_owner(runs_for(caller(self.request))).filter(project=project_of(self))

    def list(self, request: Request, project_id: UUID) -> Response:
        return self.page_of(self.get_queryset(), EvalRunSerializer)

    @idempotent
    def create(self, request: Request, project_id: UUID) -> Response:
        user = caller(request)
        project = project_of(self)
        values = self.body(NewRun, request)
        datasets = datasets_for(user).filter(project=project)
        dataset = get_object_or_404(datasets, pk=values.pop("dataset"))
        version = version_of(self, project, values.pop("version", None))
        if "metrics" in values:
            values["metrics"] = [name for name in METRIC_IDS if name in values["metrics"]]
        run = start_run(version=version, dataset=dataset, by=user, **values)
        return Response(EvalRunSerializer(run).data, status=202)


@extend_schema_view(
    retrieve=extend_schema(
        summary="One run: its figures, gates and job", responses=EvalRunDetailSerializer
    ),
    destroy=extend_schema(summary="Delete a run"),
)
@extend_schema(tags=["evaluations"])
class Evaluations(Resource):
    serializer_class = EvalRunSerializer
    changes = Act.PROVE

    def rows(self) -> QuerySet[EvalRun]:
        return with_owner(runs_for(caller(self.request)))

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(EvalRunDetailSerializer(self.row(pk)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_run(self.row(pk))
        return Response(status=204)

    @extend_schema(
        summary="What every question got",
        parameters=[OpenApiParameter("verdict", enum=VerdictChoice.values)],
        responses=SampleSerializer(many=True),
    )
    def samples(self, request: Request, pk: UUID) -> Response:
        wanted = SampleFilter(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        rows = samples_of(self.row(pk), verdict=wanted.validated_data.get("verdict", ""))
        return self.page_of(rows, SampleSerializer)


def with_owner(rows: QuerySet[EvalRun]) -> QuerySet[EvalRun]:
    return rows.select_related("project", "version", "dataset", "job__owner", "created_by")

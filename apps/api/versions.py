"""Frozen versions of a project, by number."""

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
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.fields import SpecField
from apps.api.resource import Resource, caller
from apps.projects.domain.diff import describe
from apps.projects.models import SpecVersion
from apps.projects.queries import project_for, require_role, spec_of, versions_for
from apps.projects.version_services import name_version, restore_version


class VersionSerializer(serializers.ModelSerializer[SpecVersion]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    created_by = serializers.CharField(source="created_by.username", default=None, read_only=True)
    app_key = serializers.CharField(read_only=True, help_text="The model's name under /v1.")

    class Meta:
        model = SpecVersion
        fields = [
            "id",
            "project",
            "number",
            "name",
            "notes",
            "sha256",
            "app_key",
            "created_by",
            "created_at",
        ]
        read_only_fields = fields


class VersionDetailSerializer(VersionSerializer):
    spec = serializers.SerializerMethodField()
    graph = serializers.DictField(help_text="The executable form: nodes, ports, edges.")

    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "yaml", "spec", "graph"]
        read_only_fields = fields

    @extend_schema_field(SpecField())
    def get_spec(self, version: SpecVersion) -> dict[str, Any]:
        values: dict[str, Any] = version.spec
        return values


class VersionChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=10_000, required=False, allow_blank=True)


class VersionDiff(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="The newer side.")
    against = serializers.IntegerField(help_text="The older side.")
    changes = serializers.ListField(child=serializers.CharField(), help_text="In words.")


class Restored(serializers.Serializer[Any]):
    revision = serializers.IntegerField()


class DiffQuery(serializers.Serializer[Any]):
    against = serializers.IntegerField(min_value=1, required=False)


@extend_schema_view(
    list=extend_schema(summary="The project's versions, newest first"),
    retrieve=extend_schema(summary="One version", responses=VersionDetailSerializer),
    partial_update=extend_schema(
        summary="Name a version", request=VersionChange, responses=VersionSerializer
    ),
)
@extend_schema(tags=["versions"])
class Versions(Resource):
    serializer_class = VersionSerializer

    def rows(self) -> QuerySet[SpecVersion]:
        return versions_for(caller(self.request)).filter(project=self.kwargs["project_id"])

    def version(self, number: int) -> SpecVersion:
        found: SpecVersion = get_object_or_404(self.get_queryset(), number=number)
        require_role(caller(self.request), found.project, self.act)
        return found

    def list(self, request: Request, project_id: UUID) -> Response:
        project_for(caller(request), project_id)
        return self.page_of(self.get_queryset(), VersionSerializer)

    def retrieve(self, request: Request, project_id: UUID, number: int) -> Response:
        return Response(VersionDetailSerializer(self.version(number)).data)

    def partial_update(self, request: Request, project_id: UUID, number: int) -> Response:
        version = self.version(number)
        values = {"name": version.name, "notes": version.notes}
        name_version(version=version, **values | self.body(VersionChange, request))
        return Response(VersionSerializer(version).data)

    @extend_schema(
        summary="What changed between two versions, in words",
        parameters=[
            OpenApiParameter("against", int, description="Default: the version before it.")
        ],
        responses=VersionDiff,
    )
    def diff(self, request: Request, project_id: UUID, number: int) -> Response:
        query = DiffQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        new = self.version(number)
        rows = self.get_queryset()
        against = query.validated_data.get("against")
        if against is None:
            old = rows.filter(number__lt=number).first() or new
        else:
            old = self.version(against)
        changes = describe(spec_of(old), spec_of(new))
        return Response({"number": new.number, "against": old.number, "changes": changes})

    @extend_schema(
        summary="Make the version's document the draft again", request=None, responses=Restored
    )
    def restore(self, request: Request, project_id: UUID, number: int) -> Response:
        draft = restore_version(version=self.version(number), by=caller(request))
        return Response({"revision": draft.revision})

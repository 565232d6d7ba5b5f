"""Deployment packages of frozen versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.errors import PackageNotReady
from apps.api.fields import FindingSerializer, JobSerializer
from apps.api.idempotency import PARAMETER, idempotent
from apps.api.resource import Resource, caller, project_of, version_of
from apps.packages.domain.options import FORMATS, INCLUDES, TOPOLOGIES, options_for
from apps.packages.models import PackageExport
from apps.packages.queries import exports_for
from apps.packages.services import delete_export, start_export
from apps.projects.enums import Act
from apps.projects.queries import spec_of


class PackageSerializer(serializers.ModelSerializer[PackageExport]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    filename = serializers.CharField(read_only=True)
    is_ready = serializers.BooleanField(source="is_offered", read_only=True)
    options = serializers.DictField(read_only=True)
    findings = FindingSerializer(many=True, read_only=True, help_text="What the checks said.")
    job = JobSerializer(read_only=True)

    class Meta:
        model = PackageExport
        fields = [
            "id",
            "project",
            "version",
            "filename",
            "is_ready",
            "options",
            "sha256",
            "size_bytes",
            "findings",
            "job",
            "created_at",
        ]
        read_only_fields = fields


class PackedFile(serializers.Serializer[Any]):
    path = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    reason = serializers.CharField()


class PackageDetailSerializer(PackageSerializer):
    contents = PackedFile(many=True, read_only=True)

    class Meta(PackageSerializer.Meta):
        fields = [*PackageSerializer.Meta.fields, "contents"]
        read_only_fields = fields


class NewPackage(serializers.Serializer[Any]):
    """What is left out comes from the version's own deployment section."""

    version = serializers.IntegerField(
        required=False, min_value=1, help_text="Default: the newest version."
    )
    formats = serializers.ListField(
        child=serializers.ChoiceField(choices=FORMATS), required=False, allow_empty=False
    )
    topology = serializers.ChoiceField(choices=TOPOLOGIES, required=False)
    include = serializers.ChoiceField(choices=INCLUDES, required=False)
    port = serializers.IntegerField(min_value=1, max_value=65_535, required=False)


@extend_schema_view(
    list=extend_schema(summary="The project's packages, newest first"),
    create=extend_schema(
        summary="Export a version",
        request=NewPackage,
        responses={202: PackageSerializer},
        parameters=[PARAMETER],
    ),
)
@extend_schema(tags=["packages"])
class ProjectPackages(Resource):
    serializer_class = PackageSerializer
    changes = Act.SHIP

    def rows(self) -> QuerySet[PackageExport]:
        return _with_owner(exports_for(caller(self.request))).filter(project=project_of(self))

    def list(self, request: Request, project_id: UUID) -> Response:
        return self.page_of(self.get_queryset(), PackageSerializer)

    @idempotent
    def create(self, request: Request, project_id: UUID) -> Response:
        project = project_of(self)
        chosen = self.body(NewPackage, request)
        version = version_of(self, project, chosen.pop("version", None))
        options = options_for(spec_of(version).spec.deployment, **chosen)
        export = start_export(version=version, options=options, by=caller(request))
        return Response(PackageSerializer(export).data, status=202)


@extend_schema_view(
    retrieve=extend_schema(
        summary="One package, its findings and contents", responses=PackageDetailSerializer
    ),
    destroy=extend_schema(summary="Delete a package"),
)
@extend_schema(tags=["packages"])
class Packages(Resource):
    serializer_class = PackageSerializer
    changes = Act.SHIP

    def rows(self) -> QuerySet[PackageExport]:
        return _with_owner(exports_for(caller(self.request)))

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(PackageDetailSerializer(self.row(pk)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_export(export=self.row(pk))
        return Response(status=204)

    @extend_schema(
        operation_id="packages_download",
        summary="The package's zip file",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def download(self, request: Request, pk: UUID) -> FileResponse:
        export = self.row(pk, Act.SHIP)
        if not export.is_offered:
            raise PackageNotReady
        return FileResponse(
            export.file.open("rb"),
            as_attachment=True,
            filename=export.filename,
            content_type="application/zip",
            headers={
                "Content-Length": str(export.size_bytes),
                "ETag": f'"{export.sha256}"',
                "X-Content-Type-Options": "nosniff",
            },
        )


def _with_owner(rows: QuerySet[PackageExport]) -> QuerySet[PackageExport]:
    return rows.select_related("project", "version__project", "job__owner", "created_by")

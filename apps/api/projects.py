"""Projects: the document as JSON or YAML, its findings, its building."""

from __future__ import annotations

import json
from typing import Any, get_args
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.errors import BodyRefused, RevisionMissing
from apps.api.fields import FindingSerializer, ProblemSerializer, SpecField
from apps.api.idempotency import PARAMETER, idempotent
from apps.api.parsers import YamlParser
from apps.api.resource import Resource, caller
from apps.api.versions import VersionDetailSerializer
from apps.projects.domain.importers.importing import FORMATS, import_text
from apps.projects.domain.ops import assign
from apps.projects.domain.spec import NAME, ApplicationId, ProjectSpec
from apps.projects.domain.validate import findings
from apps.projects.domain.yaml_io import brief, dump, locate, parse, plain
from apps.projects.enums import Act
from apps.projects.errors import ImportRefused, SpecRefused
from apps.projects.models import Draft, Project
from apps.projects.queries import context_for, projects_for, spec_of
from apps.projects.services import (
    apply_document,
    create_project,
    delete_project,
    import_project,
    save_draft,
)
from apps.projects.version_services import build_version
from apps.ui.http import whole_number

APPLICATIONS: tuple[str, ...] = get_args(ApplicationId)
CONFLICT = OpenApiResponse(ProblemSerializer, description="Somebody saved in between.")
IF_MATCH = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    description='The revision the change is based on, as the ETag of the last read: "7".',
)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    owner = serializers.CharField(source="owner.username", read_only=True)
    revision = serializers.IntegerField(source="draft.revision", read_only=True)

    class Meta:
        model = Project
        fields = [
            "id",
            "name",
            "title",
            "description",
            "application",
            "owner",
            "revision",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class ProjectDetailSerializer(ProjectSerializer):
    spec = serializers.SerializerMethodField()
    findings = serializers.SerializerMethodField()

    class Meta(ProjectSerializer.Meta):
        fields = [*ProjectSerializer.Meta.fields, "spec", "findings"]
        read_only_fields = fields

    @extend_schema_field(SpecField())
    def get_spec(self, project: Project) -> dict[str, Any]:
        return plain(spec_of(project.draft))

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, project: Project) -> list[dict[str, Any]]:
        return findings_of(project)


class NewProject(serializers.Serializer[Any]):
    """One of: `application` with `title` (a commented starter), `yaml`, or `spec`."""

    application = serializers.ChoiceField(choices=APPLICATIONS, required=False)
    title = serializers.CharField(max_length=120, required=False)
    name = serializers.RegexField(NAME, max_length=63, required=False)
    yaml = serializers.CharField(required=False, trim_whitespace=False)
    spec = SpecField(required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("application", "yaml", "spec") if name in values]
        if len(given) != 1:
            raise serializers.ValidationError("Give one of application, yaml and spec.")
        return values


class ProjectChange(serializers.Serializer[Any]):
    """Parts of the document; a block is merged, a list replaced."""

    base_revision = serializers.IntegerField(required=False, min_value=1)
    metadata = serializers.DictField(required=False)
    spec = serializers.DictField(required=False)
    set = serializers.DictField(
        required=False, help_text='Values by dotted path: {"deployment.port": 8081}.'
    )


class YamlDocument(serializers.Serializer[Any]):
    yaml = serializers.CharField(trim_whitespace=False)
    base_revision = serializers.IntegerField(required=False, min_value=1)


class YamlShown(serializers.Serializer[Any]):
    yaml = serializers.CharField()
    revision = serializers.IntegerField()
    findings = FindingSerializer(many=True)


class Judged(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    findings = FindingSerializer(many=True)


class AppliedDocument(serializers.Serializer[Any]):
    yaml = serializers.CharField(trim_whitespace=False)
    force = serializers.BooleanField(default=False)
    dry_run = serializers.BooleanField(default=False)


class AppliedShown(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["created", "updated", "unchanged"])
    name = serializers.CharField()
    project = serializers.UUIDField(allow_null=True)
    changes = serializers.ListField(child=serializers.CharField())
    findings = FindingSerializer(many=True)


class ForeignFile(serializers.Serializer[Any]):
    content = serializers.CharField(
        trim_whitespace=False,
        help_text="The file's text: GenAIStudio workflow, OPEA GMConnector, Dify DSL, or a project file.",
    )
    name = serializers.CharField(
        max_length=120, required=False, default="", help_text="Where the file has no title."
    )
    resource = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        help_text="Which of several GMConnectors in the file. Default: the first.",
    )
    dry_run = serializers.BooleanField(default=False)


class ImportedShown(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=list(FORMATS))
    project = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    application = serializers.CharField()
    resources = serializers.ListField(
        child=serializers.CharField(), help_text="All GMConnectors of the file, by name."
    )
    yaml = serializers.CharField()
    notes = FindingSerializer(many=True, help_text="What was carried, changed and left out.")
    findings = FindingSerializer(many=True, help_text="What keeps it from being built.")


class NewVersion(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


def findings_of(project: Project) -> list[dict[str, Any]]:
    """What keeps the draft from being built, and what is likely unwanted, by line."""
    draft = project.draft
    found = locate(draft.yaml, findings(spec_of(draft), context_for(project.owner)))
    return [finding.as_dict() for finding in found]


@extend_schema_view(
    list=extend_schema(summary="The caller's projects, last changed first"),
    retrieve=extend_schema(
        summary="One project with its document and findings", responses=ProjectDetailSerializer
    ),
    create=extend_schema(
        summary="Create a project",
        request={"application/json": NewProject, "application/yaml": str},
        responses={201: ProjectDetailSerializer},
        parameters=[PARAMETER],
    ),
    partial_update=extend_schema(
        summary="Change parts of the document",
        request=ProjectChange,
        responses={200: ProjectDetailSerializer, 409: CONFLICT},
        parameters=[IF_MATCH],
    ),
    destroy=extend_schema(summary="Delete a project; it can be restored for 30 days"),
)
@extend_schema(tags=["projects"])
class Projects(Resource):
    serializer_class = ProjectSerializer
    parser_classes = (JSONParser, YamlParser)

    def rows(self) -> QuerySet[Project]:
        return projects_for(caller(self.request))

    def list(self, request: Request) -> Response:
        return self.page_of(self.get_queryset(), ProjectSerializer)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return _shown(self.row(pk))

    @idempotent
    @transaction.atomic
    def create(self, request: Request) -> Response:
        values = self.body(NewProject, request)
        text = values.get("yaml") or (dump(_spec(values["spec"])) if "spec" in values else "")
        project = _new(request, values, text)
        return _shown(self.row(project.pk), status=201)

    def partial_update(self, request: Request, pk: UUID) -> Response:
        project = self.row(pk)
        values = self.body(ProjectChange, request)
        blocks = {key: value for key, value in values.items() if key in {"metadata", "spec"}}
        changed = assign(spec_of(project.draft), {**blocks, **values.get("set", {})})
        save_draft(
            project=project,
            spec=changed,
            base_revision=_base_revision(request, values),
            by=caller(request),
        )
        return _shown(self.row(pk))

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_project(project=self.row(pk, Act.DELETE), by=caller(request))
        return Response(status=204)

    @extend_schema(
        operation_id="projects_yaml_retrieve",
        summary="The document as YAML, comments and all",
        responses=YamlShown,
    )
    def get_yaml(self, request: Request, pk: UUID) -> Response:
        return _yaml(self.row(pk))

    @extend_schema(
        operation_id="projects_yaml_update",
        summary="Replace the document",
        request={"application/json": YamlDocument, "application/yaml": str},
        responses={200: YamlShown, 409: CONFLICT},
        parameters=[IF_MATCH],
    )
    def put_yaml(self, request: Request, pk: UUID) -> Response:
        project = self.row(pk)
        values = self.body(YamlDocument, request)
        save_draft(
            project=project,
            yaml=values["yaml"],
            base_revision=_base_revision(request, values),
            by=caller(request),
        )
        return _yaml(self.row(pk))

    @extend_schema(
        summary="What keeps the project from being built, and what is likely unwanted",
        responses=Judged,
    )
    def findings(self, request: Request, pk: UUID) -> Response:
        project = self.row(pk)
        data = {"revision": project.draft.revision, "findings": findings_of(project)}
        return Response(data, headers=_etag(project.draft))

    @extend_schema(
        summary="Freeze the document as a version; the same document gives the same version",
        request=NewVersion,
        responses={200: VersionDetailSerializer, 201: VersionDetailSerializer},
    )
    @idempotent
    def build(self, request: Request, pk: UUID) -> Response:
        project = self.row(pk, Act.BUILD)
        known = set(project.versions.values_list("pk", flat=True))
        version = build_version(
            project=project, by=caller(request), **self.body(NewVersion, request)
        )
        status = 200 if version.pk in known else 201
        return Response(VersionDetailSerializer(version).data, status=status)

    @extend_schema(
        summary="Create or update the project that the document names",
        request={"application/json": AppliedDocument, "application/yaml": str},
        responses={200: AppliedShown, 409: CONFLICT},
    )
    def apply(self, request: Request) -> Response:
        values = self.body(AppliedDocument, request)
        done = apply_document(
            owner=caller(request),
            text=values["yaml"],
            force=values["force"],
            dry_run=values["dry_run"],
        )
        return Response(
            {
                "action": done.action,
                "name": done.name,
                "project": done.project and done.project.pk,
                "changes": done.changes,
                "findings": [finding.as_dict() for finding in done.findings],
            }
        )

    @extend_schema(
        operation_id="projects_import",
        summary="Make a project of another program's file",
        request=ForeignFile,
        responses={200: ImportedShown, 201: ImportedShown},
        parameters=[PARAMETER],
    )
    @idempotent
    def import_file(self, request: Request) -> Response:
        values = self.body(ForeignFile, request)
        imported = import_text(values["content"], values["name"], values["resource"])
        if imported.spec is None:
            raise ImportRefused(imported.notes)
        made = None
        if not values["dry_run"]:
            source = FORMATS[imported.kind]
            made = import_project(owner=caller(request), spec=imported.spec, source=source)
        text = made.draft.yaml if made else brief(imported.spec)
        found = locate(text, findings(imported.spec, context_for(caller(request))))
        return Response(
            {
                "format": imported.kind,
                "project": made and made.pk,
                "name": made.name if made else imported.spec.metadata.name,
                "application": imported.spec.spec.application,
                "resources": list(imported.resources),
                "yaml": text,
                "notes": [one.as_dict() for one in imported.notes],
                "findings": [one.as_dict() for one in found],
            },
            status=201 if made else 200,
        )


def _new(request: Request, values: dict[str, Any], text: str) -> Project:
    spec = _parsed(text) if text else None
    project = create_project(
        owner=caller(request),
        application=spec.spec.application if spec else values["application"],
        title=(spec.metadata.title if spec else values.get("title")) or "New project",
        name=spec.metadata.name if spec else values.get("name"),
    )
    if text:
        save_draft(project=project, yaml=text, base_revision=1, by=caller(request))
    return project


def _parsed(text: str) -> ProjectSpec:
    spec, found = parse(text)
    if spec is None:
        raise SpecRefused(found)
    return spec


def _spec(values: Any) -> ProjectSpec:
    """A document given as JSON is read like one given as YAML: JSON is YAML."""
    return _parsed(json.dumps(values))


def _base_revision(request: Request, values: dict[str, Any]) -> int:
    header = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    given = whole_number(header) if header else values.get("base_revision")
    if header and given is None:
        raise BodyRefused('If-Match must hold the revision as its ETag gave it, for example "7".')
    if given is None:
        raise RevisionMissing
    return int(given)


def _shown(project: Project, status: int = 200) -> Response:
    data = ProjectDetailSerializer(project).data
    return Response(data, status=status, headers=_etag(project.draft))


def _yaml(project: Project) -> Response:
    draft = project.draft
    data = {"yaml": draft.yaml, "revision": draft.revision, "findings": findings_of(project)}
    return Response(data, headers=_etag(draft))


def _etag(draft: Draft) -> dict[str, str]:
    return {"ETag": f'"{draft.revision}"'}

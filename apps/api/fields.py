"""Pieces that several resources show."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.jobs.models import Job
from apps.projects.domain.spec import ProjectSpec


@extend_schema_field(ProjectSpec)  # type: ignore[arg-type]
class SpecField(serializers.JSONField):
    """A whole project document as JSON, under the names that the YAML uses."""


class FindingSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    path = serializers.CharField(allow_blank=True, help_text="Dotted place in the document.")
    severity = serializers.ChoiceField(choices=["error", "warning", "info"])
    line = serializers.IntegerField(help_text="In the YAML, from 1; 0 where it is not known.")
    column = serializers.IntegerField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """Background work; poll it until `status` is none of queued and running."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    percent = serializers.IntegerField(read_only=True)

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "title",
            "target_id",
            "owner",
            "status",
            "done",
            "total",
            "percent",
            "message",
            "error_code",
            "error_message",
            "attempt",
            "cancel_requested",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class ProblemSerializer(serializers.Serializer[Any]):
    """application/problem+json, RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable and dotted, for programs.")
    instance = serializers.CharField(required=False)
    findings = FindingSerializer(many=True, required=False)

"""Model servers and vector stores. A key goes in and never comes out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.idempotency import PARAMETER, idempotent
from apps.api.resource import Resource, caller
from apps.connections.enums import EndpointKind
from apps.connections.models import Endpoint
from apps.connections.queries import endpoints_for
from apps.connections.services import (
    create_endpoint,
    delete_endpoint,
    discover,
    test_saved_endpoint,
    update_endpoint,
)
from apps.projects.domain.spec import NAME


class ConnectionSerializer(serializers.ModelSerializer[Endpoint]):
    has_key = serializers.SerializerMethodField()
    models = serializers.ListField(child=serializers.CharField(), source="model_names")
    test_result = serializers.DictField(help_text="Of the last test; empty before the first.")

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "name",
            "title",
            "kind",
            "base_url",
            "has_key",
            "models",
            "tested_at",
            "test_result",
            "created_at",
        ]
        read_only_fields = fields

    def get_has_key(self, endpoint: Endpoint) -> bool:
        return endpoint.secret_id is not None


class NewConnection(serializers.Serializer[Any]):
    name = serializers.RegexField(NAME, max_length=63, help_text="What project files call it.")
    base_url = serializers.CharField(
        max_length=300,
        help_text="Usually ends with /v1; that of an OPEA service before its path; that of a vector "
        "store as in redis://host:6379/0, http://host:6333 (Qdrant), http://host:19530 (Milvus), "
        "postgresql://user@host:5432/database.",
    )
    kind = serializers.ChoiceField(
        EndpointKind.choices, required=False, default=EndpointKind.OPENAI, help_text="For good."
    )
    title = serializers.CharField(max_length=120, required=False, default="")
    api_key = serializers.CharField(
        max_length=2000,
        required=False,
        default="",
        write_only=True,
        allow_blank=True,
        help_text="Key, token or password. Never part of the address.",
    )


class ChangedConnection(serializers.Serializer[Any]):
    base_url = serializers.CharField(max_length=300, required=False)
    title = serializers.CharField(max_length=120, required=False)
    api_key = serializers.CharField(
        max_length=2000, required=False, write_only=True, help_text="Empty keeps the stored one."
    )
    forget_key = serializers.BooleanField(required=False, default=False)


class TestRequest(serializers.Serializer[Any]):
    model = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class FoundServer(serializers.Serializer[Any]):
    base_url = serializers.CharField()
    kind = serializers.CharField(help_text="A guess from its port and words.")
    speaks = serializers.ChoiceField(
        EndpointKind.choices, help_text="The kind that a connection to it would be."
    )
    suggested_name = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())


class FoundServers(serializers.Serializer[Any]):
    servers = FoundServer(many=True)


@extend_schema_view(
    list=extend_schema(summary="The caller's model servers"),
    retrieve=extend_schema(summary="One model server"),
    create=extend_schema(
        summary="Connect a model server",
        request=NewConnection,
        responses={201: ConnectionSerializer},
        parameters=[PARAMETER],
    ),
    partial_update=extend_schema(
        summary="Change a model server",
        request=ChangedConnection,
        responses=ConnectionSerializer,
    ),
    destroy=extend_schema(summary="Remove a model server and its key"),
)
@extend_schema(tags=["connections"])
class Connections(Resource):
    serializer_class = ConnectionSerializer

    def rows(self) -> QuerySet[Endpoint]:
        return endpoints_for(caller(self.request))

    def list(self, request: Request) -> Response:
        return self.page_of(self.get_queryset(), ConnectionSerializer)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(ConnectionSerializer(self.row(pk)).data)

    @idempotent
    def create(self, request: Request) -> Response:
        endpoint = create_endpoint(owner=caller(request), **self.body(NewConnection, request))
        return Response(ConnectionSerializer(endpoint).data, status=201)

    def partial_update(self, request: Request, pk: UUID) -> Response:
        endpoint = self.row(pk)
        present = {"title": endpoint.title, "base_url": endpoint.base_url}
        values = present | self.body(ChangedConnection, request)
        update_endpoint(endpoint=endpoint, **values)
        return Response(ConnectionSerializer(endpoint).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_endpoint(endpoint=self.row(pk))
        return Response(status=204)

    @extend_schema(
        summary="Ask the server now for its models and a word",
        request=TestRequest,
        responses=ConnectionSerializer,
    )
    def test(self, request: Request, pk: UUID) -> Response:
        endpoint = self.row(pk)
        test_saved_endpoint(endpoint=endpoint, **self.body(TestRequest, request))
        return Response(ConnectionSerializer(endpoint).data)

    @extend_schema(
        summary="Model servers that listen on this machine",
        responses=FoundServers,
    )
    def found(self, request: Request) -> Response:
        return Response({"servers": FoundServer(discover(), many=True).data})

"""Collections, their documents, and search in them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.errors import BodyRefused
from apps.api.fields import JobSerializer
from apps.api.idempotency import PARAMETER, idempotent
from apps.api.resource import Resource, caller
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.errors import ReadOnly
from apps.knowledge.models import Collection, Document
from apps.knowledge.queries import collections_for, documents_for, may_change, with_counts
from apps.knowledge.retrieval import retriever_for
from apps.knowledge.services import (
    create_collection,
    delete_collection,
    free_name,
    receive,
    remove_document,
    retry_documents,
    update_collection,
)


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    owner = serializers.CharField(source="owner.username", read_only=True)
    document_count = serializers.IntegerField(read_only=True, help_text="Searchable documents.")
    chunk_count = serializers.IntegerField(read_only=True)
    waiting_count = serializers.IntegerField(read_only=True)
    problem_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Collection
        fields = [
            "id",
            "name",
            "title",
            "description",
            "owner",
            "chunk_size",
            "chunk_overlap",
            "embedding_model",
            "revision",
            "document_count",
            "chunk_count",
            "waiting_count",
            "problem_count",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class NewCollection(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120)
    name = serializers.SlugField(max_length=63, required=False, help_text="Default: of the title.")
    description = serializers.CharField(required=False, default="", allow_blank=True)
    chunk_size = serializers.IntegerField(required=False, default=800)
    chunk_overlap = serializers.IntegerField(required=False, default=120)


class ChangedCollection(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    chunk_size = serializers.IntegerField(required=False)
    chunk_overlap = serializers.IntegerField(required=False)


class DocumentSerializer(serializers.ModelSerializer[Document]):
    collection = serializers.UUIDField(source="collection_id", read_only=True)

    class Meta:
        model = Document
        fields = [
            "id",
            "collection",
            "name",
            "media_type",
            "size_bytes",
            "sha256",
            "status",
            "error_code",
            "error_message",
            "page_count",
            "char_count",
            "chunk_count",
            "created_at",
            "indexed_at",
        ]
        read_only_fields = fields


class DocumentFilter(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=DocumentStatus.choices, required=False)
    search = serializers.CharField(required=False, max_length=200, allow_blank=True)


class Upload(serializers.Serializer[Any]):
    """multipart/form-data. `files` may be repeated; `paths` gives each its name in the collection."""

    files = serializers.ListField(child=serializers.FileField(), allow_empty=False)
    paths = serializers.ListField(child=serializers.CharField(max_length=400), required=False)


class UploadOutcome(serializers.Serializer[Any]):
    name = serializers.CharField()
    status = serializers.ChoiceField(
        choices=["queued", "unchanged", "ignored", "refused", "failed"]
    )
    code = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    document_id = serializers.UUIDField(allow_null=True)


class Uploaded(serializers.Serializer[Any]):
    """What became of each file, and the job that indexes those that were taken."""

    outcomes = UploadOutcome(many=True)
    job = JobSerializer(allow_null=True)


class SearchRequest(serializers.Serializer[Any]):
    query = serializers.CharField(max_length=4000)
    mode = serializers.ChoiceField(choices=["hybrid", "dense", "lexical"], default="hybrid")
    k = serializers.IntegerField(min_value=1, max_value=50, default=6)


class PassageSerializer(serializers.Serializer[Any]):
    """`text` is exactly the characters start..end of the document's extracted text."""

    chunk_id = serializers.CharField()
    document_id = serializers.CharField()
    document = serializers.CharField()
    text = serializers.CharField()
    score = serializers.FloatField(help_text="Larger is better; comparable within one answer only.")
    ordinal = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    page = serializers.IntegerField(allow_null=True)
    heading = serializers.CharField(allow_blank=True)


class Found(serializers.Serializer[Any]):
    passages = PassageSerializer(many=True)


@extend_schema_view(
    list=extend_schema(summary="Collections"),
    retrieve=extend_schema(summary="One collection"),
    create=extend_schema(
        summary="Make an empty collection",
        request=NewCollection,
        responses={201: CollectionSerializer},
        parameters=[PARAMETER],
    ),
    partial_update=extend_schema(
        summary="Change a collection; other chunk settings index its files again",
        request=ChangedCollection,
        responses=CollectionSerializer,
    ),
    destroy=extend_schema(summary="Delete a collection with all its documents"),
)
@extend_schema(tags=["knowledge"])
class Collections(Resource):
    serializer_class = CollectionSerializer

    def rows(self) -> QuerySet[Collection]:
        return with_counts(collections_for(caller(self.request)))

    def mine(self, pk: UUID) -> Collection:
        return changeable(self.row(pk), self.request)

    def list(self, request: Request) -> Response:
        return self.page_of(self.get_queryset(), CollectionSerializer)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(CollectionSerializer(self.row(pk)).data)

    @idempotent
    def create(self, request: Request) -> Response:
        values = self.body(NewCollection, request)
        owner = caller(request)
        values.setdefault("name", free_name(owner=owner, title=values["title"]))
        made = create_collection(owner=owner, **values)
        return Response(CollectionSerializer(self.row(made.pk)).data, status=201)

    def partial_update(self, request: Request, pk: UUID) -> Response:
        collection = self.mine(pk)
        names = ("title", "description", "chunk_size", "chunk_overlap")
        values = {name: getattr(collection, name) for name in names}
        values |= self.body(ChangedCollection, request)
        update_collection(collection=collection, by=caller(request), **values)
        return Response(CollectionSerializer(self.row(pk)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        delete_collection(collection=self.mine(pk))
        return Response(status=204)

    @extend_schema(summary="Find passages", request=SearchRequest, responses=Found)
    def search(self, request: Request, pk: UUID) -> Response:
        collection = self.row(pk)
        values = self.body(SearchRequest, request)
        found = retriever_for([collection]).find(
            values["query"], mode=values["mode"], k=values["k"]
        )
        return Response({"passages": PassageSerializer(found, many=True).data})

    @extend_schema(summary="Index again what failed", request=None, responses={202: JobSerializer})
    def retry(self, request: Request, pk: UUID) -> Response:
        job = retry_documents(collection=self.mine(pk), by=caller(request))
        return Response(JobSerializer(job).data, status=202)


@extend_schema_view(
    list=extend_schema(
        summary="Documents of a collection, by name",
        parameters=[
            OpenApiParameter("status", enum=DocumentStatus.values),
            OpenApiParameter("search", description="Part of the name."),
        ],
    ),
)
@extend_schema(
    tags=["knowledge"],
    parameters=[OpenApiParameter("collection_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
)
class CollectionDocuments(Resource):
    serializer_class = DocumentSerializer
    parser_classes = (MultiPartParser,)

    def rows(self) -> QuerySet[Document]:
        return documents_for(caller(self.request)).filter(collection=self.collection())

    def collection(self) -> Collection:
        rows = collections_for(caller(self.request))
        return get_object_or_404(rows, pk=self.kwargs["collection_id"])

    def list(self, request: Request, collection_id: UUID) -> Response:
        wanted = DocumentFilter(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        rows = self.get_queryset()
        if status := wanted.validated_data.get("status"):
            rows = rows.filter(status=status)
        if search := wanted.validated_data.get("search"):
            rows = rows.filter(name__icontains=search)
        return self.page_of(rows, DocumentSerializer)

    @extend_schema(
        operation_id="collections_documents_upload",
        summary="Add files; bad ones are refused by name and the others go on",
        request={"multipart/form-data": Upload},
        responses={202: Uploaded},
        parameters=[PARAMETER],
    )
    @idempotent
    def upload(self, request: Request, collection_id: UUID) -> Response:
        collection = changeable(self.collection(), request)
        files = request.FILES.getlist("files")
        paths = request.POST.getlist("paths") or [file.name or "" for file in files]
        if not files:
            raise BodyRefused("Send at least one file as a form field named “files”.")
        if len(paths) != len(files):
            raise BodyRefused(f"There are {len(files)} files and {len(paths)} paths.")
        named = zip(paths, files, strict=True)
        received = receive(collection=collection, files=named, by=caller(request))
        return Response(Uploaded(received).data, status=202)


@extend_schema_view(
    retrieve=extend_schema(summary="One document and its state"),
    destroy=extend_schema(summary="Remove a document; searches miss it from then on"),
)
@extend_schema(tags=["knowledge"])
class Documents(Resource):
    serializer_class = DocumentSerializer
    parser_classes = (JSONParser,)

    def rows(self) -> QuerySet[Document]:
        return documents_for(caller(self.request))

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(DocumentSerializer(self.row(pk)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        document = self.row(pk)
        changeable(document.collection, request)
        remove_document(document=document)
        return Response(status=204)


def changeable(collection: Collection, request: Request) -> Collection:
    if not may_change(caller(request), collection):
        raise ReadOnly(title=collection.title)
    return collection

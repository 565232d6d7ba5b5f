from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.resource import caller


class PersonSerializer(serializers.ModelSerializer[User]):
    is_administrator = serializers.BooleanField(source="is_superuser", read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "email", "first_name", "last_name", "is_administrator"]
        read_only_fields = fields


class Me(APIView):
    @extend_schema(
        operation_id="me", summary="Who the caller is", responses=PersonSerializer, tags=["people"]
    )
    def get(self, request: Request) -> Response:
        shown: Any = PersonSerializer(caller(request))
        return Response(shown.data)

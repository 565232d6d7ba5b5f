"""What every resource of the API shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from apps.api.errors import VersionMissing
from apps.projects.enums import Act
from apps.projects.models import Project, SpecVersion
from apps.projects.queries import project_for, require_role, versions_for

if TYPE_CHECKING:
    from apps.accounts.models import User

Row = TypeVar("Row", bound=Model)


def caller(request: Request) -> User:
    """The person; IsAuthenticated has made sure that there is one."""
    return request.user  # type: ignore[return-value]


class Resource(GenericViewSet[Any]):
    """Rows that the caller may see; of all others the answer is 404.

    Subclasses give `rows()` and a serializer; their methods are named like the router's actions.
    `changes`: what somebody does with the project of such a row who does more than read it.
    """

    lookup_value_converter = "uuid"
    changes = Act.CHANGE

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            model: type[Model] = self.serializer_class.Meta.model  # type: ignore[union-attr]
            return model._default_manager.none()
        return self.rows()

    def row(self, pk: Any, act: Act | None = None) -> Any:
        """One of the rows. act: what is done with its project; by default `changes`, or a look.

        Raises RoleMissing.
        """
        found = get_object_or_404(self.get_queryset(), pk=pk)
        project = found if isinstance(found, Project) else getattr(found, "project", None)
        if isinstance(project, Project):
            require_role(caller(self.request), project, act or self.act)
        return found

    @property
    def act(self) -> Act:
        return Act.LOOK if self.request.method in SAFE_METHODS else self.changes

    def page_of(self, rows: QuerySet[Row], serializer: type[BaseSerializer[Any]]) -> Response:
        page = self.paginate_queryset(rows)
        shown = serializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(shown.data)

    def body(self, serializer: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
        """The checked body. Raises ValidationError, which becomes a problem with findings."""
        return checked(serializer(data=request.data, context=self.get_serializer_context()))


def checked(given: BaseSerializer[Any]) -> dict[str, Any]:
    """What the body says. Raises ValidationError, also for keys that would be passed over without a
    word: they are mostly misspelt ones."""
    given.is_valid(raise_exception=True)
    known = list(getattr(given, "fields", {}))
    if unknown := [key for key in given.initial_data if key not in known]:
        message = f"This key is not known. Known here: {', '.join(known)}."
        raise ValidationError({key: [message] for key in unknown})
    values: dict[str, Any] = given.validated_data
    return values


def project_of(view: Resource) -> Project:
    """The project in the view's address. Raises RoleMissing if the caller may only look and does more."""
    return project_for(caller(view.request), view.kwargs["project_id"], view.act)


def version_of(view: Resource, project: Project, number: int | None) -> SpecVersion:
    """The numbered version of the project, or its newest one. Raises VersionMissing."""
    return _version(caller(view.request), project, number)


def newest_version(user: User, project: Project, number: int | None) -> SpecVersion:
    """The same, for views that are no Resource."""
    return _version(user, project, number)


def _version(user: User, project: Project, number: int | None) -> SpecVersion:
    rows = versions_for(user).filter(project=project)
    found = rows.first() if number is None else rows.filter(number=number).first()
    if found is None:
        raise VersionMissing(project=project.title, number=number or "yet")
    return found

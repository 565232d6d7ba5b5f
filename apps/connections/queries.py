from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import QuerySet

from apps.connections.domain.guard import check_url
from apps.connections.errors import ConnectionUnknown
from apps.connections.models import Endpoint
from apps.connections.secrets import reveal
from apps.runtime.resources import ModelServer

if TYPE_CHECKING:
    from apps.accounts.models import User


def endpoints_for(user: User) -> QuerySet[Endpoint]:
    """The connections of this user. They hold keys, so that administrators see only their own."""
    return Endpoint.objects.select_related("secret").filter(owner=user)


def served_models(owner: User) -> dict[str, tuple[str, ...]]:
    """Model names by connection name."""
    rows = Endpoint.objects.filter(owner=owner).values_list("name", "model_names")
    return {name: tuple(models) for name, models in rows}


def kinds_of(owner: User) -> dict[str, str]:
    """What each connection speaks, by its name: values of EndpointKind."""
    return dict(Endpoint.objects.filter(owner=owner).values_list("name", "kind"))


def model_server(owner: User, name: str) -> ModelServer:
    """The server behind a connection's name, with its key.

    Raises ConnectionUnknown, AddressRefused (the rules may have changed since it was made) or
    SecretUnreadable.
    """
    endpoint = endpoints_for(owner).filter(name=name).first()
    if endpoint is None:
        raise ConnectionUnknown(name=name)
    check_url(endpoint.base_url, allow_private=settings.ENDPOINTS_ALLOW_PRIVATE, kind=endpoint.kind)
    key = reveal(endpoint.secret) if endpoint.secret else ""
    return ModelServer(
        name=endpoint.name,
        base_url=endpoint.base_url,
        api_key=key,
        kind=endpoint.kind,  # type: ignore[arg-type]
    )

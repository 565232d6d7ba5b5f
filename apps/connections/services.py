from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit
from apps.connections.discovery import Found, look_around
from apps.connections.domain.guard import check_url
from apps.connections.domain.probe import ProbeResult, probe
from apps.connections.domain.service_probe import probe_http, probe_opea
from apps.connections.domain.store_probe import probe_store
from apps.connections.enums import EndpointKind
from apps.connections.errors import NameTaken
from apps.connections.models import Endpoint, Secret
from apps.connections.secrets import encrypt, reveal
from apps.runtime.stores.index import STORE_KINDS

if TYPE_CHECKING:
    from apps.accounts.models import User

RESERVED_NAMES = frozenset(("builtin",))


@transaction.atomic
def create_endpoint(
    *,
    owner: User,
    name: str,
    base_url: str,
    title: str = "",
    api_key: str = "",
    kind: str = EndpointKind.OPENAI,
    result: ProbeResult | None = None,
) -> Endpoint:
    """Connect a server under a name. result: of a test that was just made, to start with its models.

    Raises UrlRefused, AddressRefused or NameTaken.
    """
    target = check_url(base_url, allow_private=settings.ENDPOINTS_ALLOW_PRIVATE, kind=kind)
    if name in RESERVED_NAMES:
        raise NameTaken(name=name)
    try:
        with transaction.atomic():
            endpoint = Endpoint.objects.create(
                owner=owner, name=name, title=title or name, base_url=target.url, kind=kind
            )
    except IntegrityError as error:
        raise NameTaken(name=name) from error
    audit(owner, "connections.create", name, address=target.url)
    set_key(endpoint=endpoint, api_key=api_key)
    if result is not None:
        record_test(endpoint=endpoint, result=result)
    return endpoint


@transaction.atomic
def update_endpoint(
    *, endpoint: Endpoint, title: str, base_url: str, api_key: str = "", forget_key: bool = False
) -> Endpoint:
    """Change a connection; an empty api_key keeps the stored one.

    A new address drops the stored key unless it is entered again: it was given to another server.
    Raises UrlRefused or AddressRefused.
    """
    target = check_url(base_url, allow_private=settings.ENDPOINTS_ALLOW_PRIVATE, kind=endpoint.kind)
    moved = target.url != endpoint.base_url
    endpoint.title, endpoint.base_url = title or endpoint.name, target.url
    if moved:
        endpoint.model_names, endpoint.tested_at, endpoint.test_result = [], None, {}
    endpoint.save()
    if moved:
        audit(endpoint.owner, "connections.move", endpoint.name, address=target.url)
    if api_key or forget_key or moved:
        set_key(endpoint=endpoint, api_key=api_key)
    return endpoint


@transaction.atomic
def set_key(*, endpoint: Endpoint, api_key: str) -> None:
    """Store the key encrypted, in place of the one before; an empty one is none."""
    old = endpoint.secret
    endpoint.secret = None
    if api_key:
        name = f"{endpoint.name}-key"[:63]
        endpoint.secret, _ = Secret.objects.update_or_create(
            owner=endpoint.owner, name=name, defaults={"ciphertext": encrypt(api_key)}
        )
    endpoint.save(update_fields=["secret"])
    if old or endpoint.secret:
        action = "connections.set-key" if api_key else "connections.forget-key"
        audit(endpoint.owner, action, endpoint.name)
    if old is not None and old != endpoint.secret:
        old.delete()


@transaction.atomic
def delete_endpoint(*, endpoint: Endpoint) -> None:
    """Remove a connection and its key."""
    secret = endpoint.secret
    audit(endpoint.owner, "connections.delete", endpoint.name)
    endpoint.delete()
    if secret is not None:
        secret.delete()


def test_endpoint(
    base_url: str, api_key: str = "", model: str = "", *, kind: str = EndpointKind.OPENAI
) -> ProbeResult:
    """Ask the server now. Takes seconds; never raises for what the server does."""
    allow_private = settings.ENDPOINTS_ALLOW_PRIVATE
    if kind in STORE_KINDS:
        return async_to_sync(probe_store)(base_url, api_key, kind, allow_private=allow_private)
    if kind != EndpointKind.OPENAI:
        ask = probe_opea if kind == EndpointKind.OPEA else probe_http
        return async_to_sync(ask)(base_url, api_key, allow_private=allow_private)
    return async_to_sync(probe)(base_url, api_key, model, allow_private=allow_private)


def test_saved_endpoint(*, endpoint: Endpoint, model: str = "") -> ProbeResult:
    """Test a connection with its stored key and keep the result. Raises SecretUnreadable."""
    key = reveal(endpoint.secret) if endpoint.secret else ""
    result = test_endpoint(endpoint.base_url, key, model, kind=endpoint.kind)
    record_test(endpoint=endpoint, result=result)
    return result


def record_test(*, endpoint: Endpoint, result: ProbeResult) -> None:
    """Keep a test's result; the models of an earlier test stay if this one found none."""
    endpoint.tested_at = timezone.now()
    endpoint.test_result = {
        key: value for key, value in result.as_dict().items() if key != "models"
    }
    if result.models:
        endpoint.model_names = list(result.models)
    endpoint.save(update_fields=["tested_at", "test_result", "model_names"])


def discover(skip_ports: frozenset[int] = frozenset()) -> list[Found]:
    """Model servers listening on this machine. Raises AddressRefused where that is not allowed."""
    check_url("http://127.0.0.1/v1", allow_private=settings.ENDPOINTS_ALLOW_PRIVATE)
    return async_to_sync(look_around)(skip_ports)

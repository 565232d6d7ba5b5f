"""Which addresses a connection may lead to, so that a URL cannot turn the studio on its own network.

Checked twice: the URL when it is typed (`check_url`) and every resolved address at the moment of
connecting (`GuardedResolver`), so that a name cannot change its mind in between.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import AF_INET, AddressFamily
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from apps.connections.errors import AddressRefused, UrlRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_HOSTS = frozenset(
    (
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.platformequinix.com",
        "instance-data",
        "instance-data.ec2.internal",
    )
)
METADATA_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # AWS, Azure, Google Cloud, OpenStack, DigitalOcean …
        "fd00:ec2::/32",  # AWS over IPv6
        "fd20:ce::/32",  # Google Cloud over IPv6
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure WireServer
        "192.0.0.192/32",  # Oracle Cloud
    )
)
SHARED = ipaddress.ip_network("100.64.0.0/10")
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")

NEVER = "Such addresses are never connected to."
ASK_ADMINISTRATOR = (
    "An administrator can allow addresses of this machine and of private networks with "
    "STUDIO_ALLOW_PRIVATE_ENDPOINTS=true."
)


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed base URL, written so that every client reads the host that was checked.

    host   lower-case ASCII without brackets and without a final dot
    """

    url: str
    scheme: str
    host: str
    port: int


def check_url(url: str, *, allow_private: bool, kind: str = "") -> Target:
    """The parsed URL, if its form and (where it is one) its literal address are allowed.

    kind: what is to be spoken there; most of them speak HTTP. No name is resolved here. Raises
    UrlRefused or AddressRefused.
    """
    target = parse_url(url, kind)
    if target.host in METADATA_HOSTS:
        raise AddressRefused(place=target.host, kind="a metadata service", advice=NEVER)
    if (literal := _literal(target.host)) is not None:
        check_address(target.host, literal, allow_private=allow_private)
    elif target.host == "localhost" or target.host.endswith(".localhost"):
        check_address(target.host, ipaddress.ip_address("127.0.0.1"), allow_private=allow_private)
    return target


@dataclass(frozen=True, slots=True)
class Form:
    """What an address of one kind looks like. names_user: whether a user name may stand in it."""

    schemes: Mapping[str, int]
    example: str
    names_user: bool = False
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)


HTTP = Form({"http": 80, "https": 443}, "http://host:8000/v1")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
FORMS = {
    "redis": Form({"redis": 6379, "rediss": 6379}, "redis://host:6379/0", names_user=True),
    "qdrant": Form(HTTP.schemes, "http://host:6333"),
    "milvus": Form(HTTP.schemes, "http://host:19530"),
    "pgvector": Form(
        {"postgresql": 5432},
        "postgresql://user@host:5432/database",
        names_user=True,
        options={"sslmode": SSL_MODES},
    ),
}
"""By kind of connection; those that are not here speak HTTP."""
SAME_SCHEME = {"postgres": "postgresql"}
_USER = re.compile(r"[A-Za-z0-9_.~-]{1,63}\Z")
_DATABASE = re.compile(r"/[A-Za-z0-9_.-]{1,63}\Z")


def parse_url(url: str, kind: str = "") -> Target:
    """Raises UrlRefused unless this is a plain address of a server of this kind."""
    form = FORMS.get(kind, HTTP)
    text = url.strip()
    if len(text) > 300:
        raise UrlRefused(reason="it is longer than 300 characters.")
    if any(ord(character) <= 32 or ord(character) == 127 for character in text) or "\\" in text:
        raise UrlRefused(reason="it contains spaces, control characters or backslashes.")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise UrlRefused(reason="it is not a well-formed URL. Check host and port.") from error
    scheme = SAME_SCHEME.get(parts.scheme, parts.scheme)
    if scheme not in form.schemes:
        schemes = " or ".join(f"{name}://" for name in form.schemes)
        raise UrlRefused(reason=f"it must begin with {schemes}{_as_in(form)}.")
    user = _user(parts, form)
    query = _query(parts, form)
    if port == 0:
        raise UrlRefused(reason="port 0 does not exist.")
    if "[" in parts.netloc and ":" not in host:
        raise UrlRefused(reason=f"[{host}] is not an IPv6 address.")
    host = _host(host, form)
    shown = f"[{host}]" if ":" in host else host
    path = _path(parts.path.rstrip("/"), kind)
    return Target(
        url=f"{scheme}://{user}{shown}{f':{port}' if port else ''}{path}{query}",
        scheme=scheme,
        host=host,
        port=port or form.schemes[scheme],
    )


def _as_in(form: Form) -> str:
    return "" if form is HTTP else f", as in {form.example}"


def _user(parts: SplitResult, form: Form) -> str:
    """The user as it stands in the URL, with its @. A password never stays in an address."""
    if parts.password is not None:
        raise UrlRefused(reason="it contains a password. Use the field for the key or password.")
    if parts.username is None:
        if form.options:
            raise UrlRefused(reason=f"the user is missing, as in {form.example}.")
        return ""
    if not form.names_user:
        raise UrlRefused(reason="it contains a user name or password. Use the field for the key.")
    if not _USER.match(parts.username):
        raise UrlRefused(
            reason="its user name has characters other than letters, digits and _ . ~ -."
        )
    return f"{parts.username}@"


def _query(parts: SplitResult, form: Form) -> str:
    if parts.fragment or (parts.query and not form.options):
        raise UrlRefused(reason="leave out everything from ? or #.")
    if not parts.query:
        return ""
    name, _, value = parts.query.partition("=")
    if value not in form.options.get(name, ()):
        raise UrlRefused(
            reason=f"after ? only sslmode may stand, as one of {', '.join(SSL_MODES)}."
        )
    return f"?{name}={value}"


def _path(path: str, kind: str) -> str:
    if kind == "redis" and not re.fullmatch(r"(/\d{1,4})?", path):
        raise UrlRefused(reason="after the host stands the number of a database, as in /0.")
    if kind == "redis" and path.strip("/0"):
        raise UrlRefused(reason="Redis searches its database 0 only. Write /0 or leave it out.")
    if kind == "pgvector" and not _DATABASE.match(path):
        example = FORMS[kind].example
        raise UrlRefused(reason=f"the name of the database is missing, as in {example}.")
    if kind in ("qdrant", "milvus") and path.startswith(("/v2", "/collections", "/dashboard")):
        raise UrlRefused(reason=f"leave out {path}; the address ends before it.")
    return path


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")


def _host(host: str, form: Form) -> str:
    host = host.lower().removesuffix(".")
    if not host:
        raise UrlRefused(reason=f"the host is missing, as in {form.example}.")
    if ":" in host:
        if "%" in host or _literal(host) is None:
            raise UrlRefused(reason=f"[{host}] is not an IPv6 address.")
        return host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise UrlRefused(reason=f"{host} is not a host name.") from error
    if _NUMERIC.match(host.rpartition(".")[2]) and _literal(host) is None:
        raise UrlRefused(
            reason=f"{host} is not an IP address as four decimal numbers, like 192.0.2.7."
        )
    if len(host) > 253 or not all(_LABEL.match(label) for label in host.split(".")):
        raise UrlRefused(reason=f"{host} is not a host name.")
    return host


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def check_address(host: str, address: Address, *, allow_private: bool) -> None:
    """Raises AddressRefused unless connecting to this address is allowed.

    IPv4 addresses wrapped into IPv6 (mapped, compatible, 6to4, Teredo, NAT64) count as themselves.
    """
    place = host if _literal(host) else f"{host} (at {address})"
    for form in _forms(address):
        if kind := _forbidden_kind(form):
            raise AddressRefused(place=place, kind=kind, advice=NEVER)
        if not allow_private and (kind := _private_kind(form)):
            raise AddressRefused(place=place, kind=kind, advice=ASK_ADMINISTRATOR)


def _forms(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    packed = int(address)
    inner: list[Address] = []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        inner.append(address.sixtofour)
    if address.teredo:
        inner += address.teredo
    if any(address in network for network in NAT64) or 1 < packed < 2**32:
        inner.append(ipaddress.IPv4Address(packed & 0xFFFFFFFF))
    return [address, *inner]


def _forbidden_kind(address: Address) -> str:
    if any(
        address.version == network.version and address in network for network in METADATA_NETWORKS
    ):
        return "a link-local or metadata address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or (address.version == 4 and address in THIS_NETWORK):
        return "no address of a server"
    if address.version == 4 and address.is_reserved:
        return "a reserved address"
    return ""


def _private_kind(address: Address) -> str:
    if address.is_loopback:
        return "an address of this machine"
    shared = address.version == 4 and address in SHARED
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    if address.is_private or shared or site_local:
        return "an address of a private network"
    return ""


class GuardedResolver(AbstractResolver):
    """Resolves names for aiohttp and refuses a host if any of its addresses is refused.

    allow_private is asked at every look-up, so that one session follows the setting.
    """

    def __init__(
        self, allow_private: Callable[[], bool], resolver: AbstractResolver | None = None
    ) -> None:
        self._allow_private = allow_private
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        if host.lower().removesuffix(".") in METADATA_HOSTS:
            raise AddressRefused(place=host, kind="a metadata service", advice=NEVER)
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            check_address(
                host,
                ipaddress.ip_address(one["host"].partition("%")[0]),
                allow_private=self._allow_private(),
            )
        return found

    async def close(self) -> None:
        await self._resolver.close()

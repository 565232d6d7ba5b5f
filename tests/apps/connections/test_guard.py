"""The SSRF guard: what a URL may say, and where a name may lead."""

from __future__ import annotations

import asyncio
import ipaddress
from socket import AF_INET, AddressFamily

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from apps.connections.domain.guard import GuardedResolver, check_address, check_url
from apps.connections.errors import AddressRefused, UrlRefused

NEVER = [
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.0.1/v1",
    "http://[fe80::1]/v1",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://metadata.google.internal/v1",
    "http://METADATA.google.internal./v1",
    "http://metadata/",
    "http://instance-data/",
    "http://0.0.0.0:8000/v1",
    "http://0.1.2.3/",
    "http://[::]/v1",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
]
PRIVATE = [
    "http://127.0.0.1:8000/v1",
    "http://127.8.9.10/v1",
    "http://localhost:11434/v1",
    "http://model.localhost/v1",
    "http://[::1]:8000/v1",
    "http://[::ffff:127.0.0.1]/v1",
    "http://[::127.0.0.1]/v1",
    "http://10.1.2.3/v1",
    "http://172.16.0.1/v1",
    "http://192.168.1.1/v1",
    "http://100.64.0.1/v1",
    "http://[fd12:3456::1]/v1",
    "http://[fec0::1]/v1",
]
MALFORMED = [
    "",
    "model.example",
    "ftp://model.example/v1",
    "file:///etc/passwd",
    "http://",
    "http:///v1",
    "http://user:secret@model.example/v1",
    "http://user@model.example/v1",
    "http://model.example/v1?key=1",
    "http://model.example/v1#x",
    "http://model.example:0/v1",
    "http://model.example:99999/v1",
    "http://model.example:port/v1",
    "http://2130706433/v1",
    "http://0x7f000001/v1",
    "http://0x7f.0.0.1/v1",
    "http://0177.0.0.1/v1",
    "http://127.1/v1",
    "http://1.2.3/v1",
    "http://[fe80::1%25eth0]/v1",
    "http://[v1.x]/v1",
    "http://model example/v1",
    "http://model.example\\@evil.example/v1",
    "http://model..example/v1",
    "http://-model.example/v1",
    "http://model.example/v1\n",
]


@pytest.mark.parametrize("url", NEVER)
@pytest.mark.parametrize("allow_private", [True, False])
def test_link_local_and_metadata_are_always_refused(url: str, allow_private: bool) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, allow_private=allow_private)


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_follow_the_setting(url: str) -> None:
    assert check_url(url, allow_private=True)
    with pytest.raises(AddressRefused, match="STUDIO_ALLOW_PRIVATE_ENDPOINTS"):
        check_url(url, allow_private=False)


@pytest.mark.parametrize("url", MALFORMED)
def test_malformed_urls_are_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        if url.endswith("\n"):
            check_url(url[:-1] + "\tx", allow_private=True)
        check_url(url, allow_private=True)


def test_public_url_is_normalised() -> None:
    target = check_url("HTTPS://API.Example.COM.:443/v1/", allow_private=False)

    assert (target.url, target.host, target.port) == (
        "https://api.example.com:443/v1",
        "api.example.com",
        443,
    )


def test_unicode_digits_are_read_as_the_client_reads_them() -> None:
    assert check_url("http://①②⑦.0.0.1/v1", allow_private=True).url == "http://127.0.0.1/v1"
    with pytest.raises(AddressRefused):
        check_url("http://①⑥⑨.254.169.254/v1", allow_private=True)


@given(st.text(max_size=60))
def test_any_text_is_allowed_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://{text}/v1", f"http://[{text}]/"):
        try:
            check_url(url, allow_private=False)
        except (UrlRefused, AddressRefused):
            continue


@given(st.ip_addresses(network="169.254.0.0/16"))
def test_no_wrapping_hides_a_link_local_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [
        ipaddress.IPv6Address((0xFFFF << 32) + number),
        ipaddress.IPv6Address((0x2002 << 112) + (number << 80)),
        ipaddress.IPv6Address((0x64FF9B << 96) + number),
        ipaddress.IPv6Address((0x20010000 << 96) + (number ^ 0xFFFFFFFF)),
    ]
    for form in [address, *wrapped]:
        with pytest.raises(AddressRefused):
            check_address("x", form, allow_private=True)


class Answers(AbstractResolver):
    """A name server that says what the test wants."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        return None


def resolved(*addresses: str, allow_private: bool = False) -> list[str]:
    async def look_up() -> list[str]:
        resolver = GuardedResolver(lambda: allow_private, Answers(*addresses))
        return [row["host"] for row in await resolver.resolve("name.example", 80)]

    return asyncio.run(look_up())


def test_resolver_passes_public_addresses() -> None:
    assert resolved("192.0.43.8", "2606:4700::1111") == ["192.0.43.8", "2606:4700::1111"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"])
def test_resolver_refuses_a_name_that_leads_inside(address: str) -> None:
    with pytest.raises(AddressRefused):
        resolved(address)
    assert resolved(address, allow_private=True) == [address]


def test_resolver_refuses_a_name_with_one_bad_address_among_good_ones() -> None:
    with pytest.raises(AddressRefused, match="name.example"):
        resolved("192.0.43.8", "169.254.169.254", allow_private=True)


def test_requests_of_the_runtime_are_guarded(settings, openai_server) -> None:
    """The shared session resolves through the guard; rebinding a checked name does not help."""
    from apps.runtime import http

    settings.ENDPOINTS_ALLOW_PRIVATE = False

    async def ask() -> int:
        try:
            url = openai_server.url.replace("127.0.0.1", "localhost")
            async with http.session().get(f"{url}/models") as response:
                return response.status
        finally:
            await http.close_sessions()

    with pytest.raises(AddressRefused):
        asyncio.run(ask())
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    assert asyncio.run(ask()) == 200


STORES = [
    ("redis", "redis://store.example", "redis://store.example", 6379),
    ("redis", "REDISS://app@Store.Example:7000/0", "rediss://app@store.example:7000/0", 7000),
    ("qdrant", "https://store.example:6333/", "https://store.example:6333", 6333),
    ("milvus", "http://store.example:19530", "http://store.example:19530", 19530),
    ("pgvector", "postgres://me@store.example/db", "postgresql://me@store.example/db", 5432),
    (
        "pgvector",
        "postgresql://me@[2606:4700::1111]:6000/db?sslmode=verify-full",
        "postgresql://me@[2606:4700::1111]:6000/db?sslmode=verify-full",
        6000,
    ),
]
NOT_STORES = [
    (
        "redis",
        "http://store.example:6379",
        "it must begin with redis:// or rediss://, as in redis://",
    ),
    ("redis", "redis://:secret@store.example", "it contains a password"),
    ("redis", "redis://app:secret@store.example", "it contains a password"),
    ("redis", "redis://a%0d%0ab@store.example", "its user name has characters"),
    ("redis", "redis://store.example/one", "the number of a database"),
    ("redis", "redis://store.example/3", "searches its database 0 only"),
    ("redis", "redis://store.example?password=x", "everything from ?"),
    ("redis", "redis://", "the host is missing, as in redis://host:6379/0"),
    ("qdrant", "redis://store.example", "it must begin with http:// or https://, as in"),
    ("qdrant", "http://me@store.example:6333", "it contains a user name or password"),
    ("qdrant", "http://store.example:6333/collections", "leave out /collections"),
    ("milvus", "http://root:Milvus@store.example:19530", "it contains a password"),
    ("milvus", "http://store.example:19530/v2/vectordb", "leave out /v2/vectordb"),
    ("pgvector", "postgresql://store.example/db", "the user is missing, as in postgresql://user@"),
    ("pgvector", "postgresql://me:secret@store.example/db", "it contains a password"),
    ("pgvector", "postgresql://me@store.example", "the name of the database is missing"),
    ("pgvector", "postgresql://me@store.example/db?host=10.0.0.1", "only sslmode may stand"),
    ("pgvector", "postgresql://me@store.example/db?sslmode=off", "only sslmode may stand"),
    ("pgvector", "postgresql://me@store.example/db?sslmode=require&host=x", "only sslmode"),
    ("pgvector", "postgresql://me@a.example,b.example/db", "is not a host name"),
    ("openai", "redis://store.example", "it must begin with http:// or https://."),
]


@pytest.mark.parametrize(("kind", "url", "written", "port"), STORES)
def test_addresses_of_vector_stores(kind: str, url: str, written: str, port: int) -> None:
    target = check_url(url, allow_private=False, kind=kind)

    assert (target.url, target.port) == (written, port)


@pytest.mark.parametrize(("kind", "url", "reason"), NOT_STORES)
def test_what_is_no_address_of_that_kind_is_explained(kind: str, url: str, reason: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        check_url(url, allow_private=True, kind=kind)

    assert reason in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("redis", "redis://{}:6379"),
        ("pgvector", "postgresql://me@{}:5432/db"),
        ("milvus", "http://{}"),
    ],
)
def test_the_guard_holds_for_stores(kind: str, template: str) -> None:
    for host in ("169.254.169.254", "metadata.google.internal", "[::ffff:169.254.169.254]"):
        with pytest.raises(AddressRefused):
            check_url(template.format(host), allow_private=True, kind=kind)
    for host in ("127.0.0.1", "10.0.0.1", "localhost"):
        assert check_url(template.format(host), allow_private=True, kind=kind)
        with pytest.raises(AddressRefused):
            check_url(template.format(host), allow_private=False, kind=kind)


@given(st.text(max_size=60), st.sampled_from(["redis", "qdrant", "milvus", "pgvector"]))
def test_any_text_is_allowed_or_refused_for_stores(text: str, kind: str) -> None:
    for url in (text, f"redis://{text}", f"postgresql://me@{text}/db", f"http://{text}"):
        try:
            check_url(url, allow_private=False, kind=kind)
        except (UrlRefused, AddressRefused):
            continue

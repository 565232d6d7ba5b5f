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

"""Faults of stores that do not speak HTTP, in the words that the others use."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.runtime import http
from apps.runtime.errors import ServiceUnavailable
from apps.runtime.resources import ModelServer


@asynccontextmanager
async def answering(server: ModelServer, timeout_s: float) -> AsyncIterator[None]:
    """The block within timeout_s. Raises ServiceUnavailable for what the network does."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except ConnectionRefusedError as error:
        raise _silent(server, "it refuses connections") from error
    except TimeoutError as error:
        raise _silent(server, f"it sent nothing within {timeout_s:g} s") from error
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        raise _silent(server, "it closed the connection without an answer") from error
    except ssl.SSLError as error:
        raise _silent(server, f"its TLS failed ({error.reason or error})") from error
    except socket.gaierror as error:
        raise _silent(server, "its name is not known") from error
    except OSError as error:
        raise _silent(server, error.strerror or str(error)) from error


async def reachable(server: ModelServer, host: str, port: int) -> str:
    """The IP address to connect to: names go through the resolver that guards connections."""
    async with answering(server, server.connect_timeout_s):
        return (await http.resolve(host, port))[0]


def _silent(server: ModelServer, reason: str) -> ServiceUnavailable:
    return ServiceUnavailable(service=server.name, reason=reason)

from __future__ import annotations

from apps.runtime.errors import ServiceUnavailable, UserFault


class ServerNotConfigured(ServiceUnavailable):
    code = "portal.model-server-not-configured"
    sentence = (
        "The model server “{name}” has no address. Set {variable} in .env to its "
        "OpenAI-compatible address, for instance http://models.example:8000/v1, and start again."
    )


class StoreNotConfigured(ServiceUnavailable):
    code = "portal.vector-store-not-configured"
    sentence = (
        "The vector store “{name}” has no address. Set {variable} in .env, for instance to {example}, "
        "and start again."
    )


class PackageIncomplete(UserFault):
    code = "portal.package-incomplete"
    sentence = (
        "{path} is missing from the package. Unpack it again and check it with `make verify`."
    )

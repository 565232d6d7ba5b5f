"""Why a model server cannot be used. Free of Django, so that the pure guard may raise them."""

from __future__ import annotations

from apps.runtime.errors import Conflict, NotAllowed, UserFault


class UrlRefused(UserFault):
    code = "connections.url"
    sentence = "The address cannot be used: {reason}"


class AddressRefused(NotAllowed):
    code = "connections.address-refused"
    sentence = "{place} is {kind}. {advice}"


class ConnectionUnknown(UserFault):
    code = "connections.unknown"
    sentence = "There is no connection “{name}”. Create it under Connections, or choose another."


class NameTaken(Conflict):
    code = "connections.name-taken"
    sentence = "You already have a connection called {name}. Choose another name."


class SecretUnreadable(UserFault):
    code = "connections.secret-unreadable"
    sentence = (
        "The stored key of {name} cannot be read: it was encrypted with another "
        "STUDIO_ENCRYPTION_KEY. Enter the key again."
    )

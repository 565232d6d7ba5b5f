"""The error tree every layer shares.

StudioError                an expected failure, with a stable code and a sentence for people
|- UserFault               what was asked for cannot be done; the asker can mend it
|  |- NotAllowed           refused by a rule (SSRF guard, limits, features that are off)
|  `- Conflict             somebody else was faster
`- ServiceFault            a server we depend on did not do its part
   |- ServiceUnavailable   no answer at all: refused, unreachable, timed out before a byte
   |- ServiceBroke         it answered, and then stalled, cut or sent what is not the protocol
   `- ServiceRefused       it answered properly, and the answer was no
      |- KeyRefused, ModelUnknown, RateLimited, AddressWrong, ServiceWrong
"""

from __future__ import annotations

from typing import Any, ClassVar


class StudioError(Exception):
    """An expected failure.

    Subclasses set `code` (stable, dotted, for machines) and `sentence` (for people: what was
    wrong, where, what to do), a format string over the keyword arguments of the raise.
    """

    code: ClassVar[str] = "error"
    sentence: ClassVar[str] = "Something went wrong."
    status: ClassVar[int] = 400

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.sentence.format(**params))

    def as_dict(self) -> dict[str, Any]:
        """Code, message and JSON-safe params, as an API or an engine's event line carries them."""
        return {
            "code": self.code,
            "message": str(self),
            "params": {key: str(value) for key, value in self.params.items()},
        }


class UserFault(StudioError):
    code = "user-fault"
    status = 422


class NotAllowed(UserFault):
    code = "not-allowed"
    status = 403


class Conflict(UserFault):
    code = "conflict"
    status = 409


class ServiceFault(StudioError):
    code = "service-fault"
    status = 502


class ServiceUnavailable(ServiceFault):
    code = "service.unavailable"
    sentence = (
        "{service} did not answer: {reason}. Check that it runs and that the address is right."
    )
    status = 503


class ServiceBroke(ServiceFault):
    code = "service.broke"
    sentence = (
        "{service} failed while it answered: {reason}. "
        "Try again; if it stays so, the log of that server says why."
    )


class ServiceRefused(ServiceFault):
    code = "service.refused"
    sentence = "{service} refused the request: {reason}."


class KeyRefused(ServiceRefused):
    code = "service.key-refused"
    sentence = "{service} refused the API key. Check the key of this connection."


class ModelUnknown(ServiceRefused):
    code = "service.model-unknown"
    sentence = "{service} does not know the model {model}. Choose one of the models it lists."


class RateLimited(ServiceRefused):
    code = "service.rate-limited"
    sentence = "{service} takes no more requests at the moment{wait}. Try again later."
    status = 429


class AddressWrong(ServiceRefused):
    code = "service.address-wrong"
    sentence = (
        "{service} has no OpenAI-compatible interface at {url}: {reason}. "
        "The base address usually ends in /v1."
    )


class ServiceWrong(ServiceRefused):
    code = "service.wrong"
    sentence = (
        "{service} at {url} is not the OPEA service that is needed: {reason}. The address ends "
        "before the service's path, as in http://host:9090."
    )

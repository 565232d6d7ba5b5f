"""What a vector store can do wrong, beside what every server can (`runtime.errors`)."""

from __future__ import annotations

from apps.runtime.errors import KeyRefused, ServiceFault, ServiceRefused, UserFault


class PasswordRefused(KeyRefused):
    code = "store.password-refused"
    sentence = (
        "{service} refused the user name or the password. Check the password of this connection "
        "and, where its address has one, the user name."
    )


class NoVectorSearch(ServiceRefused):
    code = "store.no-vector-search"
    sentence = "{service} cannot search vectors: {reason}."


class StoreWrong(ServiceRefused):
    code = "store.wrong"
    sentence = (
        "{service} at {url} is not the vector store that is needed: {reason}. Check the address and "
        "the kind of this connection."
    )


class StoreMissing(ServiceRefused):
    """Nothing is kept under that name: never filled, or wiped by somebody."""

    code = "store.missing"
    sentence = (
        "{service} has no vectors of this collection any more: somebody emptied it. They are sent "
        "again at the next question."
    )


class StoreForeign(ServiceRefused):
    code = "store.foreign"
    sentence = (
        "{service} has something named {table} that was not made here. Nothing was changed; remove "
        "it there, or use another database."
    )


class StoreFilling(ServiceFault):
    code = "store.filling"
    sentence = (
        "{service} does not have all vectors of “{title}” yet ({done:,} of {total:,} passages). They "
        "are being sent; ask again in a moment."
    )
    status = 503


class StoreIncomplete(ServiceFault):
    code = "store.incomplete"
    sentence = (
        "{service} took {sent:,} vectors of “{title}” and has {held:,}. Its log says why; it may lack "
        "memory or room. Free some, and ask again."
    )


class WrongDimension(UserFault):
    code = "store.wrong-dimension"
    sentence = (
        "The question's vector has {asked} numbers, those of the documents in {service} have {held}: "
        "the embedding model is another one now. Index the documents anew."
    )

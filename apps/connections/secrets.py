"""Keeps secret values encrypted at rest. Nothing else in the product decrypts them."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from apps.connections.errors import SecretUnreadable
from apps.connections.models import Secret

PURPOSE = b"genai-studio/connections/secrets/v1"


def encrypt(value: str) -> bytes:
    return _fernet(settings.ENCRYPTION_KEY).encrypt(value.encode())


def reveal(secret: Secret) -> str:
    """The value. Raises SecretUnreadable if the encryption key has changed since it was stored."""
    try:
        plain = _fernet(settings.ENCRYPTION_KEY).decrypt(bytes(secret.ciphertext))
    except InvalidToken as error:
        raise SecretUnreadable(name=secret.name) from error
    return plain.decode()


@lru_cache(maxsize=4)
def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))

"""Seals secrets that the server must be able to read again, so that a copy of the database alone is worth nothing."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

NONCE = 12  # bytes, as NIST SP 800-38D advises


class SealBroken(ValueError):
    """What was sealed cannot be read: it was altered, it belongs elsewhere, or ELEARN_SECRET_KEY is another now."""


# A code is made from the secret itself, so that it cannot be kept as a hash as passwords are. Under a key derived from
# ELEARN_SECRET_KEY, which is in no backup of the database, a stolen backup makes no codes. The price: whoever changes
# ELEARN_SECRET_KEY makes every second factor unreadable. Its owner then enters by a recovery code, which is a hash,
# and sets it up anew; or an administrator resets it (`elearn officer factor OFFICER --reset`).
def seal(secret: bytes, place: str) -> bytes:
    """`place` says where it is kept: moved to another place, it cannot be opened."""
    nonce = os.urandom(NONCE)
    return nonce + _cipher().encrypt(nonce, secret, place.encode())


def unseal(sealed: bytes, place: str) -> bytes:
    """Raises SealBroken."""
    try:
        return _cipher().decrypt(sealed[:NONCE], sealed[NONCE:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken(place) from error


def _cipher() -> AESGCM:
    secret = current_app.config["ELEARN"].secret_key.encode()
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"elearn: sealed secrets, 1").derive(secret))

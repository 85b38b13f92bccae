"""Random tokens that browsers and links carry; only their hashes are kept, so a copy of the tables lets nobody in."""

from __future__ import annotations

import secrets
from hashlib import sha256


def fresh() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

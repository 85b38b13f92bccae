"""Which passwords are good enough, and how they are kept: argon2id, never more hashes at once than there are cores."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 256
COMMON = Path(__file__).parent / "common_passwords.txt"

# OWASP Password Storage Cheat Sheet: argon2id with m=19 MiB, t=2, p=1.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

_LEET = str.maketrans("@4301!$57", "aaeoiisst")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1234567890",
    "0123456789",
    "qazwsxedcrfvtgbyhnujm",
)


class WeakPassword(ValueError):
    """A password that may not be chosen. `reason` is one of too-short, too-long, common, own."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_rules(password: str, own: Iterable[str] = ()) -> None:
    """Raises WeakPassword unless the password may be chosen. `own` are its owner's e-mail, names and number.

    Length and guessability only, as ASVS 5.0 (6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.11) asks: no demands on its characters.
    """
    text = _normalised(password)
    if text is None:
        raise WeakPassword("too-long")
    if len(text) < SHORTEST:
        raise WeakPassword("too-short")
    shapes = _shapes(text)
    if shapes & {shape for value in own for part in (value, value.partition("@")[0]) for shape in _shapes(part)}:
        raise WeakPassword("own")
    if _is_common(shapes):
        raise WeakPassword("common")


def hash_of(password: str) -> str:
    """A fresh hash to keep. Waits for a free core; takes about 25 ms and 19 MiB."""
    return _cores().submit(_HASHER.hash, _bytes(password)).result()


def matches(kept: str | None, password: str) -> bool:
    """Whether the password is the kept one. Costs the same where none is kept, so that nobody learns from the
    time whether an account exists. Above the longest length nothing is hashed at all."""
    nobody = _nobody()
    if _normalised(password) is None:
        return False
    try:
        return _cores().submit(_HASHER.verify, kept or nobody, _bytes(password)).result() and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache
def _cores() -> ThreadPoolExecutor:
    """As many threads as there are cores, which do all the hashing of this process.

    Two hundred officers who sign in together would otherwise take 4 GB at once, and no answer would come sooner. The
    threads are always the same ones because the C library keeps 19 MiB for every thread that has ever hashed.
    """
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")


# Threads do not survive a fork: a new process begins with its own. (Windows, where content is checked, has no fork.)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cores.cache_clear)


@lru_cache
def _nobody() -> str:
    """The hash of a password that nobody has."""
    return hash_of(os.urandom(32).hex())


def _normalised(password: str) -> str | None:
    """What counts of a password, also where its length is measured; None where that is more than the longest."""
    if len(password) > 4 * LONGEST:  # asked before normalising, whose time grows with the square of the length
        return None
    text = unicodedata.normalize("NFC", password)
    return text if len(text) <= LONGEST else None


def _bytes(password: str) -> bytes:
    # NFC, so that the same word typed on two keyboards is the same password.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _shapes(text: str) -> frozenset[str]:
    """What a guesser would try to reach `text`: without spaces and signs, without the figures around it, with @ and 0
    read as letters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(c for c in folded if c.isalnum() or unicodedata.category(c).startswith("M"))
    plain = "".join(c for c in folded.translate(_LEET) if c.isalpha())
    inner = re.sub(r"^[\W\d_]{0,8}|[\W\d_]{0,8}$", "", folded)
    read = "".join(c for c in inner.translate(_LEET) if c.isalnum())
    return frozenset(shape for shape in (folded, bare, plain, inner, read) if len(shape) >= 4)


def _is_common(shapes: frozenset[str]) -> bool:
    return bool(shapes & _common()) or any(len(set(shape)) < 4 or _is_run(shape) for shape in shapes)


def _is_run(shape: str) -> bool:
    """A row of the keyboard, the alphabet, or one short thing over and over."""
    if re.fullmatch(r"(.{1,10}?)\1+", shape):
        return True
    return len(shape) >= 6 and any(shape in row * 2 or shape in row[::-1] * 2 for row in _ROWS)


@lru_cache
def _common() -> frozenset[str]:
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))

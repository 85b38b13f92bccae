"""What a certificate says, its serial number, and the bytes that are signed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

Evidence = Literal["supervised", "checked", "waived"]

# Crockford's base32 (crockford.com/base32.html): no I, L, O, U, which are misread or misheard.
SERIAL_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SERIAL_LENGTH = 26  # 26 × 5 = 130 bits hold 128, so the first character is 0 to 7
_MISREAD = str.maketrans("ILO", "110")
_SEPARATORS = str.maketrans("", "", "-‐‑‒–—")  # a serial pasted from a letter may carry its dashes

# What is signed is frozen: the names, forms and meaning of these members never change. Certificates stand for
# decades; a new shape is "elearn-certificate/2" beside this one, and this one stays readable.
CERTIFICATE_TYPE = "elearn-certificate/1"
STATEMENT_TYPE = "elearn-certificate/2"  # of one module: the members of version 1, and `module` and `module_title`
_OF_A_STATEMENT = frozenset({"module", "module_title"})
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_HEX = re.compile(r"[0-9a-f]{16,128}")


class BadSerial(ValueError):
    """This text is not a certificate's serial number."""


class NotACertificate(ValueError):
    """These fields or bytes are not a certificate of version 1 or 2.

    `reason`: `json`, `duplicate`, `members`, `type`, `value` or `not-canonical`.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """The facts a certificate states, as they were on the day of issue.

    `name` is the officer's primary name exactly as issued, `name_language` its BCP 47 tag, `other_names` pairs of
    (tag, name) in other scripts. `course_title` maps language tags to titles, `course_version` is the hash of the
    content, `chain_head` the hex of the head of the officer's ledger at issue. A statement of completion of one module
    names it in `module` and `module_title`. Text is brought to NFC, the one form that is signed. Raises NotACertificate
    for an empty, malformed or wrongly typed field.
    """

    serial: str
    name: str
    name_language: str
    other_names: tuple[tuple[str, str], ...]
    course: str
    course_title: Mapping[str, str] = field(hash=False)
    course_version: str
    issuer: str
    issued_on: date
    completed_at: datetime
    evidence: Evidence
    chain_head: str
    module: str = ""
    module_title: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("serial", "name", "course", "course_version", "issuer", "chain_head"):
            object.__setattr__(self, name, _text(name, getattr(self, name)))
        others = tuple((_tag(tag), _text("other_names", name)) for tag, name in self.other_names)
        titles = {_tag(tag): _text("course_title", title) for tag, title in self.course_title.items()}
        object.__setattr__(self, "name_language", _tag(self.name_language))
        object.__setattr__(self, "other_names", others)
        object.__setattr__(self, "course_title", titles)
        of_module = {_tag(tag): _text("module_title", title) for tag, title in self.module_title.items()}
        object.__setattr__(self, "module_title", of_module)
        if self.module:
            object.__setattr__(self, "module", _text("module", self.module))
        _require(bool(self.module) == bool(of_module), "A module has an id and a title in at least one language.")
        _require(bool(titles), "A course has a title in at least one language.")
        _require(_is_serial(self.serial), "A serial is 26 characters of Crockford's base32.")
        _require(self.evidence in get_args(Evidence), "Evidence is supervised, checked or waived.")
        _require(bool(_HEX.fullmatch(self.chain_head)), "The head of a ledger is written in lower-case hex digits.")
        # A datetime is a date for isinstance, but would be signed with its time of day.
        _require(type(self.issued_on) is date, "The day of issue is a date.")
        _require(
            isinstance(self.completed_at, datetime) and self.completed_at.utcoffset() == timedelta(0),
            "The time of completion is an aware time in UTC.",
        )


def canonical_bytes(record: CertificateRecord) -> bytes:
    """The bytes that are signed: one record has exactly one such form.

    JSON as RFC 8785 writes it: members sorted, no spaces, UTF-8, only the escapes JSON requires. Text is NFC; there
    are no numbers, so the rules about floats never apply. Raises NotACertificate for text that UTF-8 cannot carry.
    """
    members = {
        "type": STATEMENT_TYPE if record.module else CERTIFICATE_TYPE,
        "serial": record.serial,
        "name": record.name,
        "name_language": record.name_language,
        "other_names": [{"language": tag, "name": name} for tag, name in record.other_names],
        "course": record.course,
        "course_title": dict(record.course_title),
        "course_version": record.course_version,
        "issuer": record.issuer,
        "issued_on": record.issued_on.isoformat(),
        "completed_at": record.completed_at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
        "evidence": record.evidence,
        "chain_head": record.chain_head,
    }
    if record.module:
        members |= {"module": record.module, "module_title": dict(record.module_title)}
    # All member names are ASCII, for which Python's order is the order of RFC 8785 (UTF-16 code units).
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def record_from_bytes(data: bytes) -> CertificateRecord:
    """The record whose canonical bytes these are.

    Raises NotACertificate for anything else: other members, a member twice, another spelling of the same JSON.
    """
    members = _members(data)
    if members.get("type") not in (CERTIFICATE_TYPE, STATEMENT_TYPE):
        raise NotACertificate("type", "This is not a certificate of version 1 or 2.")
    left_out = _OF_A_STATEMENT if members["type"] == CERTIFICATE_TYPE else frozenset()
    if set(members) != {"type", *(member.name for member in fields(CertificateRecord))} - left_out:
        raise NotACertificate("members", "A certificate has exactly the members of its version.")
    try:
        record = _record(members)
    except (AttributeError, KeyError, TypeError) as error:
        raise NotACertificate("value", "A member of the certificate has the wrong type.") from error
    except NotACertificate:
        raise
    except ValueError as error:  # dates and times
        raise NotACertificate("value", "A date or time in the certificate cannot be read.") from error
    if canonical_bytes(record) != data:
        raise NotACertificate("not-canonical", "The certificate is not written in its one canonical form.")
    return record


def new_serial(random_bytes: bytes) -> str:
    """A serial from exactly 16 random bytes (128 bits): 26 characters, so that guessing one is hopeless."""
    if len(random_bytes) != 16:
        raise ValueError("A serial is made of exactly 16 random bytes.")
    number = int.from_bytes(random_bytes, "big")
    return "".join(SERIAL_ALPHABET[number >> shift & 31] for shift in range(5 * (SERIAL_LENGTH - 1), -1, -5))


def normal_serial(text: str) -> str:
    """The serial that somebody typed or scanned, in its one form: upper case, without spaces and hyphens.

    I and L are read as 1, O as 0 (Crockford). Raises BadSerial.
    """
    serial = "".join(text.split()).translate(_SEPARATORS)
    # Asked before upper(): some letters outside ASCII have an ASCII capital (ı, ſ).
    if not serial.isascii():
        raise BadSerial("A serial has only letters and digits of the Latin script.")
    serial = serial.upper().translate(_MISREAD)
    if not _is_serial(serial):
        raise BadSerial("A serial has 26 letters and digits and begins with 0 to 7.")
    return serial


def grouped_serial(serial: str) -> str:
    """The serial in groups of four, as it is printed and read aloud; `normal_serial` reads it back."""
    return " ".join(serial[start : start + 4] for start in range(0, len(serial), 4))


def _is_serial(text: str) -> bool:
    return len(text) == SERIAL_LENGTH and text[0] in "01234567" and all(sign in SERIAL_ALPHABET for sign in text)


def _record(members: Mapping[str, Any]) -> CertificateRecord:
    for other in members["other_names"]:
        if set(other) != {"language", "name"}:
            raise NotACertificate("members", "A name in another script has a language and a name, nothing else.")
    return CertificateRecord(
        serial=members["serial"],
        name=members["name"],
        name_language=members["name_language"],
        other_names=tuple((other["language"], other["name"]) for other in members["other_names"]),
        course=members["course"],
        course_title=members["course_title"],
        course_version=members["course_version"],
        issuer=members["issuer"],
        issued_on=date.fromisoformat(members["issued_on"]),
        completed_at=datetime.strptime(members["completed_at"], _TIME).replace(tzinfo=UTC),
        evidence=members["evidence"],
        chain_head=members["chain_head"],
        module=members.get("module", ""),
        module_title=members.get("module_title", {}),
    )


def _members(data: bytes) -> dict[str, Any]:
    try:
        members = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repeats)
    except NotACertificate:
        raise
    except (ValueError, RecursionError) as error:
        raise NotACertificate("json", "These bytes are not JSON in UTF-8.") from error
    if not isinstance(members, dict):
        raise NotACertificate("members", "A certificate is a JSON object.")
    return members


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keeps a certificate from saying two things: readers differ on which of two equal members they believe."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotACertificate("duplicate", "A member occurs twice.")
    return members


def _text(name: str, value: object) -> str:
    _require(isinstance(value, str) and bool(value.strip()), f"The field {name} is text and not empty.")
    text = unicodedata.normalize("NFC", str(value))
    # Half of a surrogate pair is no character; UTF-8 has no bytes for it.
    _require(not any("\ud800" <= sign <= "\udfff" for sign in text), f"The field {name} is not valid Unicode.")
    return text


def _tag(value: object) -> str:
    _require(isinstance(value, str) and bool(_TAG.fullmatch(value)), "A language is named by a BCP 47 tag.")
    return str(value)


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise NotACertificate("value", sentence)

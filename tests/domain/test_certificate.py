"""What a certificate says is signed in one form, read back strictly, and named by a serial that survives typing."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.certificate import (
    SERIAL_ALPHABET,
    BadSerial,
    CertificateRecord,
    NotACertificate,
    canonical_bytes,
    grouped_serial,
    new_serial,
    normal_serial,
    record_from_bytes,
)

MEERA = CertificateRecord(
    serial="0710G40R2GA1G7283CHG8M2SDX",
    name="मीरा देवी शर्मा",
    name_language="hi",
    other_names=(("en", "Meera Devi Sharma"), ("mni-Mtei", "ꯃꯤꯔꯥ ꯗꯦꯕꯤ")),
    course="ai-for-good-governance",
    course_title={"en": "AI for Good Governance", "hi": "सुशासन के लिए एआई"},
    course_version="5f2c" * 16,
    issuer='Model District "Collectorate"',
    issued_on=date(2026, 11, 23),
    completed_at=datetime(2026, 11, 23, 9, 5, 7, 120, tzinfo=UTC),
    evidence="supervised",
    chain_head="0123456789abcdef" * 4,
)

# Written out by hand from RFC 8785, so that a change of what is signed cannot pass unnoticed: certificates that were
# issued are checked against exactly these bytes.
MEERA_BYTES = (
    '{"chain_head":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",'
    '"completed_at":"2026-11-23T09:05:07.000120Z","course":"ai-for-good-governance",'
    '"course_title":{"en":"AI for Good Governance","hi":"सुशासन के लिए एआई"},'
    '"course_version":"5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c5f2c",'
    '"evidence":"supervised","issued_on":"2026-11-23","issuer":"Model District \\"Collectorate\\"",'
    '"name":"मीरा देवी शर्मा","name_language":"hi",'
    '"other_names":[{"language":"en","name":"Meera Devi Sharma"},{"language":"mni-Mtei","name":"ꯃꯤꯔꯥ ꯗꯦꯕꯤ"}],'
    '"serial":"0710G40R2GA1G7283CHG8M2SDX","type":"elearn-certificate/1"}'
).encode()


def test_what_is_signed_is_frozen():
    assert canonical_bytes(MEERA) == MEERA_BYTES


def test_the_record_comes_back_from_its_bytes():
    assert record_from_bytes(MEERA_BYTES) == MEERA


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=80).filter(lambda text: text.strip())


@given(
    name=NAMES,
    others=st.lists(st.tuples(st.sampled_from(["en", "hi", "mni-Beng", "mni-Mtei"]), NAMES), max_size=3),
    titles=st.dictionaries(st.sampled_from(["en", "hi", "mni-Mtei"]), NAMES, min_size=1),
    completed=st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)),
    evidence=st.sampled_from(["supervised", "checked", "waived"]),
)
def test_any_record_comes_back_and_has_one_form(name, others, titles, completed, evidence):
    record = replace(
        MEERA,
        name=name,
        other_names=tuple(others),
        course_title=titles,
        completed_at=completed,
        issued_on=completed.date(),
        evidence=evidence,
    )
    data = canonical_bytes(record)
    assert record_from_bytes(data) == record
    assert unicodedata.is_normalized("NFC", data.decode("utf-8"))


def test_two_spellings_of_one_name_are_one_record():
    composed, decomposed = "Ñāmdri", unicodedata.normalize("NFD", "Ñāmdri")
    assert composed != decomposed
    assert canonical_bytes(replace(MEERA, name=decomposed)) == canonical_bytes(replace(MEERA, name=composed))


def test_a_record_does_not_follow_later_changes_of_the_titles():
    titles = {"en": "AI for Good Governance"}
    record = replace(MEERA, course_title=titles)
    titles["en"] = "Something else"
    assert record.course_title == {"en": "AI for Good Governance"}
    assert hash(record) == hash(replace(record))


@pytest.mark.parametrize(
    "change",
    [
        {"serial": "0710G40R2GA1G7283CHG8M2SDx"},
        {"serial": "8710G40R2GA1G7283CHG8M2SDX"},
        {"serial": "0710G40R2GA1G7283CHG8M2SD"},
        {"name": " "},
        {"name": 7},
        {"name": "Mee\ud800ra"},
        {"name_language": "Hindi language"},
        {"other_names": (("", "Meera"),)},
        {"other_names": (("en", ""),)},
        {"course_title": {}},
        {"course_title": {"en": ""}},
        {"issuer": ""},
        {"issued_on": datetime(2026, 11, 23, tzinfo=UTC)},
        {"completed_at": datetime(2026, 11, 23)},
        {"completed_at": datetime(2026, 11, 23, tzinfo=timezone(timedelta(hours=5, minutes=30)))},
        {"evidence": "believed"},
        {"chain_head": "0123456789ABCDEF"},
        {"chain_head": "0123"},
    ],
)
def test_a_record_with_a_wrong_field_is_refused(change):
    with pytest.raises(NotACertificate) as refusal:
        replace(MEERA, **change)
    assert refusal.value.reason == "value"


def test_bytes_that_say_something_else_or_say_it_otherwise_are_refused():
    members = json.loads(MEERA_BYTES)
    text = MEERA_BYTES.decode()

    def compact(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    assert compact(members) == MEERA_BYTES
    refused = {
        "json": [b"", b"\xff", b"{", b"\xef\xbb\xbf" + MEERA_BYTES, b"[" * 100_000],
        "duplicate": [text.replace('{"chain_head"', '{"evidence":"waived","chain_head"').encode()],
        "type": [
            b"{}",
            compact({**members, "type": "elearn-certificate/3"}),
            compact({name: value for name, value in members.items() if name != "type"}),
        ],
        "members": [
            b"null",
            b"[]",
            compact({**members, "score": "100"}),
            compact({name: value for name, value in members.items() if name != "issuer"}),
            compact({**members, "other_names": [{"language": "en", "name": "Meera", "score": "1"}]}),
        ],
        "value": [
            compact({**members, "other_names": 7}),
            compact({**members, "other_names": [7]}),
            compact({**members, "course_title": ["en"]}),
            compact({**members, "issued_on": 20261123}),
            compact({**members, "issued_on": "2026-13-01"}),
            compact({**members, "completed_at": "yesterday"}),
            compact({**members, "evidence": ["checked"]}),
            compact({**members, "name": None}),
        ],
        "not-canonical": [
            MEERA_BYTES + b"\n",
            json.dumps(members, sort_keys=True).encode(),
            json.dumps(members, sort_keys=True, separators=(",", ":")).encode(),
            json.dumps(dict(reversed(members.items())), separators=(",", ":"), ensure_ascii=False).encode(),
            compact({**members, "issued_on": "20261123"}),
            compact({**members, "completed_at": "2026-11-23T09:05:07.00012Z"}),
            compact({**members, "name": unicodedata.normalize("NFD", "Ñāmdri")}),
        ],
    }
    for reason, cases in refused.items():
        for data in cases:
            with pytest.raises(NotACertificate) as refusal:
                record_from_bytes(data)
            assert refusal.value.reason == reason, data[:80]


def test_every_changed_character_is_another_record_or_none():
    text = MEERA_BYTES.decode()
    for place, sign in enumerate(text):
        changed = text[:place] + ("1" if sign != "1" else "2") + text[place + 1 :]
        try:
            assert record_from_bytes(changed.encode()) != MEERA
        except NotACertificate:
            continue


@given(st.binary(min_size=16, max_size=16))
def test_a_serial_holds_its_128_bits(random_bytes):
    serial = new_serial(random_bytes)
    assert len(serial) == 26
    assert normal_serial(serial) == serial
    number = 0
    for sign in serial:
        number = 32 * number + SERIAL_ALPHABET.index(sign)
    assert number.to_bytes(16, "big") == random_bytes


def test_a_serial_is_found_however_it_was_typed():
    serial = "0710G40R2GA1G7283CHG8M2SDX"
    assert grouped_serial(serial) == "0710 G40R 2GA1 G728 3CHG 8M2S DX"
    for typed in (
        grouped_serial(serial),
        serial.lower(),
        " 0710-g40r-2ga1-g728-3chg-8m2s-dx\n",
        "0710–G40R–2GA1–G728–3CHG–8M2S–DX",
        "O7I0G4oR2GAlG7283CHG8M2SDX",
        "0 7 L\u00a00G40R2GAiG7283CHG8M2SDX",
    ):
        assert normal_serial(typed) == serial


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0710G40R2GA1G7283CHG8M2SD",
        "0710G40R2GA1G7283CHG8M2SDXX",
        "U710G40R2GA1G7283CHG8M2SDX",
        "0710G40R2GA1G7283CHG8M2SDU",
        "8710G40R2GA1G7283CHG8M2SDX",
        "0710G40R2GA1G7283CHG8M2SD*",
        "0710G40R2GAıG7283CHG8M2SDX",
        "0710G40R2GA1G7283CHG8M2ſDX",
        "०710G40R2GA1G7283CHG8M2SDX",
    ],
)
def test_what_is_no_serial_is_refused(typed):
    with pytest.raises(BadSerial):
        normal_serial(typed)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_serial_needs_exactly_128_random_bits(length):
    with pytest.raises(ValueError, match="16 random bytes"):
        new_serial(bytes(length))


# A statement of one module

STATEMENT = replace(MEERA, module="plain-words", module_title={"en": "AI in plain words", "hi": "सरल शब्दों में एआई"})


def test_a_statement_is_of_version_2_and_read_back() -> None:
    signed = canonical_bytes(STATEMENT)
    assert json.loads(signed)["type"] == "elearn-certificate/2"
    assert record_from_bytes(signed) == STATEMENT
    assert "module" not in json.loads(canonical_bytes(MEERA))


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "elearn-certificate/1"},
        {"module": ""},
        {"module_title": {}},
        {"module": 3},
    ],
)
def test_a_statement_says_its_module_or_is_none(changed: dict[str, object]) -> None:
    members = {**json.loads(canonical_bytes(STATEMENT)), **changed}
    with pytest.raises(NotACertificate):
        record_from_bytes(json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())

"""A certificate is issued in the moment of completion, found, checked, revoked, and never shown as what it is not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from elearn.domain.certificate import canonical_bytes, grouped_serial, new_serial
from elearn.domain.ledger import commitment
from elearn.exports.certificate_token import new_key_set, sign, signed_document, signing_key
from elearn.models.certificates import Certificate
from elearn.models.database import writing
from elearn.models.learning import Answer, Attempt, StandingHistory
from elearn.models.people import Officer, OfficerName
from elearn.services import certificates, ledger, people, quizzes
from elearn.services.certificates import AlteredCertificate, CertificateView, NotCurrent, UnknownCertificate
from tests.at_once import at_once
from tests.given import COURSE, Given, Person, right_answer
from tests.records import broken_at, chain, count, head, kinds, rows, salt, standing_of

NO_FONT = "李"  # a letter that no shipped font has


def issued(given: Given, person: Person) -> str:
    """The serial of the certificate of somebody who has just completed the course."""
    given.completed(person)
    return str(standing_of(person.id).certificate)


def of_course(found: Iterable[CertificateView]) -> list[str]:
    """Serials without those of statements about single modules."""
    return [one.serial for one in found if not one.record.module]


# Issued


def test_completing_brings_the_certificate_in_the_same_act(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    (row,) = rows(Certificate, module="")
    assert (row.serial, row.state, row.issued_at, row.why) == (serial, "valid", given.now, "")
    assert (row.course, row.version) == (COURSE, given.course.version)
    standing, history = standing_of(meera.id), rows(StandingHistory, officer_id=meera.id)[-1]
    assert (standing.state, standing.completed_at, standing.certificate) == ("complete", given.now, serial)
    assert (history.state, history.completed_at, history.certificate) == ("complete", given.now, serial)
    assert kinds(meera.id)[-3:] == ["attempt_submitted", "completed", "certificate_issued"]
    assert {entry.at for entry in chain(meera.id)[-3:]} == {given.now}
    assert broken_at(chain(meera.id)) is None


def test_it_states_the_facts(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी"})
    found = certificates.find(issued(given, meera))
    record = found.record
    assert (record.name, record.name_language, record.other_names) == ("Meera Devi", "en", (("hi", "मीरा देवी"),))
    assert (record.course, record.course_version) == (COURSE, given.course.version)
    assert record.course_title == given.course.title
    assert (record.completed_at, record.evidence) == (given.now, "checked")
    assert record.issuer == "Model District Administration"
    # The chain up to and with the completion is what the certificate vouches for.
    assert record.chain_head == chain(meera.id)[-2].hash
    assert chain(meera.id)[-2].kind == "completed"
    assert (found.state, found.state_at, found.why, found.superseded_by) == ("valid", given.now, "", "")


def test_its_ledger_entry_commits_to_the_serial(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    entry = chain(meera.id)[-1]
    facts = {"course": COURSE, "version": given.course.version, "serial": serial}
    assert (entry.reference, entry.commitment) == (serial, commitment(salt(meera.id), facts))


def test_the_day_is_that_of_the_site(app: Flask, given: Given) -> None:
    """Completed at 20:00 UTC, when it is already tomorrow in Kolkata."""
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    evening = given.now.astimezone(UTC).replace(hour=20, minute=0) + timedelta(days=1)
    given.now = evening - timedelta(minutes=6)
    given.quiz_taken(meera, given.quiz("final"))
    record = certificates.find(standing_of(meera.id).certificate).record
    assert record.completed_at == evening
    assert (
        record.issued_on == evening.astimezone(ZoneInfo("Asia/Kolkata")).date() == (evening + timedelta(days=1)).date()
    )


def test_the_name_stays_as_it_was_on_the_day(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    people.set_name(meera.id, "en", "Meera Sharma", given.later(days=1), primary=True)
    assert certificates.find(serial).record.name == "Meera"


def test_an_act_that_cannot_be_finished_leaves_nothing(app: Flask, given: Given) -> None:
    """Issuing fails, here because the officer has no name; then the attempt was never submitted either."""
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    attempt = quizzes.start_attempt(meera.id, given.course, given.quiz("final"), given.now)
    questions = quizzes.attempt_view(meera.id, attempt, given.now).questions
    answers = {q.id: right_answer(q) for q in questions}
    first = questions[0]
    quizzes.save_answers(meera.id, attempt, {first.id: answers[first.id]}, given.now)
    names = rows(OfficerName, officer_id=meera.id)
    with writing() as connection:
        connection.execute(delete(OfficerName).where(OfficerName.officer_id == meera.id))
    tables = (Attempt, Answer, Certificate, StandingHistory)
    before = ([rows(table) for table in tables], standing_of(meera.id), chain(meera.id), head(meera.id))

    with pytest.raises(certificates.NoName):
        quizzes.submit_attempt(meera.id, attempt, answers, given.later(minutes=9))
    assert ([rows(table) for table in tables], standing_of(meera.id), chain(meera.id), head(meera.id)) == before
    assert quizzes.attempt_view(meera.id, attempt, given.now).submitted_at is None

    with writing() as connection:
        connection.execute(insert(OfficerName).values([row._asdict() for row in names]))
    quizzes.submit_attempt(meera.id, attempt, answers, given.now)
    assert (standing_of(meera.id).state, count(Certificate, module="")) == ("complete", 1)
    assert broken_at(chain(meera.id)) is None


def test_the_database_keeps_one_valid_certificate_for_a_course(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    issued(given, meera)
    second = {**rows(Certificate, module="")[0]._asdict(), "serial": new_serial(bytes(16))}
    for state in ("valid", "withheld"):
        with pytest.raises(IntegrityError), writing() as connection:
            connection.execute(insert(Certificate).values({**second, "state": state}))
    with writing() as connection:
        connection.execute(insert(Certificate).values({**second, "state": "superseded"}))
    assert count(Certificate, module="") == 2


# Statements of single modules


def test_a_module_brings_its_statement_in_the_same_act(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी"})
    module = given.course.modules[0]
    for lesson in module.lessons:
        given.lesson_done(meera, lesson)
        for lab in lesson.labs:
            given.lab_reached(meera, lab)
    assert certificates.of_officer(meera.id) == ()
    given.quiz_taken(meera, given.quiz(module.id))
    (statement,) = certificates.of_officer(meera.id)
    assert (statement.state, statement.record.module) == ("valid", module.id)
    assert statement.record.module_title == module.title
    assert statement.record.completed_at == given.now
    assert kinds(meera.id)[-1] == "statement_issued"
    assert standing_of(meera.id).certificate == ""
    assert certificates.check_serial(statement.serial)[0] == "valid"
    assert certificates.pdf(statement.serial, "hi").startswith(b"%PDF")


def test_a_statement_is_issued_once_and_does_not_come_back(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    before = {one.serial for one in certificates.of_officer(meera.id)}
    for serial in before:
        certificates.revoke(serial, "a copied quiz", given.now)
    given.quiz_taken(meera, given.quiz(given.course.modules[0].id))
    assert {one.serial for one in certificates.of_officer(meera.id)} == before


# Withheld


def test_a_name_that_cannot_be_set_withholds_the_certificate_but_not_the_completion(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": f"Meera {NO_FONT}"})
    serial = issued(given, meera)
    (row,) = rows(Certificate, module="")
    assert (row.state, row.why) == ("withheld", f"U+{ord(NO_FONT):04X}")
    standing = standing_of(meera.id)
    assert (standing.state, standing.completed_at, standing.certificate) == ("complete", given.now, serial)
    assert kinds(meera.id)[-2:] == ["completed", "certificate_withheld"]
    assert of_course(certificates.withheld()) == [serial]
    assert certificates.check_serial(serial)[0] == "withheld"
    with pytest.raises(UnknownCertificate):
        certificates.pdf(serial, "en")


def test_so_does_another_name_of_hers(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera", "zh": NO_FONT})
    assert certificates.find(issued(given, meera)).state == "withheld"


def test_names_in_the_scripts_of_the_course_are_set(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera", "hi": "मीरा देवी", "bn": "মীরা দেবী", "mni-Mtei": "ꯃꯤꯔꯥ"})
    assert certificates.find(issued(given, meera)).state == "valid"
    assert of_course(certificates.withheld()) == []


# Issued again


def test_a_withheld_certificate_is_issued_once_its_name_is_mended(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": f"Meera {NO_FONT}"})
    old = issued(given, meera)
    assert certificates.reissue_withheld(given.now) == ()
    people.set_name(meera.id, "en", "Meera Devi", given.now)
    pairs = certificates.reissue_withheld(given.now)
    ((was, new),) = [(was, new) for was, new in pairs if not new.record.module]
    assert (was.serial, new.state, new.record.name) == (old, "valid", "Meera Devi")
    assert (certificates.find(old).state, certificates.find(old).superseded_by) == ("superseded", new.serial)
    assert new.record.completed_at == certificates.find(old).record.completed_at
    assert standing_of(meera.id).certificate == new.serial
    assert kinds(meera.id)[-2:] == ["certificate_superseded", "certificate_issued"]
    assert certificates.withheld() == certificates.reissue_withheld(given.now) == ()
    assert certificates.pdf(new.serial, "en").startswith(b"%PDF")


def test_a_valid_certificate_is_issued_again_under_a_new_name(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    old = issued(given, meera)
    people.set_name(meera.id, "hi", "मीरा देवी", given.now)
    new = certificates.reissue(old, given.now)
    assert dict(new.record.other_names)["hi"] == "मीरा देवी"
    assert certificates.check_serial(old)[0] == "superseded"
    assert certificates.check_serial(new.serial)[0] == "valid"
    with pytest.raises(NotCurrent):
        certificates.reissue(old, given.now)
    with pytest.raises(UnknownCertificate):
        certificates.reissue("nothing", given.now)
    assert count(Certificate, module="") == 2


# Found


def test_a_serial_is_found_however_it_was_typed(app: Flask, given: Given) -> None:
    serial = issued(given, given.officer("Meera"))
    typed = (serial, serial.lower(), grouped_serial(serial), serial.replace("0", "O").replace("1", "l"), f" {serial}\n")
    assert {certificates.find(text).serial for text in typed} == {serial}


@pytest.mark.parametrize("text", ["", "no", "0" * 26, "é" * 26, "' OR 1=1 --", "0" * 10_000])
def test_any_other_serial_is_unknown(app: Flask, text: str) -> None:
    with pytest.raises(UnknownCertificate):
        certificates.find(text)
    with pytest.raises(UnknownCertificate):
        certificates.revoke(text, "a mistake", datetime.now(UTC))
    assert certificates.check_serial(text) == ("unknown", None)


def test_an_officer_finds_her_own(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    hers, his = issued(given, meera), issued(given, far)
    assert of_course(certificates.of_officer(meera.id)) == [hers]
    assert of_course(certificates.of_officer(far.id)) == [his]


def test_the_pdf_is_made_from_the_record(app: Flask, given: Given) -> None:
    serial = issued(given, given.officer("Meera"))
    for language in ("en", "hi"):
        assert certificates.pdf(serial, language).startswith(b"%PDF-")


# Checked


def test_a_genuine_certificate_is_valid_by_serial_and_by_document(app: Flask, given: Given) -> None:
    serial = issued(given, given.officer("Meera"))
    record = certificates.find(serial).record
    document = json.dumps(certificates.document(serial)).encode()
    assert certificates.check_serial(serial) == ("valid", record)
    assert certificates.check_document(document) == ("valid", record)


def test_a_document_with_another_name_is_altered(app: Flask, given: Given) -> None:
    serial = issued(given, given.officer("Meera"))
    text = json.dumps(certificates.document(serial), ensure_ascii=False)
    assert "Meera" in text
    assert certificates.check_document(text.replace("Meera", "Mahesh").encode()) == ("altered", None)
    assert certificates.check_document(b"not a document") == ("altered", None)
    assert certificates.check_document(b"") == ("altered", None)


def test_a_document_signed_by_others_is_altered(app: Flask, given: Given) -> None:
    record = certificates.find(issued(given, given.officer("Meera"))).record
    forged = signed_document(sign(canonical_bytes(record), signing_key(new_key_set())))
    assert certificates.check_document(json.dumps(forged).encode()) == ("altered", None)


def test_a_document_that_we_signed_and_do_not_have_is_unknown(app: Flask, given: Given) -> None:
    """Restored from an older backup, for instance."""
    serial = issued(given, given.officer("Meera"))
    document = json.dumps(certificates.document(serial)).encode()
    with writing() as connection:
        connection.execute(delete(Certificate))
    verdict, record = certificates.check_document(document)
    assert (verdict, record and record.serial) == ("unknown", serial)


def test_a_kept_record_that_somebody_changed_is_altered(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    found = certificates.find(serial)
    forged = sign(canonical_bytes(replace(found.record, name="Mahesh")), signing_key(new_key_set()))
    for token in (forged, found.token[:-4] + "AAAA", "", "no.token.here"):
        with writing() as connection:
            connection.execute(update(Certificate).values(token=token))
        assert certificates.check_serial(serial) == ("altered", None)
        with pytest.raises(AlteredCertificate):
            certificates.find(serial)
        with pytest.raises(UnknownCertificate):
            certificates.pdf(serial, "en")
        assert certificates.of_officer(meera.id) == ()


def test_another_ones_token_under_ones_own_serial_is_altered(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    hers, his = issued(given, meera), issued(given, far)
    with writing() as connection:
        connection.execute(
            update(Certificate).where(Certificate.serial == his).values(token=certificates.find(hers).token)
        )
    assert certificates.check_serial(his) == ("altered", None)
    assert certificates.check_serial(hers)[0] == "valid"
    assert of_course(certificates.of_officer(far.id)) == []


# Revoked


def test_a_certificate_is_revoked_with_its_reason(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    document = json.dumps(certificates.document(serial)).encode()
    shown = certificates.revoke(grouped_serial(serial).lower(), "issued to the wrong person", given.later(days=3))
    assert (shown.state, shown.state_at, shown.why) == ("revoked", given.now, "issued to the wrong person")
    assert certificates.find(serial) == shown
    assert certificates.check_serial(serial)[0] == certificates.check_document(document)[0] == "revoked"
    entry = chain(meera.id)[-1]
    assert (entry.kind, entry.reference) == ("certificate_revoked", serial)
    assert entry.commitment == commitment(salt(meera.id), {"serial": serial})
    # The completion is a fact and stays one.
    assert (standing_of(meera.id).state, standing_of(meera.id).certificate) == ("complete", serial)


def test_a_withheld_certificate_can_be_revoked(app: Flask, given: Given) -> None:
    serial = issued(given, given.officer("Meera", names={"en": f"Meera {NO_FONT}"}))
    assert certificates.revoke(serial, "the name was a mistake", given.now).state == "revoked"
    assert of_course(certificates.withheld()) == []


def test_what_is_revoked_cannot_be_revoked_again(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    first = certificates.revoke(serial, "first reason", given.later(days=1))
    entries = chain(meera.id)
    with pytest.raises(NotCurrent):
        certificates.revoke(serial, "second reason", given.later(days=1))
    assert (certificates.find(serial), chain(meera.id)) == (first, entries)


def test_two_who_revoke_at_once_are_one_revocation(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial, now = issued(given, meera), given.later(days=1)
    results = at_once(app, [partial(certificates.revoke, serial, f"reason {n}", now) for n in range(8)])
    assert sum(isinstance(result, NotCurrent) for result in results) == 7
    assert kinds(meera.id).count("certificate_revoked") == 1
    assert broken_at(chain(meera.id)) is None


# The chain without its salt


def test_erasing_the_salt_leaves_the_chain_whole(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    serial = issued(given, meera)
    entries = chain(meera.id)
    with writing() as connection:
        connection.execute(update(Officer).where(Officer.id == meera.id).values(salt=None))
    assert chain(meera.id) == entries
    assert broken_at(chain(meera.id)) is None
    assert certificates.check_serial(serial)[0] == "valid"
    # Nothing more can be issued to her, and a refused act leaves nothing behind; but fraud can still be revoked.
    with pytest.raises(ledger.OfficerErased):
        certificates.reissue(serial, given.now)
    assert certificates.find(serial).state == "valid"
    certificates.revoke(serial, "was never hers", given.now)
    assert certificates.find(serial).state == "revoked"
    assert broken_at(chain(meera.id)) is None


# The keys


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "signing-keys.json"
    first = certificates.ensure_keys(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert certificates.ensure_keys(path).as_dict() == first.as_dict()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_processes_that_start_at_once_share_one_key(sqlite_app: Flask, tmp_path: Path) -> None:
    """Else one of them would sign with a key that no file has any more."""
    path = tmp_path / "shared" / "signing-keys.json"
    made = at_once(sqlite_app, [lambda: certificates.ensure_keys(path)] * 12)
    assert {key.kid for keys in made for key in keys.keys} == {certificates.ensure_keys(path).keys[0].kid}


def test_public_keys_hold_nothing_private(app: Flask) -> None:
    (key,) = certificates.public_keys()["keys"]
    assert "d" not in key
    assert {"kty", "crv", "x", "kid"} <= set(key)

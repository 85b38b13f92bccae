"""Entries are added in the transaction of their act, one after the other, whoever writes at the same moment."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask
from sqlalchemy import update

from elearn.domain.ledger import START, commitment
from elearn.domain.status import Record, needed
from elearn.models.database import writing
from elearn.models.ledger import LedgerHead
from elearn.models.people import Officer
from elearn.services import ledger
from tests.at_once import at_once
from tests.given import Given
from tests.records import broken_at, chain, count, head, kinds, salt


def appended(officer_id: int, reference: str, given: Given) -> str:
    with writing() as connection:
        return ledger.append(connection, officer_id, "waived", reference, {"reference": reference}, given.now)


def test_a_whole_trip_is_one_unbroken_chain(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.completed(meera)
    entries = chain(meera.id)
    assert broken_at(entries) is None
    assert (entries[0].previous, entries[-1].hash) == (START, head(meera.id))
    needs = needed(given.course, given.course.routes[0], Record())
    assert [kind for kind in kinds(meera.id) if kind != "posted"] == [
        "enrolled",
        *["lesson_done"] * len(needs.lessons),
        *["attempt_submitted", "statement_issued"] * (len(needs.quizzes) - 1),
        "attempt_submitted",
        "completed",
        "certificate_issued",
    ]


def test_an_entry_follows_the_one_before(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    before = chain(meera.id)
    told = appended(meera.id, "act-1", given)
    *kept, last = chain(meera.id)
    assert kept == before
    assert (last.number, last.previous, last.hash) == (len(before) + 1, before[-1].hash, told)
    assert last.commitment == commitment(salt(meera.id), {"reference": "act-1"})
    assert head(meera.id) == told


def test_chains_of_two_officers_do_not_touch(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    before = chain(far.id)
    appended(meera.id, "act-1", given)
    assert chain(far.id) == before
    assert salt(meera.id) != salt(far.id)


def test_twenty_entries_at_once_stand_in_a_row(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    before = len(chain(meera.id))
    heads = at_once(app, [partial(appended, meera.id, f"act-{n}", given) for n in range(20)])
    entries = chain(meera.id)[before:]
    assert {entry.hash for entry in entries} == set(heads)
    assert {entry.reference for entry in entries} == {f"act-{n}" for n in range(20)}
    assert (broken_at(chain(meera.id)), chain(meera.id)[-1].hash) == (None, head(meera.id))


def test_an_act_that_is_undone_takes_its_entry_with_it(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    before = (chain(meera.id), head(meera.id))
    with pytest.raises(ZeroDivisionError):
        _append_and_break_off(meera.id, given)
    assert (chain(meera.id), head(meera.id)) == before


def _append_and_break_off(officer_id: int, given: Given) -> None:
    with writing() as connection:
        ledger.append(connection, officer_id, "waived", "act-1", {}, given.now)
        raise ZeroDivisionError


def test_of_an_erased_officer_nothing_more_is_said(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    entries = chain(meera.id)
    with writing() as connection:
        connection.execute(update(Officer).where(Officer.id == meera.id).values(salt=None))
    for officer_id in (meera.id, 10**6):
        with pytest.raises(ledger.OfficerErased):
            appended(officer_id, "act-1", given)
    assert chain(meera.id) == entries
    assert broken_at(entries) is None
    assert count(LedgerHead, subject=10**6) == 0


def test_a_kind_that_nobody_knows_is_refused(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    with pytest.raises(AssertionError), writing() as connection:
        ledger.append(connection, meera.id, "made-up", "act-1", {}, given.now)

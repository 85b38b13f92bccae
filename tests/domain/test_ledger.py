"""A chain in which nothing can be changed, dropped or put elsewhere without its showing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.ledger import KINDS, START, Entry, Fact, commitment, next_entry
from tests.records import broken_at

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SALT = b"meera's salt"


def chain(length: int, subject: int = 1, salt: bytes = SALT) -> list[Entry]:
    entries: list[Entry] = []
    for n in range(length):
        facts = {"course": "ai", "lesson": f"words/{n}", "version": "v1"}
        previous = entries[-1].hash if entries else START
        moment = NINE + timedelta(minutes=n)
        kind = KINDS[n % len(KINDS)]
        entries.append(next_entry(subject, n + 1, previous, moment, kind, f"act-{n}", commitment(salt, facts)))
    return entries


def test_a_chain_holds() -> None:
    for length in (0, 1, 2, 40):
        assert broken_at(chain(length)) is None


def test_the_first_entry_follows_the_start() -> None:
    first = chain(1)[0]
    assert (first.number, first.previous) == (1, START)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "subject": lambda n: n + 1,
    "number": lambda n: n + 1,
    "at": lambda moment: moment + timedelta(microseconds=1),
    "kind": lambda kind: "waived" if kind != "waived" else "exempted",
    "reference": lambda text: text + "0",
    "commitment": lambda text: text[::-1],
    "previous": lambda text: "f" * 64,
    "hash": lambda text: "0" * 64,
}


def test_every_field_of_an_entry_is_tried() -> None:
    assert set(CHANGES) == {field.name for field in fields(Entry)}


@given(st.integers(1, 20), st.data(), st.sampled_from(sorted(CHANGES)))
def test_a_changed_entry_is_found(length: int, data: st.DataObject, name: str) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    entries[place] = replace(entries[place], **{name: CHANGES[name](getattr(entries[place], name))})
    found = broken_at(entries)
    assert found is not None
    assert found <= place + 2  # at the entry itself, or at the one that follows its hash


@given(st.integers(2, 20), st.data())
def test_a_changed_entry_hashed_anew_is_found_at_the_next(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 2))
    e = entries[place]
    entries[place] = next_entry(e.subject, e.number, e.previous, e.at, "waived", "forged", e.commitment)
    assert broken_at(entries) == place + 2


@given(st.integers(2, 20), st.data())
def test_an_entry_hashed_anew_and_linked_anew_is_found_too(length: int, data: st.DataObject) -> None:
    """Every later hash covers it, so whoever changes one must make all of them anew, and the head with them."""
    entries = chain(length)
    place, true_head = data.draw(st.integers(0, length - 2)), entries[-1].hash
    e = entries[place]
    entries[place] = next_entry(e.subject, e.number, e.previous, e.at, "waived", "forged", e.commitment)
    entries[place + 1] = replace(entries[place + 1], previous=entries[place].hash)
    assert broken_at(entries) == place + 2
    for n in range(place + 1, length):
        e = entries[n]
        entries[n] = next_entry(e.subject, e.number, entries[n - 1].hash, e.at, e.kind, e.reference, e.commitment)
    assert broken_at(entries) is None
    assert entries[-1].hash != true_head


@given(st.integers(1, 20), st.data())
def test_a_dropped_entry_is_found(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    head = entries[-1].hash
    place = data.draw(st.integers(0, length - 1))
    del entries[place]
    if place < length - 1:
        assert broken_at(entries) == place + 1
    else:  # the newest: what is left holds, but no longer leads to the head that is kept elsewhere
        assert broken_at(entries) is None
        assert not entries or entries[-1].hash != head


@given(st.integers(2, 12).flatmap(lambda n: st.permutations(range(n))))
def test_reordered_entries_are_found(order: list[int]) -> None:
    entries = chain(len(order))
    shuffled = [entries[i] for i in order]
    assert (broken_at(shuffled) is None) == (order == sorted(order))


@given(st.integers(1, 12), st.data())
def test_an_entry_put_in_or_doubled_is_found(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    other = data.draw(st.sampled_from([entries[place], chain(length, subject=2)[place]]))
    entries.insert(place + 1, other)
    assert broken_at(entries) == place + 2


def test_another_officers_chain_is_not_hers() -> None:
    """Far completed and Meera did not: his entries under her number must not hold."""
    far = chain(5, subject=2)
    assert broken_at([replace(entry, subject=1) for entry in far]) == 1
    assert broken_at([*chain(2, subject=1), *far[2:]]) == 3


def test_the_zone_in_which_a_moment_is_told_does_not_matter() -> None:
    """One engine hands moments back in UTC, another may not."""
    india = timezone(timedelta(hours=5, minutes=30))
    assert broken_at([replace(entry, at=entry.at.astimezone(india)) for entry in chain(5)]) is None


def test_facts_and_salt_give_the_commitment_again() -> None:
    facts: dict[str, Fact] = {"course": "ai", "passed": True, "earned": 7, "of": None}
    assert commitment(SALT, facts) == commitment(SALT, dict(reversed(facts.items())))


@pytest.mark.parametrize(
    "facts", [{}, {"passed": False}, {"passed": True, "more": 1}, {"passed": 1}, {"passed": "true"}]
)
def test_other_facts_give_another_commitment(facts: dict[str, Any]) -> None:
    assert commitment(SALT, facts) != commitment(SALT, {"passed": True})


def test_another_salt_gives_another_commitment() -> None:
    assert commitment(b"far's salt", {"passed": True}) != commitment(SALT, {"passed": True})


def test_a_chain_without_its_salt_still_holds() -> None:
    """Checking the chain never needs the salt, so erasing it leaves the chain whole."""
    entries = chain(6, salt=b"about to be erased")
    assert broken_at(entries) is None
    assert len({entry.commitment for entry in entries}) == 6

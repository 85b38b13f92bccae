"""The demo's people are there after the first start, once, and never among real ones."""

from __future__ import annotations

import pytest
from flask import Flask

from elearn.models.learning import Enrolment
from elearn.models.people import Officer, Password
from elearn.services import accounts, demo, library, people
from elearn.services.accounts import WrongPair
from elearn.services.demo import NotForDemo
from tests.given import Given
from tests.records import count, rows


def test_the_promised_sign_ins_work_and_have_their_roles(app: Flask, given: Given) -> None:
    assert demo.seed(given.now)
    expected = {
        "officer": ("MD-COL", ()),
        "officer2": ("MD-BLK", ()),
        "supervisor": ("MD-COL", (("supervisor", "MD-COL"),)),
        "trainer": ("MD", (("trainer", ""),)),
        "admin": ("MD", (("administrator", ""),)),
    }
    for name, (office, roles) in expected.items():
        token = accounts.sign_in(f"{name}@demo.test", "ai-for-governance", "127.0.0.1", "", given.now)
        viewer = accounts.viewer_of(token, given.now)
        assert viewer is not None
        found = people.person(viewer.officer_id, given.now)
        assert (found.office_code, found.roles) == (office, roles)
        assert any(f"{name}@demo.test" in line for line in demo.sign_in_lines())


def test_only_officers_are_enrolled_and_the_list_is_not_empty(app: Flask, given: Given) -> None:
    demo.seed(given.now)
    enrolled = {row.officer_id for row in rows(Enrolment)}
    roles = {people.find_officer(f"{name}@demo.test") for name in ("supervisor", "trainer", "admin")}
    assert not enrolled & roles
    assert count(Officer) == len(enrolled) + 3
    assert len(enrolled) >= 12
    assert count(Enrolment) == len(enrolled) * len(library.courses())
    colleagues = [people.person(i, given.now).office_code for i in enrolled]
    assert {"MD-COL", "MD-BLK", "MD-LGL"} == set(colleagues)


def test_the_officer_has_a_name_in_each_script(app: Flask, given: Given) -> None:
    demo.seed(given.now)
    meera = people.person(people.find_officer("officer@demo.test"), given.now)
    assert meera.names[0] == ("en", "Meera Devi")
    assert {tag for tag, _ in meera.names} == {"en", "hi", "bn", "mni-Mtei"}


def test_the_second_start_adds_nobody_and_undoes_nothing(app: Flask, given: Given) -> None:
    demo.seed(given.now)
    supervisor = people.find_officer("supervisor@demo.test")
    people.end_role(supervisor, "supervisor", "MD-COL", given.now)
    people.add_officer("visitor@elsewhere.test", {"en": "Visitor"}, now=given.now)
    before = count(Officer)
    assert not demo.seed(given.now)
    assert count(Officer) == before
    assert people.person(supervisor, given.now).roles == ()


def test_a_first_start_that_was_interrupted_goes_on_where_it_was(app: Flask, given: Given) -> None:
    people.add_office("MD", "Model District", now=given.now)
    people.add_officer("officer@demo.test", {"en": "Meera Devi"}, employee_number="MD-0142", now=given.now)
    assert demo.seed(given.now)
    assert count(Password) == 5
    assert accounts.sign_in("officer@demo.test", demo.PASSWORD, "127.0.0.1", "", given.now)


def test_known_passwords_are_not_added_among_real_people(app: Flask, given: Given) -> None:
    given.officer("Meera")
    with pytest.raises(NotForDemo):
        demo.seed(given.now)
    assert count(Officer) == 1
    with pytest.raises(WrongPair):
        accounts.sign_in("admin@demo.test", demo.PASSWORD, "127.0.0.1", "", given.now)

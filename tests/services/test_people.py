"""Officers and offices: added, named, posted, given roles, shut out, and refused with a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from elearn.domain.course import Needs, Route
from elearn.domain.ledger import commitment
from elearn.models.database import writing
from elearn.models.learning import Enrolment, Standing, StandingHistory
from elearn.models.ledger import LedgerHead
from elearn.models.people import AccessLog, Officer, OfficerName, Password, Posting, Role
from elearn.services import accounts, learning, ledger, library, one_time_links, people, second_factor, standing
from elearn.services.people import (
    BadCode,
    BadEmail,
    BadName,
    BadNumber,
    CodeTaken,
    EmailTaken,
    NoSuchOffice,
    NoSuchOfficer,
    NoSuchRole,
    NoSuchRoute,
    NumberTaken,
    RoleWithoutOffice,
)
from elearn.services.rights import NotAdministrator
from tests.at_once import at_once
from tests.given import PASSWORD, Given
from tests.records import broken_at, chain, count, kinds, rows, salt

NAMES = {"en": "Meera Devi", "hi": "मीरा देवी", "mni-Mtei": "ꯃꯤꯔꯥ ꯗꯦꯕꯤ"}


@pytest.fixture
def collectorate(given: Given) -> str:
    return given.office("Collectorate")


# Adding


def test_an_officer_is_added_with_all_that_belongs_to_her(app: Flask, given: Given, collectorate: str) -> None:
    officer_id = people.add_officer(
        " Meera@Model.Test ",
        NAMES,
        primary="hi",
        employee_number="md-0142",
        office=collectorate.lower(),
        designation="Section  Officer",
        courses=library.courses(),
        route="leader",
        language="hi",
        now=given.now,
    )
    found = people.person(officer_id, given.now)
    assert (found.email, found.employee_number, found.language) == ("meera@model.test", "MD-0142", "hi")
    assert found.names[0] == ("hi", "मीरा देवी")
    assert dict(found.names) == NAMES
    assert (found.office_code, found.designation, found.roles) == (collectorate, "Section Officer", ())
    assert [e.route for e in rows(Enrolment, officer_id=officer_id)] == ["leader"]
    assert [s.state for s in rows(Standing, officer_id=officer_id)] == ["not_begun"]
    assert count(Password) == 0


def test_her_chain_begins_with_her_posting_and_her_enrolment_and_holds(
    app: Flask, given: Given, collectorate: str
) -> None:
    officer_id = given.officer("Meera").id
    entries = chain(officer_id)
    assert [entry.kind for entry in entries] == ["posted", "enrolled"]
    assert broken_at(entries) is None
    posting = rows(Posting, officer_id=officer_id)[0]
    facts = {"office": collectorate, "designation": "Officer", "since": posting.since.isoformat(), "kind": "main"}
    assert entries[0].reference == str(posting.id)
    assert entries[0].commitment == commitment(salt(officer_id), facts)
    assert rows(LedgerHead, subject=officer_id)[0].hash == entries[-1].hash


def test_what_is_written_at_once_is_what_standing_and_ledger_write_one_by_one(app: Flask, given: Given) -> None:
    """Many officers are added in few statements; they must not come out another way than one."""
    at_once_id = given.officer("Meera").id
    one_by_one = given._person("Far", "Collectorate", "", enrolled=False).id
    with writing() as connection:
        standing.enrol(connection, one_by_one, given.course, "", given.now)
    for table in (Enrolment, Standing, StandingHistory):
        first, second = (rows(table, officer_id=who)[0]._asdict() for who in (at_once_id, one_by_one))
        for volatile in ("officer_id", "id"):
            first.pop(volatile, None), second.pop(volatile, None)
        assert first == second
    for who in (at_once_id, one_by_one):
        enrolled = chain(who)[-1]
        facts = {"course": given.course.id, "route": given.course.routes[0].id}
        assert (enrolled.kind, enrolled.reference) == ("enrolled", given.course.id)
        assert enrolled.commitment == commitment(salt(who), facts)
        with writing() as connection:
            ledger.append(connection, who, "waived", "x", {}, given.now)
        assert broken_at(chain(who)) is None


def test_an_officer_may_do_without_office_number_and_course(app: Flask, given: Given) -> None:
    first = people.add_officer("one@model.test", {"en": "One"}, now=given.now)
    second = people.add_officer("two@model.test", {"en": "Two"}, now=given.now)
    assert people.person(first, given.now).employee_number == ""
    assert kinds(second) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"email": "MEERA@model.test "}, EmailTaken),
        ({"employee_number": " md-0142"}, NumberTaken),
        ({"office": "NOWHERE"}, NoSuchOffice),
        ({"email": "no e-mail"}, BadEmail),
        ({"email": "a@b@c.test"}, BadEmail),
        ({"email": "मीरा@model.test"}, BadEmail),
        ({"email": "x\r\nBcc: y@model.test"}, BadEmail),
        ({"email": "x" * 250 + "@model.test"}, BadEmail),
        ({"employee_number": "MD\u20281"}, BadNumber),
        ({"employee_number": "9" * 61}, BadNumber),
        ({"names": {"en": "  "}}, BadName),
        ({"names": {}}, BadName),
        ({"names": {"english": "Meera"}}, BadName),
        ({"primary": "bn"}, BadName),
        ({"designation": "x" * 201}, BadName),
    ],
)
def test_a_bad_officer_is_refused_and_nothing_of_her_is_kept(
    app: Flask, given: Given, collectorate: str, change: dict[str, object], error: type[Exception]
) -> None:
    people.add_officer("meera@model.test", {"en": "Meera"}, employee_number="MD-0142", now=given.now)
    good: dict[str, object] = {"email": "far@model.test", "names": {"en": "Far"}, "office": collectorate}
    with pytest.raises(error):
        people.add_officer(**{**good, **change}, now=given.now)  # type: ignore[arg-type]
    assert count(Officer) == 1


def test_the_same_officer_added_twenty_times_at_once_is_added_once(app: Flask, given: Given, collectorate: str) -> None:
    now = given.now

    def add() -> int:
        return people.add_officer(
            "meera@model.test", {"en": "Meera"}, employee_number="MD-1", office=collectorate, now=now
        )

    answers = at_once(app, [add] * 20)
    assert sum(isinstance(a, int) for a in answers) == 1
    assert sum(isinstance(a, EmailTaken) for a in answers) == 19
    assert count(Officer) == count(OfficerName) == count(Posting) == 1


# Names


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Meera   Devi ", "Meera Devi"),
        ("Jose\u0301", "Jos\u00e9"),
        ("Meera\u00a0Devi", "Meera Devi"),
        ("ক্\u200dষমা", "ক্\u200dষমা"),
        ("क्\u200cषमा", "क्\u200cषमा"),
        ("त्\u200d", "त्\u200d"),
        ("ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ", "ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ"),
        ("O'Brien-Singh Jr.", "O'Brien-Singh Jr."),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("=SUM(A1)", "=SUM(A1)"),
        ("Officer 07", "Officer 07"),
        ("x" * 200, "x" * 200),
    ],
)
def test_a_name_is_kept_as_it_is_written(app: Flask, given: Given, typed: str, kept: str) -> None:
    officer_id = people.add_officer("meera@model.test", {"en": typed}, now=given.now)
    assert people.person(officer_id, given.now).names == (("en", kept),)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \t ",
        "x" * 201,
        "12345",
        "Meera\nDevi",
        "Meera\0",
        "Meera\u202eiveD",
        "Mee\u200bra",
        "\ufeffMe\ufeffera",
        "Mee\u00adra",
        "Mee\u200dra",
        "Meera\u200d",
        "\u200dमीरा",
        "मी\u200d\u200dरा",
        "Meera\u3164",
        "Meera\u2800",
        "Meera\ufe0f",
        "\ue000",
        "\ud800a",
        "a\U000e0041",
        "Meera\u2028Devi",
    ],
)
def test_a_name_that_cannot_be_seen_as_it_is_is_refused(app: Flask, given: Given, name: str) -> None:
    with pytest.raises(BadName) as why:
        people.add_officer("meera@model.test", {"en": name}, now=given.now)
    assert str(why.value).endswith(".")


def test_names_are_added_and_one_is_the_primary(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    people.set_name(meera.id, "hi", "मीरा देवी", given.now)
    assert people.person(meera.id, given.now).names == (("en", "Meera"), ("hi", "मीरा देवी"))
    people.set_name(meera.id, "hi", "मीरा बाला", given.now, primary=True)
    assert people.person(meera.id, given.now).names == (("hi", "मीरा बाला"), ("en", "Meera"))
    with pytest.raises(NoSuchOfficer):
        people.set_name(meera.id + 1, "hi", "मीरा", given.now)


# Posts and routes


def test_another_office_closes_the_posting_before_and_ends_sign_ins(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    token = accounts.sign_in(meera.email, PASSWORD, "10.0.0.1", "", given.now)
    assert people.post_officer(meera.id, given.office("Block Office"), "Officer", given.later(days=3))
    before, now = rows(Posting, officer_id=meera.id)
    assert (before.until, now.until) == (now.since, None)
    assert kinds(meera.id).count("posted") == 2
    assert accounts.viewer_of(token, given.now - timedelta(days=3)) is None


def test_the_same_post_again_changes_nothing_and_a_promotion_keeps_sign_ins(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    token = accounts.sign_in(meera.email, PASSWORD, "10.0.0.1", "", given.now)
    collectorate = given.office("Collectorate")
    assert not people.post_officer(meera.id, collectorate, "Officer", given.now)
    assert people.post_officer(meera.id, collectorate, "Section Officer", given.now)
    assert people.person(meera.id, given.now).designation == "Section Officer"
    assert accounts.viewer_of(token, given.now)
    with pytest.raises(NoSuchOffice):
        people.post_officer(meera.id, "NOWHERE", "", given.now)


def test_another_route_is_written_into_enrolment_standing_and_chain(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    people.set_route(meera.id, given.course, "leader", given.now)
    assert rows(Enrolment, officer_id=meera.id)[0].route == "leader"
    assert rows(Standing, officer_id=meera.id)[0].requirements_total == len(
        learning.course_view(meera.id, given.course).status.requirements
    )
    assert broken_at(chain(meera.id)) is None
    with pytest.raises(NoSuchRoute):
        people.set_route(meera.id, given.course, "no such route", given.now)


def test_a_route_that_asks_for_less_than_is_done_completes(app: Flask, given: Given) -> None:
    meera, lesson = given.officer("Meera"), given.course.lessons()[0]
    accounts.sign_in(meera.email, PASSWORD, "10.0.0.1", "", given.now)
    given.lesson_done(meera, lesson)
    assert rows(Standing, officer_id=meera.id)[0].state == "in_progress"
    short = Route("short", {}, Needs((lesson.path,)))
    people.set_route(meera.id, replace(given.course, routes=(short,)), "short", given.later(minutes=1))
    now = rows(Standing, officer_id=meera.id)[0]
    assert (now.state, now.completed_at) == ("complete", given.now)
    assert now.certificate
    assert broken_at(chain(meera.id)) is None


# Roles


def test_a_role_holds_in_an_office_or_everywhere(app: Flask, given: Given, collectorate: str) -> None:
    meera = given.officer("Meera")
    assert people.grant_role(meera.id, "supervisor", collectorate, now=given.now)
    assert people.grant_role(meera.id, "trainer", None, now=given.now)
    assert people.person(meera.id, given.now).roles == (("supervisor", collectorate), ("trainer", ""))
    people.end_role(meera.id, "supervisor", collectorate, given.now)
    assert people.person(meera.id, given.now).roles == (("trainer", ""),)
    assert kinds(meera.id)[-3:] == ["role_granted", "role_granted", "role_ended"]
    assert broken_at(chain(meera.id)) is None


def test_a_role_held_already_is_not_given_again(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    answers = at_once(app, [lambda: people.grant_role(meera.id, "trainer", None, now=given.now)] * 10)
    assert sorted(answers, key=bool) == [False] * 9 + [True]  # type: ignore[arg-type]
    assert count(Role) == 1


def test_roles_that_do_not_exist_or_are_not_held_are_refused(app: Flask, given: Given, collectorate: str) -> None:
    meera = given.officer("Meera")
    with pytest.raises(NoSuchRole):
        people.grant_role(meera.id, "emperor", None, now=given.now)
    with pytest.raises(NoSuchRole):
        people.end_role(meera.id, "trainer", None, given.now)
    people.grant_role(meera.id, "supervisor", collectorate, now=given.now)
    with pytest.raises(NoSuchRole):
        people.end_role(meera.id, "supervisor", None, given.now)
    with pytest.raises(NoSuchOffice):
        people.grant_role(meera.id, "supervisor", "NOWHERE", now=given.now)
    with pytest.raises(NoSuchOfficer):
        people.grant_role(meera.id + 1, "trainer", None, now=given.now)


@pytest.mark.parametrize("role", ["administrator", "trainer"])
def test_what_holds_everywhere_is_given_for_no_office(app: Flask, given: Given, collectorate: str, role: str) -> None:
    meera = given.officer("Meera")
    with pytest.raises(RoleWithoutOffice):
        people.grant_role(meera.id, role, collectorate, now=given.now)
    assert people.person(meera.id, given.now).roles == ()
    assert not people.has_administrator(given.now)


def test_whether_anybody_administers(app: Flask, given: Given) -> None:
    assert not people.has_administrator(given.now)
    boss = given.administrator()
    assert people.has_administrator(given.now)
    people.disable_officer(boss.id, given.now)
    assert not people.has_administrator(given.now)


ACTS: dict[str, Callable[[int, int, datetime], object]] = {
    "shut out": lambda whom, by, now: people.disable_officer(whom, now, by=by),
    "let in": lambda whom, by, now: people.enable_officer(whom, now, by=by),
    "give a role": lambda whom, by, now: people.grant_role(whom, "trainer", None, now, by=by),
    "take a role": lambda whom, by, now: people.end_role(whom, "administrator", None, now, by=by),
    "make a link": lambda whom, by, now: one_time_links.make(whom, now, by=by),
    "reset": lambda whom, by, now: second_factor.reset(whom, now, by=by),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("how", ["shut out", "take a role", "never was"])
def test_who_administers_no_more_does_nothing_to_anybody(app: Flask, given: Given, act: str, how: str) -> None:
    """What she had begun before is looked at in the transaction of the act, not only at the door."""
    other, target = given.administrator("Other"), given.administrator("Target")
    given.second_factor(target)
    boss = given.officer("Boss") if how == "never was" else given.administrator("Boss")
    if how in ACTS:
        ACTS[how](boss.id, other.id, given.now)
    before = count(AccessLog), people.person(target.id, given.now), second_factor.state_of(target.id)
    with pytest.raises(NotAdministrator):
        ACTS[act](target.id, boss.id, given.now)
    assert (count(AccessLog), people.person(target.id, given.now), second_factor.state_of(target.id)) == before


@pytest.mark.parametrize("act", ["shut out", "take a role"])
def test_of_two_administrators_who_put_each_other_out_at_once_one_is_left(app: Flask, given: Given, act: str) -> None:
    for _ in range(5):
        one, two = given.administrator("One"), given.administrator("Two")
        acts = [lambda a=a, b=b: ACTS[act](a.id, b.id, given.now) for a, b in ((one, two), (two, one))]
        answers = at_once(app, acts)
        assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "NotAdministrator"]
        left = [who for who in (one, two) if not people.person(who.id, given.now).disabled_at]
        assert any("administrator" in dict(people.person(who.id, given.later(seconds=1)).roles) for who in left)


def test_who_changed_what_is_in_the_access_log(app: Flask, given: Given) -> None:
    meera, boss = given.officer("Meera"), given.administrator()
    people.grant_role(meera.id, "trainer", None, now=given.now, by=boss.id)
    people.disable_officer(meera.id, given.now, by=boss.id)
    noted = [(r.event, r.detail) for r in rows(AccessLog, officer_id=boss.id)]
    assert ("role_granted", f"officer {meera.id} trainer") in noted
    assert ("disabled", f"officer {meera.id}") in noted


# Offices


def test_offices_form_a_tree(app: Flask, given: Given) -> None:
    people.add_office("md", "Model District", now=given.now, name_hi="आदर्श ज़िला")
    people.add_office("MD-COL", "Collectorate", "md", now=given.now)
    paths = {office.code: office.path for office in people.offices()}
    assert paths == {"MD": "/MD/", "MD-COL": "/MD/MD-COL/"}


def test_offices_that_cannot_be_are_refused(app: Flask, given: Given) -> None:
    people.add_office("MD", "Model District", now=given.now)
    with pytest.raises(CodeTaken):
        people.add_office("md", "Another", now=given.now)
    with pytest.raises(NoSuchOffice):
        people.add_office("X", "X", "NOWHERE", now=given.now)
    for code in ("", "A/B", "A%", "A B", "अ", "x" * 41, "-A"):
        with pytest.raises(BadCode):
            people.add_office(code, "Office", now=given.now)
    with pytest.raises(BadName):
        people.add_office("Y", "\u202e", now=given.now)


# Finding


def test_an_officer_is_found_by_email_or_number(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    number = people.person(meera.id, given.now).employee_number
    assert people.find_officer(f" {meera.email.upper()}") == meera.id
    assert people.find_officer(number.lower()) == meera.id
    for wanted in ("", "nobody@model.test", "MD-9999", "x\0"):
        with pytest.raises(NoSuchOfficer):
            people.find_officer(wanted)


def test_an_officer_without_email_is_outside_every_domain(app: Flask, given: Given) -> None:
    people.add_officer("a@demo.test", {"en": "A"}, now=given.now)
    assert not people.is_anybody_outside("demo.test")
    with writing() as connection:
        connection.execute(insert(Officer).values(created_at=given.now))
    assert people.is_anybody_outside("demo.test")
    assert people.is_anybody_outside("mo.test")

"""An administrator's pages: who is found, what is done to an officer, and what stands in the access log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from sqlalchemy import event, select, update

from elearn.models.database import db, reading, writing
from elearn.models.people import AccessLog, SignIn
from elearn.services import accounts, directory, people, rights, second_factor
from tests.given import PASSWORD, Given, Person
from tests.pages import Page, Visitor


@pytest.fixture
def admin(given: Given) -> Visitor:
    return given.visit(given.administrator())


def page_of(visitor: Visitor, person: Person) -> Page:
    return visitor.open(f"/admin/officers/{person.id}")


def rows(page: Page) -> list[str]:
    return [row.text for row in page.root.one("tbody").all("tr")]


def proved_long_ago(given: Given) -> None:
    """As if every sign-in had shown its password eleven minutes ago."""
    with writing() as connection:
        connection.execute(update(SignIn).values(proved_at=given.now - timedelta(minutes=11)))


def events_of(page: Page) -> list[str]:
    return [row.all("td")[1].text for row in page.root.one("tbody").all("tr")]


# Finding


@pytest.mark.parametrize("q", ["Meera", "meera", "MEERA D", "meera1@", "md-0001", "Meera Devi"])
def test_an_officer_is_found_by_how_name_email_or_number_begins(given: Given, q: str) -> None:
    meera = given.officer("Meera Devi")
    given.officer("Rohan Lal")
    admin = given.visit(given.administrator())
    page = admin.open("/admin/officers", query_string={"q": q})
    assert [link.get("href") for link in page.root.one("tbody").all("a")] == [f"/admin/officers/{meera.id}"]


def test_an_officer_is_found_by_her_name_in_any_language(given: Given) -> None:
    given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी"})
    admin = given.visit(given.administrator())
    assert "Meera Devi" in admin.open("/admin/officers", query_string={"q": "मीरा"}).text


@pytest.mark.parametrize("q", ["eera", "%", "_", "Meera%", "'", "\\", "\0", "x" * 5000, "\U0010ffff"])
def test_what_nobody_begins_with_finds_nobody(given: Given, q: str) -> None:
    given.officer("Meera Devi")
    admin = given.visit(given.administrator())
    page = admin.open("/admin/officers", query_string={"q": q})
    assert "Nobody matches" in page.text or not q.isprintable()  # which counts as nothing asked


def test_an_office_narrows_and_an_unknown_one_is_told_beside_its_field(given: Given, admin: Visitor) -> None:
    given.office("State")
    given.office("Block", under="STATE")
    given.officer("Meera", office="Block")
    given.officer("Far", office="Elsewhere")
    page = admin.open("/admin/officers?office=state")
    assert len(rows(page)) == 1
    assert "Meera" in rows(page)[0]
    page = admin.open("/admin/officers?office=nowhere")
    assert page.by_id("office").get("aria-describedby") == "office-error"
    assert page.by_id("office-error").text == "There is no office with this code."


def test_more_than_a_page_is_turned_by_key(app: Flask, given: Given) -> None:
    for number in range(directory.PAGE + 5):
        given.officer(f"Clerk {chr(65 + number % 26)}", password="")
    seen, after = [], 0
    while True:
        found = directory.find_officers("clerk", "", after, given.now)
        seen += [one.officer_id for one in found.people]
        if found.after is None:
            break
        after = found.after
    assert len(seen) == len(set(seen)) == directory.PAGE + 5
    assert seen == sorted(seen)


def test_finding_reads_by_index_alone(app: Flask, given: Given) -> None:
    """Whatever the planner makes of a small table: with scans forbidden each part of the search has an index."""
    given.officer("Meera Devi")
    asked: list[tuple[str, object]] = []

    def note(_c: object, _k: object, statement: str, parameters: object, *_more: object) -> None:
        asked.append((statement, parameters))

    with db.engine.connect() as connection:
        event.listen(db.engine, "before_cursor_execute", note)
        directory.find_officers("meera", "", 0, given.now)
        event.remove(db.engine, "before_cursor_execute", note)
        statement, parameters = asked[0]
        if db.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        word = "EXPLAIN" if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = str(connection.exec_driver_sql(f"{word} {statement}", parameters).all())  # type: ignore[arg-type]
    for index in ("ix_officer_email", "ix_officer_employee_number", "ix_officer_name_name"):
        assert index in plan or (index == "ix_officer_email" and "sqlite_autoindex_officer" in plan), plan
    assert "Seq Scan" not in plan


# One officer


def test_an_officers_page_shows_what_there_is_to_know(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी"}, designation="Section Officer")
    people.grant_role(meera.id, "supervisor", given.office("Collectorate"), given.now)
    given.second_factor(meera)
    page = page_of(admin, meera)
    for words in (
        meera.email,
        "मीरा देवी",
        "Section Officer",
        "supervisor, COLLECTORATE",
        "10 recovery codes",
        "role granted",
    ):
        assert words in page.text
    assert page.heading == "Meera Devi"


def test_a_sign_in_of_hers_is_ended_or_all(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    browsers = [given.visit(meera) for _ in range(3)]
    page = page_of(admin, meera)
    ids = [b.get("value") or "" for b in page.root.all("button", name="sign-in")]
    assert [one.isdigit() for one in ids] == [True, True, True, False]
    assert "Signed out there." in admin.submit("/sign-ins/end", button=("sign-in", ids[0])).text
    assert sorted(b.get("/account", follow=False).status_code for b in browsers) == [200, 200, 302]
    page_of(admin, meera)
    assert "All sign-ins have ended." in admin.submit("/sign-ins/end", button=("sign-in", "all")).text
    assert {b.get("/account", follow=False).status_code for b in browsers} == {302}
    assert "all sign-ins ended" in events_of(page_of(admin, meera))


@pytest.mark.parametrize("which", ["x", "-1", "9" * 30, "own"])
def test_a_sign_in_of_somebody_else_is_not_ended_on_her_page(given: Given, admin: Visitor, which: str) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    browser = given.visit(far)
    page_of(admin, meera)
    which = str(accounts.sign_ins_of(far.id, given.now)[0].id) if which == "own" else which
    assert admin.post(f"/admin/officers/{meera.id}/sign-ins/end", {"sign-in": which}).status_code == 404
    assert browser.get("/account", follow=False).status_code == 200


def test_shut_out_and_let_in_again(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    browser = given.visit(meera)
    page_of(admin, meera)
    admin.submit("/disable")
    assert admin.page
    assert "The officer is shut out." in admin.page.text
    assert browser.get("/account", follow=False).status_code == 302
    assert all(
        not form.get(
            "action",
        ).endswith("/link")
        for form in admin.page.root.all("form")
        if form.get("action")
    )
    assert admin.post(f"/admin/officers/{meera.id}/link").status_code == 404
    page_of(admin, meera)
    admin.submit("/enable")
    browser.sign_in(meera.email, PASSWORD)


def test_a_link_is_shown_once_and_works_once(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    page_of(admin, meera)
    answer = admin.submit("/link")
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(r"http://localhost(/first-password/\S+?)<", answer.text)
    assert found
    visitor = given.visit()
    visitor.open(found[1])
    visitor.submit(found[1], **{"new-password": "mango river lamp"})
    given.visit().sign_in(meera.email, "mango river lamp")
    assert found[1] not in page_of(admin, meera).html


def test_a_role_is_given_with_its_office_and_taken_away(given: Given, admin: Visitor) -> None:
    meera, far = given.officer("Meera"), given.office("Elsewhere")
    browser = given.visit(meera)
    page_of(admin, meera)
    admin.submit("/roles", role="supervisor", office=far.lower())
    assert people.person(meera.id, given.now).roles == (("supervisor", far),)
    assert browser.get("/account", follow=False).status_code == 302
    page = page_of(admin, meera)
    assert f"supervisor, {far}" in page.text
    admin.submit("/roles/end", button=("held", f"supervisor {far}"))
    assert people.person(meera.id, given.now + timedelta(days=1)).roles == ()
    page_of(admin, meera)
    admin.submit("/roles", role="supervisor-everywhere")
    assert people.person(meera.id, given.now + timedelta(days=1)).roles == (("supervisor", ""),)


@pytest.mark.parametrize(
    ("role", "office", "field", "told"),
    [
        ("supervisor", "", "office", "Enter the code of the office too."),
        ("supervisor", "NOWHERE", "office", "There is no office with this code."),
        ("owner", "", "role", "Choose a role."),
        ("", "", "role", "Choose a role."),
        ("trainer", "", "role", "This officer has that role already."),
    ],
)
def test_what_is_wrong_with_a_role_is_told_beside_its_field(
    given: Given, admin: Visitor, role: str, office: str, field: str, told: str
) -> None:
    tara = given.trainer()
    page_of(admin, tara)
    answer = admin.post(f"/admin/officers/{tara.id}/roles", {"role": role, "office": office})
    assert answer.status_code == 422
    assert admin.page
    assert admin.page.by_id(f"{field}-error").text == told
    assert admin.page.by_id(field).get("aria-invalid") == "true"
    assert admin.page.by_id("office").get("value") == office
    assert admin.page.links[told] == f"#{field}"


def test_an_administrator_cannot_leave_the_house_without_one(given: Given) -> None:
    arun = given.administrator()
    admin = given.visit(arun)
    for address, fields in (("disable", {}), ("roles/end", {"held": "administrator "})):
        assert admin.post(f"/admin/officers/{arun.id}/{address}", fields).status_code == 422
        assert admin.page
        assert "Another administrator can" in admin.page.text
    assert people.has_administrator(given.now)


def test_a_second_factor_is_reset_for_a_lost_device(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    given.second_factor(meera)
    page_of(admin, meera)
    admin.submit("/second-factor/reset")
    assert second_factor.state_of(meera.id) == second_factor.State()
    given.visit().sign_in(meera.email, PASSWORD)
    assert "second factor reset" in events_of(page_of(admin, meera))


# Proof


ACTS = ("disable", "enable", "link", "roles", "roles/end", "second-factor/reset")


@pytest.mark.parametrize("act", ACTS)
def test_dangerous_acts_ask_again_and_then_go_on_with_what_was_typed(given: Given, admin: Visitor, act: str) -> None:
    meera, office = given.officer("Meera"), given.office("Collectorate")
    proved_long_ago(given)
    fields = {"role": "supervisor", "office": office, "held": "trainer "}
    before = people.person(meera.id, given.now)
    page_of(admin, meera)
    answer = admin.post(f"/admin/officers/{meera.id}/{act}", fields)
    assert answer.status_code == 200
    assert admin.page
    assert admin.page.heading == "Please confirm that it is you"
    assert admin.page.links["Leave it as it is"] == f"/admin/officers/{meera.id}"
    kept = admin.page.fields(admin.page.form(f"/{act}"))
    assert {name: kept[name] for name in fields} == fields
    answer = admin.submit(f"/{act}", proof_password="not the right one")
    assert admin.page.by_id("proof-password").get("aria-invalid") == "true"
    assert "not the right one" not in answer.text
    assert people.person(meera.id, given.now) == before
    answer = admin.submit(f"/{act}", proof_password=PASSWORD)
    assert answer.status_code == 200
    if act == "roles":
        assert people.person(meera.id, given.now).roles == (("supervisor", office),)
    if act == "link":
        assert "/first-password/" in answer.text
    # Proved now, and not asked again.
    admin.post(f"/admin/officers/{meera.id}/disable", follow=False)
    assert people.person(meera.id, given.now).disabled_at


def test_what_was_typed_comes_back_as_text_and_never_as_markup(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    proved_long_ago(given)
    evil = '"><script>alert(1)</script>'
    answer = admin.post(f"/admin/officers/{meera.id}/roles", {"role": evil, evil: "x"})
    assert "<script>alert" not in answer.text
    assert admin.page
    assert admin.page.mistakes == []


def test_guessing_at_the_proof_is_slowed_down(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    proved_long_ago(given)
    statuses = [
        admin.post(f"/admin/officers/{meera.id}/disable", {"proof-password": f"guess {n}"}).status_code
        for n in range(7)
    ]
    assert statuses == [200] * 5 + [429] * 2
    assert people.person(meera.id, given.now).disabled_at is None


def test_a_proof_opens_nothing_to_whoever_has_not_the_role(given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    visitor = given.visit(meera)
    for act in ACTS:
        answer = visitor.post(f"/admin/officers/{far.id}/{act}", {"proof-password": PASSWORD})
        assert answer.status_code == 403


@pytest.mark.parametrize("act", ACTS)
def test_who_loses_the_role_on_the_way_is_told_so_like_anybody(
    given: Given, admin: Visitor, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door let her in, and what it looked at has ended when the act begins."""
    meera = given.officer("Meera")

    def no_more(*_: object) -> bool:
        raise rights.NotAdministrator

    monkeypatch.setattr(rights, "begin_act", no_more)
    fields = {"role": "trainer", "held": "trainer "}
    assert admin.post(f"/admin/officers/{meera.id}/{act}", fields).status_code == 403
    assert admin.page
    assert admin.page.heading == "This page is not open to you"


# Offices and the log


def test_from_where_an_administrator_acted_is_in_the_log(given: Given) -> None:
    arun, meera = given.administrator(), given.officer("Meera")
    given.second_factor(meera)
    admin = given.visit(arun)
    fields = {"role": "trainer", "held": "trainer "}
    acts = [*ACTS[2:], "disable", "enable"]  # a link first: one of somebody who is shut out is not made
    for act in acts:
        assert admin.post(f"/admin/officers/{meera.id}/{act}", fields).status_code == 200
    admin.post(f"/admin/officers/{meera.id}/sign-ins/end", {"sign-in": "all"})
    with reading() as connection:
        query = select(AccessLog.event, AccessLog.address).where(AccessLog.about_id == meera.id)
        noted = {row.event: row.address for row in connection.execute(query.where(AccessLog.officer_id == arun.id))}
    events = ("link_made", "role_granted", "role_ended", "factor_reset", "disabled", "enabled", "sign_ins_ended")
    assert noted == dict.fromkeys(events, "127.0.0.1")


@pytest.mark.parametrize(
    "asked", ["log?event=%00", "offices?after=%00", "log?event=%ED%A0%80", "offices?q=%00&after=x"]
)
def test_what_no_database_can_compare_is_nothing_asked(app: Flask, given: Given, asked: str) -> None:
    admin = given.visit(given.administrator())
    assert admin.get(f"/admin/{asked}").status_code == 200


def test_offices_are_listed_as_a_tree_and_found(given: Given, admin: Visitor) -> None:
    given.office("State")
    given.office("Block", under="STATE")
    page = admin.open("/admin/offices?q=blo")
    assert rows(page) == ["Block BLOCK STATE"]
    assert page.root.one("tbody").all("a")[0].get("href") == "/admin/officers?office=BLOCK"
    assert "No office matches." in admin.open("/admin/offices?q=%25").text


def test_the_log_is_filtered_by_event_officer_and_day(given: Given, admin: Visitor) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    given.visit(meera)
    given.visit(far).get("/admin")
    page = admin.open("/admin/log", query_string={"event": "sign_in", "officer": meera.email})
    assert events_of(page) == ["signed in"]
    assert "/admin" in admin.open("/admin/log?event=refused").text
    today = people.today(given.now).isoformat()
    assert rows(admin.open(f"/admin/log?day={today}"))
    assert "Nothing of this kind" in admin.open("/admin/log?day=2020-01-01").text
    about = admin.open("/admin/log", query_string={"officer": f"md-{meera.id:04}", "event": "officer_added"})
    assert len(rows(about)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("officer", "nobody"), ("officer", "\0"), ("day", "yesterday"), ("day", "0001-01-01"), ("day", "9999-12-31x")],
)
def test_what_the_log_cannot_be_asked_is_told_beside_its_field(
    given: Given, admin: Visitor, field: str, value: str
) -> None:
    page = admin.open("/admin/log", query_string={field: value})
    assert page.by_id(field).get("aria-describedby") == f"{field}-error"
    assert page.by_id(f"{field}-error").text


def test_the_log_is_turned_back_page_by_page(given: Given, admin: Visitor) -> None:
    meera = given.officer("Meera")
    for _ in range(60):
        accounts.note_refusal(meera.id, "/admin", "10.0.0.1", given.now)
    page = admin.open("/admin/log?event=refused")
    assert len(rows(page)) == 50
    admin.click("Earlier entries")
    assert admin.page
    assert len(rows(admin.page)) == 10
    assert "Earlier entries" not in admin.page.links


# Who must have a second factor, and the ways from the start page


@pytest.fixture
def strict(make_app: Callable[..., Flask], sqlite_url: str, now: object) -> Iterator[Given]:
    """An installation as it is shipped: roles need a second factor."""
    app = make_app(sqlite_url, second_factor="required")
    with app.app_context():
        yield Given(app, now)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["administrator", "trainer", "supervisor"])
def test_where_it_is_required_a_role_opens_nothing_without_it(strict: Given, role: str) -> None:
    person = getattr(strict, role)()
    visitor = strict.visit()
    home = {"administrator": "/admin", "trainer": "/trainer/reports", "supervisor": "/supervise"}[role]
    for target in (home, "//evil.test"):
        visitor.get("/sign-in")
        visitor.post("/sign-in", {"email": person.email, "password": PASSWORD, "next": target})
        assert visitor.address == "/account/second-factor"
        assert visitor.page
        assert "One step before you begin" in visitor.page.text
        visitor.sign_out()
    visitor.get("/sign-in")
    visitor.post("/sign-in", {"email": person.email, "password": PASSWORD, "next": home})
    assert visitor.get(home, follow=False).headers["Location"].startswith("/account/second-factor?next=")
    assert visitor.get("/account", follow=False).status_code == 200
    assert visitor.get("/", follow=False).status_code == 200
    visitor.open(f"/account/second-factor?next={home}")
    visitor.submit("/account/second-factor")
    assert visitor.page
    key = re.findall(r"\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b", visitor.page.text)[0]

    visitor.submit("/confirm", code=pyotp.TOTP(key.replace(" ", "")).now())
    assert visitor.page.heading == "Your recovery codes"
    assert visitor.page.links["I have kept them: go on"] == home
    assert visitor.get(home).status_code == 200


def test_where_it_is_required_nothing_is_sent_without_it_either(strict: Given) -> None:
    meera = strict.officer("Meera")
    admin = strict.administrator()
    visitor = strict.visit()
    visitor.get("/sign-in")
    visitor.post("/sign-in", {"email": admin.email, "password": PASSWORD})
    answer = visitor.post(f"/admin/officers/{meera.id}/disable", follow=False)
    assert answer.headers["Location"].startswith("/account/second-factor")
    assert people.person(meera.id, strict.now).disabled_at is None


def test_officers_without_a_role_are_not_asked(strict: Given) -> None:
    visitor = strict.visit(strict.officer("Meera"))
    assert visitor.address == "/"


def test_who_has_a_role_finds_its_rooms_on_the_start_page_and_her_own_course(given: Given) -> None:
    boss = given.supervisor(office="Collectorate")
    people.grant_role(boss.id, "administrator", None, given.now)
    page = given.visit(boss).open("/")
    assert page.links["Completion list of Collectorate"].startswith("/supervise/")
    assert page.links["Administration"] == "/admin"
    assert "Reported errors" not in page.links
    assert "Begin" in page.text
    assert given.visit(given.officer("Meera")).open("/").root.all("nav", class_="rooms") == []


def test_the_pages_speak_hindi(given: Given, admin: Visitor) -> None:
    admin.speak("hi")
    assert admin.open("/admin").heading == "प्रशासन"

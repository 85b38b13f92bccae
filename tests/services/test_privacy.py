"""An officer sees all that is kept about her, and is erased without a total, a chain or a certificate breaking."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy import Integer, insert, select

from elearn.domain.ledger import Entry
from elearn.domain.roles import Grant, Viewer
from elearn.models.database import reading, writing
from elearn.models.ledger import Ledger
from elearn.models.people import AccessLog, OfficerName, Role, SignIn
from elearn.models.tables import metadata
from elearn.services import (
    accounts,
    affected,
    certificates,
    feedback,
    ledger,
    one_time_links,
    people,
    personal_data,
    privacy,
    reports,
)
from elearn.services.affected import Affected, Window
from elearn.services.privacy import AlreadyErased, LastAdministrator
from tests.given import COURSE, PASSWORD, Given, Person
from tests.records import broken_at

EVERYWHERE = reports.Filters()


def document(data: bytes) -> dict[str, Any]:
    with ZipFile(io.BytesIO(data)) as archive:
        found: dict[str, Any] = json.loads(archive.read("data.json"))
        return found


def chain(officer_id: int) -> list[Entry]:
    with reading() as connection:
        rows = connection.execute(select(Ledger).where(Ledger.subject == officer_id).order_by(Ledger.number))
        return [Entry(**row) for row in rows.mappings()]


def log_of(event: str) -> list[tuple[int | None, int | None, str]]:
    query = select(AccessLog.officer_id, AccessLog.about_id, AccessLog.detail).where(AccessLog.event == event)
    with reading() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(AccessLog.id))]


@pytest.fixture
def meera(given: Given) -> Person:
    """An officer who has completed a course of one module, and told of an error in it."""
    course = given.one_module()
    person = given.officer("Meera Devi", names={"en": "Meera Devi", "hi": "मीरा देवी"}, designation="Chief Clerk")
    given.completed(person)
    accounts.sign_in(person.email, PASSWORD, "192.0.2.7", "Browser of Meera", given.now)
    feedback.report_error(person.id, course, "", "en", "A word is missing.", given.now)
    return person


# Every table


def officer_columns() -> set[tuple[str, str]]:
    """Columns that hold an officer's number: by a foreign key, or by what they are called."""
    called = re.compile(r"(^|_)officer(_id)?$|^subject$|_by$|^about_id$")
    found = set()
    for table in metadata.tables.values():
        for column in table.columns:
            named = called.search(column.name) and isinstance(column.type, Integer)
            if named or any(key.target_fullname == "officer.id" for key in column.foreign_keys):
                found.add((table.name, column.name))
    return found


def test_every_table_about_officers_is_exported_and_has_a_fate() -> None:
    covered = {
        (name, column) for name, place in personal_data.PLACES.items() for column in (*place.of, *place.acted)
    } - {("officer", "id")}
    assert officer_columns() == covered, "say in services/personal_data.py what becomes of it"


def test_every_table_that_hangs_on_those_is_covered_too() -> None:
    hanging = {
        table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name in personal_data.PLACES and key.column.table.name != "officer"
    }
    assert hanging <= set(personal_data.PLACES)


def test_a_column_that_is_to_be_blanked_exists() -> None:
    for name, place in personal_data.PLACES.items():
        through = (place.through[0],) if place.through else ()
        assert {*place.of, *place.acted, *through, *place.blanked, *place.secret} <= set(metadata.tables[name].c.keys())


# What is exported


def test_the_export_holds_everything_and_no_secret(app: Flask, given: Given, meera: Person) -> None:
    data = privacy.export(meera.id, given.now)
    tables = document(data)["tables"]
    assert set(tables) == set(personal_data.PLACES)
    filled = {name for name, rows in tables.items() if rows}
    assert filled >= {"officer", "officer_name", "posting", "sign_in", "check_answer", "attempt", "answer", "standing"}
    assert filled >= {"certificate", "ledger", "access_log", "error_report", "lesson_record", "enrolment"}
    assert {row["name"] for row in tables["officer_name"]} == {"Meera Devi", "मीरा देवी"}
    assert tables["password"][0]["hash"] == tables["officer"][0]["salt"] == tables["sign_in"][0]["token_hash"]
    assert b"argon2" not in data
    with ZipFile(io.BytesIO(data)) as archive:
        page = archive.read("data.html").decode()
    assert "मीरा देवी" in page
    assert "argon2" not in page
    assert log_of("data_exported") == [(None, meera.id, f"officer {meera.id}")]


def test_the_export_holds_nobody_elses_rows(app: Flask, given: Given, meera: Person) -> None:
    far = given.officer("Far", office="Block Office")
    privacy.erase(far.id, given.now, by=meera.id)
    data = document(privacy.export(meera.id, given.now))
    for name, rows in data["tables"].items():
        of = personal_data.PLACES[name].of
        assert not of or all(meera.id in [row[column] for column in of] for row in rows), name


def test_what_others_did_to_her_account_is_told(app: Flask, given: Given, meera: Person) -> None:
    admin = given.administrator()
    people.set_name(meera.id, "en", "Meera D.", given.now, by=admin.id)
    lines = document(privacy.export(meera.id, given.now))["tables"]["access_log"]
    assert [line["officer_id"] for line in lines if line["event"] == "name_set"] == [admin.id]


def test_text_of_hers_runs_nothing_in_the_page(app: Flask, given: Given) -> None:
    person = given.officer("Meera", designation="<script>alert(1)</script>")
    with ZipFile(io.BytesIO(privacy.export(person.id, given.now))) as archive:
        page = archive.read("data.html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


# Erasing


def test_nothing_that_names_her_is_left(app: Flask, given: Given, meera: Person) -> None:
    privacy.erase(meera.id, given.now)
    kept = {"certificate"}  # the signed record: see the privacy page
    with reading() as connection:
        for table in metadata.sorted_tables:
            if table.name not in kept:
                text = repr(connection.execute(select(table)).all())
                for word in ("Meera", "मीरा", meera.email, "MD-0001", "Chief Clerk", "Browser of", "192.0.2.7"):
                    if word == "192.0.2.7" and table.name == "access_log":
                        continue  # for 180 days: see below
                    assert word not in text, f"{word} in {table.name}"


def test_the_file_itself_holds_her_name_no_more(
    make_app: Callable[..., Flask], sqlite_url: str, now: Any, tmp_path: Path
) -> None:
    """SQLite leaves deleted rows in its pages, unless it is told to overwrite them."""
    app = make_app(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with app.app_context():
        given = Given(app, now)
        person = given.officer("Rarename Unmistakable", designation="Rarepost")
        privacy_words = (b"Rarename", b"Rarepost", person.email.encode())

        def on_disk() -> bytes:
            files = [path, *path.parent.glob(f"{path.name}-wal")]
            return b"".join(file.read_bytes() for file in files)

        assert all(word in on_disk() for word in privacy_words)
        privacy.erase(person.id, given.now)
        assert not any(word in on_disk() for word in privacy_words)


def test_her_chain_holds_and_ends_with_the_erasure(app: Flask, given: Given, meera: Person) -> None:
    before = chain(meera.id)
    privacy.erase(meera.id, given.now)
    after = chain(meera.id)
    assert after[: len(before)] == before
    assert [entry.kind for entry in after[len(before) :]] == ["erased"]
    assert broken_at(after) is None
    with pytest.raises(ledger.OfficerErased), writing() as connection:
        ledger.append(connection, meera.id, "enrolled", "", {}, given.now)


def test_her_certificate_can_be_checked_and_shows_no_name(app: Flask, given: Given, meera: Person) -> None:
    serial = certificates.of_officer(meera.id)[0].serial
    held = json.dumps(certificates.document(serial)).encode()
    privacy.erase(meera.id, given.now)
    assert certificates.check_serial(serial)[0] == "valid"
    assert certificates.check_document(held)[0] == "valid"
    stranger = given.visit()
    page = stranger.open(f"/certificates/{serial}")
    assert page.heading == "Name no longer shown"
    assert "Meera" not in page.html
    assert "मीरा" not in page.html
    assert [stranger.get(f"/certificates/{serial}{end}").status_code for end in (".pdf", ".json")] == [404, 404]
    stranger.speak("hi")
    assert stranger.open(f"/certificates/{serial}").heading == "नाम अब नहीं दिखाया जाता"


def test_her_sign_ins_end_at_once(app: Flask, given: Given, meera: Person) -> None:
    token = accounts.sign_in(meera.email, PASSWORD, "192.0.2.7", "", given.now)
    assert accounts.viewer_of(token, given.now)
    link = one_time_links.make(meera.id, given.now)
    privacy.erase(meera.id, given.now)
    assert accounts.viewer_of(token, given.now) is None
    assert one_time_links.officer_of(link, given.now) is None
    with pytest.raises(accounts.WrongPair):
        accounts.sign_in(meera.email, PASSWORD, "192.0.2.7", "", given.now)
    with reading() as connection:
        assert connection.execute(select(SignIn.id).where(SignIn.officer_id == meera.id)).all() == []


def test_lists_and_their_totals_agree_without_her(app: Flask, given: Given, meera: Person) -> None:
    given.officer("Ravi")
    boss = given.supervisor()
    viewer = Viewer(boss.id, 0, "", "en", "en", (Grant("supervisor", ""),))
    scope = reports.scope_of(viewer, given.now)
    before = reports.completion_page(scope, COURSE, EVERYWHERE)
    assert (before.totals.complete, before.totals.everyone) == (1, 2)
    privacy.erase(meera.id, given.now)
    page = reports.completion_page(scope, COURSE, EVERYWHERE)
    rows = list(reports.completion_rows(scope, COURSE, EVERYWHERE))
    assert (page.totals.complete, page.totals.everyone, page.found) == (0, 1, 1)
    assert [row.name for row in rows] == [person.row.name for person in page.people] == ["Ravi"]


def test_a_withheld_certificate_is_given_up(app: Flask, given: Given) -> None:
    given.one_module()
    person = given.officer("Meera", names={"en": "Meera", "my": "မီရာ"})
    given.completed(person)
    assert certificates.withheld()
    privacy.erase(person.id, given.now)
    assert certificates.withheld() == ()
    assert certificates.reissue_withheld(given.now) == ()
    assert broken_at(chain(person.id)) is None


def test_nobody_is_erased_twice_and_nobody_who_is_not_there(app: Flask, given: Given) -> None:
    person = given.officer("Meera")
    privacy.erase(person.id, given.now)
    with pytest.raises(AlreadyErased):
        privacy.erase(person.id, given.now)
    for act in (privacy.erase, privacy.export):
        with pytest.raises(people.NoSuchOfficer):
            act(10**9, given.now)


def test_the_last_administrator_stays(app: Flask, given: Given) -> None:
    first = given.administrator()
    with pytest.raises(LastAdministrator):
        privacy.erase(first.id, given.now)
    second = given.administrator("Second")
    people.disable_officer(second.id, given.now)
    with pytest.raises(LastAdministrator):
        privacy.erase(first.id, given.now)
    people.enable_officer(second.id, given.now)
    privacy.erase(first.id, given.now, by=second.id)
    assert people.has_administrator(given.now)
    with reading() as connection:
        assert connection.execute(select(Role.until).where(Role.officer_id == first.id)).scalar_one() == given.now
        assert connection.execute(select(OfficerName.name).where(OfficerName.officer_id == first.id)).all() == []
    assert log_of("erased") == [(second.id, first.id, f"officer {first.id}")]
    assert [entry.kind for entry in chain(first.id)][-2:] == ["role_ended", "erased"]


def test_addresses_of_the_erased_go_after_180_days(app: Flask, given: Given, meera: Person) -> None:
    ravi = given.officer("Ravi")
    accounts.sign_in(ravi.email, PASSWORD, "192.0.2.8", "", given.now)

    def addresses() -> set[str]:
        with reading() as connection:
            return set(connection.execute(select(AccessLog.address)).scalars()) - {""}

    privacy.erase(meera.id, given.now)
    assert addresses() == {"192.0.2.7", "192.0.2.8"}
    with writing() as connection:
        assert privacy.forget_addresses(connection, given.later(days=179)) == 0
    with writing() as connection:
        assert privacy.forget_addresses(connection, given.later(days=2)) == 1
    assert addresses() == {"192.0.2.8"}


def test_nobody_lets_an_erased_officer_in_again(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    privacy.erase(meera.id, given.now)
    with pytest.raises(people.NoSuchOfficer):
        people.enable_officer(meera.id, given.now)


# Who was affected


def reasons(window: Window) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row in affected.affected(window):
        found.setdefault(row.officer_id, set()).add(row.why)
    return found


def around(given: Given, by: int | None = None) -> Window:
    return Window(given.now - timedelta(minutes=1), given.now + timedelta(minutes=1), by)


def test_a_sign_in_affects_its_owner_and_whom_she_can_see(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    boss = given.supervisor()
    given.later(days=3)
    accounts.sign_in(boss.email, PASSWORD, "192.0.2.7", "", given.now)
    found = reasons(around(given))
    assert found == {boss.id: {"sign_in", "could_be_seen"}, meera.id: {"could_be_seen"}}
    assert far.id not in found
    # A sign-in lasts twelve hours at most, and all that while she could look.
    assert set(reasons(Window(given.now + timedelta(hours=1), given.now + timedelta(hours=2)))) == {boss.id, meera.id}
    assert reasons(Window(given.now + timedelta(hours=13), given.now + timedelta(hours=14))) == {}


def test_an_administrator_could_see_people_without_a_post_too(app: Flask, given: Given) -> None:
    nowhere = people.add_officer("nowhere@model.test", {"en": "Nowhere"}, now=given.now)
    admin = given.administrator()
    given.later(days=3)
    accounts.sign_in(admin.email, PASSWORD, "192.0.2.7", "", given.now)
    assert reasons(around(given))[nowhere] == {"could_be_seen"}


def test_a_list_of_more_offices_than_the_log_can_name_affects_everybody(
    app: Flask, given: Given, tmp_path: Path
) -> None:
    meera = given.officer("Meera")
    codes = [given.office(f"Office {number} of the hills") for number in range(8)]
    given.later(days=3)
    offices = [*codes, "COLLECTORATE"]
    reports.write_completions(given.course.id, offices, None, tmp_path / "list.csv", "csv", given.now)
    assert "list_exported" in reasons(around(given))[meera.id]


def test_a_list_affects_everybody_it_could_hold(app: Flask, given: Given, tmp_path: Path) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    boss = given.supervisor()
    given.later(days=3)
    viewer = Viewer(boss.id, 0, "Boss", "en", "en", (Grant("supervisor", "/COLLECTORATE/"),))
    reports.download_completions(viewer, COURSE, reports.Filters(q="nobody"), "192.0.2.7", given.now).file.close()
    assert reasons(around(given)) == {meera.id: {"list_exported"}}
    given.later(days=3)
    reports.write_completions(COURSE, ["BLOCKOFFICE"], None, tmp_path / "a.csv", "csv", given.now)
    assert reasons(around(given)) == {far.id: {"list_exported"}}
    given.later(days=3)
    reports.write_completions(COURSE, [], None, tmp_path / "a.csv", "csv", given.now)
    assert reasons(around(given)) == {meera.id: {"list_exported"}, far.id: {"list_exported"}}


def test_whoever_had_left_before_is_not_affected(app: Flask, given: Given) -> None:
    meera, boss = given.officer("Meera"), given.supervisor()
    given.later(days=10)
    people.post_officer(meera.id, given.office("Block Office"), "Clerk", given.now)
    given.later(days=10)
    accounts.sign_in(boss.email, PASSWORD, "192.0.2.7", "", given.now)
    assert meera.id not in reasons(around(given))


def test_an_administrators_acts_affect_those_they_were_done_to(app: Flask, given: Given) -> None:
    meera, admin, other = given.officer("Meera"), given.administrator(), given.administrator("Other")
    given.later(days=3)
    people.set_name(meera.id, "en", "Mira", given.now, by=admin.id)
    people.disable_officer(meera.id, given.now, by=other.id)
    assert reasons(around(given))[meera.id] >= {"name_set", "disabled"}
    assert reasons(around(given, by=admin.id)) == {meera.id: {"name_set"}}


def test_the_file_says_whom_to_write_to(app: Flask, given: Given, tmp_path: Path) -> None:
    meera = given.officer("Meera")
    given.later(days=3)
    accounts.sign_in(meera.email, PASSWORD, "192.0.2.7", "", given.now)
    path = tmp_path / "affected.csv"
    assert affected.write_affected(around(given), path, given.now) == 1
    header, row = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert tuple(header) == Affected._fields
    assert row[:7] == [str(meera.id), "MD-0001", "Meera", meera.email, "sign_in", str(meera.id), "1"]
    assert log_of("affected_listed")


def test_a_line_that_was_cut_counts_for_all(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.later(days=3)
    with writing() as connection:
        cut = {"at": given.now, "event": "list_exported", "detail": '{"course": "ai'}
        connection.execute(insert(AccessLog).values(**cut))
    assert reasons(around(given)) == {meera.id: {"list_exported"}}


def test_revoking_a_certificate_is_noted(app: Flask, given: Given, meera: Person) -> None:
    serial = certificates.of_officer(meera.id)[0].serial
    certificates.revoke(serial, "wrong person", given.now)
    assert log_of("certificate_revoked") == [(None, meera.id, f"officer {meera.id} {serial}")]


def test_the_account_page_hands_out_her_data(given: Given, visit: Callable[..., Any]) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    page = meera.open("/account")
    form = page.root.one("form", action="/account/my-data")
    response = meera.post("/account/my-data", {"csrf_token": form.one("input", name="csrf_token").get("value")})
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Cache-Control"] == "no-store"
    assert document(response.data)["officer_id"] == person.id
    assert visit().post("/account/my-data", follow=False).status_code == 302
    assert meera.post("/account/my-data", {"csrf_token": "forged"}).status_code == 400
    assert log_of("data_exported")[0][:2] == (person.id, person.id)

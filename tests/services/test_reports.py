"""The completion list holds whom its reader may see, each once, as they stand; page and file are one question."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert, update

from elearn.domain.ledger import commitment
from elearn.domain.roles import Grant, Viewer
from elearn.models.database import writing
from elearn.models.learning import Enrolment
from elearn.models.people import AccessLog, Office, Officer, OfficerName, Posting
from elearn.services import people, reports
from elearn.services.reports import CompletionRow, Filters, NoSuchFormat, NoSuchOffice, Scope, Totals
from tests.given import COURSE, Given, Person
from tests.records import broken_at, chain, rows, salt

EVERYWHERE = ("",)


def scope(given: Given, *paths: str) -> Scope:
    return Scope(paths, people.today(given.now))


def listed(given: Given, *paths: str, filters: Filters | None = None) -> list[CompletionRow]:
    return list(reports.completion_rows(scope(given, *(paths or EVERYWHERE)), COURSE, filters or Filters()))


def names(found: Sequence[CompletionRow]) -> list[str]:
    return [row.name for row in found]


def viewer(person: Person, *paths: str) -> Viewer:
    return Viewer(person.id, 1, person.name, "en", "en", tuple(Grant("supervisor", path) for path in paths))


def charge(person: Person, office: str, since: date, until: date | None = None, designation: str = "In charge") -> None:
    """An additional charge, which no service writes yet."""
    (place,) = rows(Office, code=office)
    values = {"officer_id": person.id, "office_id": place.id, "kind": "additional", "designation": designation}
    with writing() as connection:
        connection.execute(insert(Posting).values(**values, since=since, until=until))


def renamed(person: Person, name: str) -> None:
    with writing() as connection:
        connection.execute(update(OfficerName).where(OfficerName.officer_id == person.id).values(name=name))


# Whom she sees


def test_she_sees_the_people_of_her_office_and_no_others(app: Flask, given: Given) -> None:
    given.officer("Meera", office="Collectorate")
    given.officer("Far", office="Block Office")
    assert names(listed(given, "/COLLECTORATE/")) == ["Meera"]
    assert names(listed(given)) == ["Far", "Meera"]


def test_a_row_says_who_where_and_how_far(app: Flask, given: Given) -> None:
    given.officer("Meera", office="Collectorate", designation="Section Officer")
    (row,) = listed(given)
    assert row == CompletionRow(
        employee_number="MD-0001",
        name="Meera",
        designation="Section Officer",
        office_code="COLLECTORATE",
        office="Collectorate",
        route=given.course.routes[0].id,
        due=None,
        state="not_begun",
        requirements_met=0,
        requirements_total=row.requirements_total,
        final_percent=None,
        evidence="",
        completed_at=None,
        certificate="",
    )
    assert row.requirements_total > 0


def test_a_completion_comes_with_its_time_evidence_and_certificate(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.completed(meera)
    (row,) = listed(given)
    assert (row.state, row.requirements_met, row.final_percent, row.evidence) == (
        "complete",
        row.requirements_total,
        100,
        "checked",
    )
    assert row.completed_at == given.now
    assert len(row.certificate) == 26


def test_the_offices_below_hers_are_hers(app: Flask, given: Given) -> None:
    given.office("State")
    given.office("District", under="STATE")
    given.office("Block", under="DISTRICT")
    given.officer("Meera", office="Block")
    given.officer("Thoibi", office="State")
    assert names(listed(given, "/STATE/DISTRICT/")) == ["Meera"]
    assert names(listed(given, "/STATE/")) == ["Meera", "Thoibi"]


def test_an_office_whose_code_looks_alike_is_not_hers(app: Flask, given: Given) -> None:
    with writing() as connection:
        for code in ("MD", "MD2", "md", "M_"):
            connection.execute(insert(Office).values(code=code, name=code, path=f"/{code}/"))
    for n, office in enumerate(rows(Office)):
        person = given.officer(f"Officer{n}", office="Elsewhere", password="")
        with writing() as connection:
            connection.execute(update(Posting).where(Posting.officer_id == person.id).values(office_id=office.id))
    assert [row.office_code for row in listed(given, "/MD/")] == ["MD"]
    assert [row.office_code for row in listed(given, "/M_/")] == ["M_"]


def test_who_supervises_two_offices_sees_both(app: Flask, given: Given) -> None:
    given.officer("Meera", office="Collectorate")
    given.officer("Far", office="Block Office")
    given.officer("Nobodys", office="Legal Cell")
    assert names(listed(given, "/COLLECTORATE/", "/BLOCKOFFICE/")) == ["Far", "Meera"]


def test_who_supervises_nothing_sees_nobody(app: Flask, given: Given) -> None:
    given.officer("Meera")
    assert list(reports.completion_rows(scope(given), COURSE, Filters())) == []
    assert reports.offices_in(scope(given)) == ()


def test_the_scope_is_what_she_supervises_now(app: Flask, given: Given) -> None:
    boss = given.supervisor(office="Collectorate")
    both = Viewer(boss.id, 1, "", "en", "en", (Grant("supervisor", "/COLLECTORATE/"), Grant("trainer")))
    assert reports.scope_of(both, given.now) == scope(given, "/COLLECTORATE/")


def test_disabled_officers_and_those_not_enrolled_are_left_out(app: Flask, given: Given) -> None:
    given.officer("Meera")
    people.disable_officer(given.officer("Gone").id, given.now)
    given.supervisor()
    assert names(listed(given)) == ["Meera"]


def test_a_transferred_officer_follows_her_posting(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", office="Collectorate")
    given.office("Block Office")
    people.post_officer(meera.id, "BLOCKOFFICE", "Block Officer", given.later(days=1))
    assert listed(given, "/COLLECTORATE/") == []
    (row,) = listed(given, "/BLOCKOFFICE/")
    assert (row.name, row.designation, row.office) == ("Meera", "Block Officer", "Block Office")


def test_additional_charges_list_a_person_once_under_the_main_posting(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", office="Collectorate", designation="Section Officer")
    today = people.today(given.now)
    for code in (given.office("Archive"), given.office("Block Office")):
        charge(meera, code, today)
    (row,) = listed(given)
    assert (row.office_code, row.designation) == ("COLLECTORATE", "Section Officer")
    (seen_there,) = listed(given, "/BLOCKOFFICE/")
    assert (seen_there.office_code, seen_there.designation) == ("BLOCKOFFICE", "In charge")
    (either,) = listed(given, "/BLOCKOFFICE/", "/ARCHIVE/")
    assert either.office_code == "ARCHIVE", "of charges alike, the one noted first"
    assert [row.office_code for row in listed(given, filters=Filters(office="BLOCKOFFICE"))] == ["BLOCKOFFICE"]


def test_a_charge_that_has_ended_or_not_begun_shows_nobody(app: Flask, given: Given) -> None:
    meera, today = given.officer("Meera", office="Collectorate"), people.today(given.now)
    charge(meera, given.office("Past"), today - timedelta(days=9), today - timedelta(days=1))
    charge(meera, given.office("Last Day"), today - timedelta(days=9), today)
    charge(meera, given.office("Future"), today + timedelta(days=1))
    charge(meera, given.office("Still"), today, today + timedelta(days=1))
    for path in ("/PAST/", "/LASTDAY/", "/FUTURE/"):
        assert listed(given, path) == []
    assert names(listed(given, "/STILL/")) == ["Meera"]


def test_another_course_lists_its_own_people(app: Flask, given: Given) -> None:
    given.officer("Meera")
    assert list(reports.completion_rows(scope(given, ""), "another-course", Filters())) == []


# What she asks for


def test_an_office_can_be_asked_for_with_those_below_it(app: Flask, given: Given) -> None:
    given.office("State")
    given.office("District", under="STATE")
    given.office("Block", under="DISTRICT")
    given.officer("Meera", office="Block")
    given.officer("Thoibi", office="State")
    assert names(listed(given, filters=Filters(office="district"))) == ["Meera"]
    assert [(o.code, o.depth) for o in reports.offices_in(scope(given, ""))] == [
        ("STATE", 0),
        ("DISTRICT", 1),
        ("BLOCK", 2),
    ]
    assert [(o.code, o.depth) for o in reports.offices_in(scope(given, "/STATE/DISTRICT/"))] == [
        ("DISTRICT", 0),
        ("BLOCK", 1),
    ]


@pytest.mark.parametrize("code", ["FAROFFICE", "STATE", "UNKNOWN", "%", "_", "DISTRICT/", "\x00", "\ud800"])
def test_an_office_outside_her_own_gives_nothing(app: Flask, given: Given, code: str) -> None:
    given.office("State")
    given.office("District", under="STATE")
    given.officer("Meera", office="District")
    given.officer("Far", office="Far Office")
    found = listed(given, "/STATE/DISTRICT/", filters=Filters(office=code))
    assert names(found) == (["Meera"] if Filters(office=code).office == "" else [])


def test_a_state_can_be_asked_for(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.officer("Thoibi")
    given.lesson_done(meera, given.course.lessons()[0])
    assert names(listed(given, filters=Filters(state="in_progress"))) == ["Meera"]
    assert names(listed(given, filters=Filters(state="not_begun"))) == ["Thoibi"]
    assert listed(given, filters=Filters(state="everyone")) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("meera", ["Meera Devi"]),
        ("DEVI", ["Meera Devi", "Thoibi Devi"]),
        ("  devi ", ["Meera Devi", "Thoibi Devi"]),
        ("थोइ", ["Thoibi Devi"]),
        ("ꯊꯣꯏ", ["Thoibi Devi"]),
        ("md-0003", ["100% Sure_thing"]),
        ("%", ["100% Sure_thing"]),
        ("_", ["100% Sure_thing"]),
        ("/", []),
        ("Far", []),
        ("m\x00eera", ["Meera Devi"]),
        ("'; DROP TABLE officer; --", []),
    ],
)
def test_words_find_names_in_any_script_and_numbers(app: Flask, given: Given, words: str, found: list[str]) -> None:
    given.officer("Meera Devi", password="")
    given.officer("Thoibi", names={"en": "Thoibi Devi", "hi": "थोइबी देवी", "mni-Mtei": "ꯊꯣꯏꯕꯤ ꯗꯦꯕꯤ"}, password="")
    renamed(given.officer("Hundred", password=""), "100% Sure_thing")
    given.officer("Far", office="Block Office", password="")
    assert sorted(names(listed(given, "/COLLECTORATE/", filters=Filters(q=words)))) == sorted(found)


# In what order, and how much at a time


def test_the_order_is_office_then_name_then_number(app: Flask, given: Given) -> None:
    for name, office in [("zoya", "Alpha"), ("Meera", "Alpha"), ("Anil", "Beta"), ("meera", "Alpha"), ("देवी", "Alpha")]:
        given.officer(name, office=office, password="")
    assert [(row.office_code, row.name, row.employee_number) for row in listed(given)] == [
        ("ALPHA", "Meera", "MD-0002"),
        ("ALPHA", "meera", "MD-0004"),
        ("ALPHA", "zoya", "MD-0001"),
        ("ALPHA", "देवी", "MD-0005"),
        ("BETA", "Anil", "MD-0003"),
    ]


def test_the_page_and_the_file_are_the_same_list(app: Flask, given: Given) -> None:
    for n in range(reports.PAGE_ROWS + 3):
        given.officer(f"Officer {n:03}", office=("Alpha", "Beta")[n % 2], password="")
    given.lesson_done(given.officer("Meera", office="Alpha", password=""), given.course.lessons()[0])
    for filters in (Filters(), Filters(office="ALPHA"), Filters(state="not_begun"), Filters(q="officer 00")):
        first = reports.completion_page(scope(given, ""), COURSE, filters)
        pages = [reports.completion_page(scope(given, ""), COURSE, filters, "", n + 1) for n in range(first.pages)]
        shown = [person.row for page in pages for person in page.people]
        assert shown == listed(given, filters=filters)
        assert [page.found for page in pages] == [len(shown)] * first.pages


def test_totals_count_everyone_asked_for_whatever_the_state(app: Flask, given: Given) -> None:
    meera, thoibi = given.officer("Meera"), given.officer("Thoibi")
    given.officer("Far", office="Block Office")
    given.lesson_done(meera, given.course.lessons()[0])
    given.completed(thoibi)
    asked = reports.completion_page(scope(given, ""), COURSE, Filters(office="COLLECTORATE", state="complete"))
    assert asked.totals == Totals(complete=1, in_progress=1, not_begun=0, exempt=0)
    assert (asked.found, asked.totals.everyone, [p.row.name for p in asked.people]) == (1, 2, ["Thoibi"])


def test_a_page_that_is_not_there_is_the_nearest_one(app: Flask, given: Given) -> None:
    given.officer("Meera")
    for asked in (-1, 0, 2, 10**30):
        page = reports.completion_page(scope(given, ""), COURSE, Filters(), "", asked)
        assert (page.page, page.pages, len(page.people)) == (1, 1, 1)
    nothing = reports.completion_page(scope(given, ""), COURSE, Filters(state="__class__"))
    assert (nothing.people, nothing.found, nothing.pages) == ((), 0, 1)


def test_a_page_can_be_sorted_by_other_things(app: Flask, given: Given) -> None:
    done, begun = given.officer("Zoya", office="Alpha"), given.officer("Anil", office="Beta")
    given.officer("Meera", office="Gamma")
    given.completed(done)
    given.lesson_done(begun, given.course.lessons()[0])

    def order(sort: str) -> list[str]:
        page = reports.completion_page(scope(given, ""), COURSE, Filters(), sort)
        return [person.row.name for person in page.people]

    assert order("name") == ["Anil", "Meera", "Zoya"]
    assert order("-name") == ["Zoya", "Meera", "Anil"]
    assert order("office") == order("") == order("nonsense") == ["Zoya", "Anil", "Meera"]
    assert order("-office") == ["Meera", "Anil", "Zoya"]
    assert order("state") == ["Meera", "Anil", "Zoya"]
    assert order("completed") == order("-completed") == ["Zoya", "Anil", "Meera"]


def test_a_name_comes_with_its_language_and_an_office_with_its_hindi_name(app: Flask, given: Given) -> None:
    people.add_office("TAHSIL", "Tahsil", name_hi="तहसील", now=given.now)
    person = given.officer("Meera", names={"hi": "मीरा"}, office="Collectorate")
    people.post_officer(person.id, "TAHSIL", "", given.now)
    (found,) = reports.completion_page(scope(given, ""), COURSE, Filters()).people
    assert (found.row.name, found.name_language, found.office_hi) == ("मीरा", "hi", "तहसील")


# As of a past day


def test_the_list_as_of_yesterday(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    yesterday = given.now
    given.later(days=1)
    given.lesson_done(meera, given.course.lessons()[0])
    given.officer("New")
    (then,) = reports.completion_rows(scope(given, ""), COURSE, Filters(), yesterday)
    assert (then.name, then.state, then.requirements_met) == ("Meera", "not_begun", 0)
    now = list(reports.completion_rows(scope(given, ""), COURSE, Filters(), given.now))
    assert [(row.name, row.state) for row in now] == [("Meera", "in_progress"), ("New", "not_begun")]
    assert now == listed(given)
    assert list(reports.completion_rows(scope(given, ""), COURSE, Filters(), yesterday - timedelta(days=1))) == []
    then_begun = Filters(state="in_progress")
    assert list(reports.completion_rows(scope(given, ""), COURSE, then_begun, yesterday)) == []


def test_a_past_day_shows_those_who_are_hers_now(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", office="Collectorate")
    yesterday = given.now
    given.office("Block Office")
    people.post_officer(meera.id, "BLOCKOFFICE", "", given.later(days=1))
    assert list(reports.completion_rows(scope(given, "/COLLECTORATE/"), COURSE, Filters(), yesterday)) == []
    assert names(list(reports.completion_rows(scope(given, "/BLOCKOFFICE/"), COURSE, Filters(), yesterday))) == [
        "Meera"
    ]


# Taken away as a file


def test_a_download_is_noted_in_the_log_and_in_her_chain(app: Flask, given: Given) -> None:
    given.officer("Meera", office="Collectorate")
    boss = given.supervisor(office="Collectorate")
    filters = Filters(office="collectorate", state="not_begun", q="Meera")
    made = reports.download_completions(viewer(boss, "/COLLECTORATE/"), COURSE, filters, "10.0.0.7", given.now)
    with made.file as file:
        data = file.read()
    assert (made.rows, made.size, made.sha256) == (1, len(data), sha256(data).hexdigest())
    assert made.as_of == given.now
    (line,) = rows(AccessLog, event="list_exported")
    facts = json.loads(line.detail)
    assert facts == {
        "course": COURSE,
        "office": "COLLECTORATE",
        "state": "not_begun",
        "q_sha256": sha256(b"Meera").hexdigest()[:16],
        "rows": 1,
        "sha256": made.sha256,
    }
    assert (line.officer_id, line.address, line.at) == (boss.id, "10.0.0.7", given.now)
    assert "Meera" not in line.detail
    entry = chain(boss.id)[-1]
    assert (entry.kind, entry.reference) == ("list_exported", made.sha256)
    assert entry.commitment == commitment(salt(boss.id), facts)
    assert broken_at(chain(boss.id)) is None


def test_the_longest_filters_still_fit_the_log(app: Flask, given: Given) -> None:
    boss = given.supervisor()
    filters = Filters(office='"' * 99, state="\\" * 99, q="ꯊ" * 999)
    made = reports.download_completions(viewer(boss, "/COLLECTORATE/"), "c" * 80, filters, "", given.now)
    made.file.close()
    (line,) = rows(AccessLog, event="list_exported")
    assert json.loads(line.detail)["sha256"] == made.sha256


def test_nothing_is_handed_out_that_could_not_be_noted(app: Flask, given: Given) -> None:
    boss = given.supervisor()
    with writing() as connection:
        connection.execute(update(Officer).where(Officer.id == boss.id).values(salt=None))
    with pytest.raises(LookupError):
        reports.download_completions(viewer(boss, "/COLLECTORATE/"), COURSE, Filters(), "", given.now)
    assert rows(AccessLog, event="list_exported") == []


def test_the_hash_alone_is_not_a_download(app: Flask, given: Given) -> None:
    given.officer("Meera")
    boss = given.supervisor()
    mine = viewer(boss, "/COLLECTORATE/")
    proof = reports.prove_completions(reports.scope_of(mine, given.now), COURSE, Filters(), given.now)
    made = reports.download_completions(mine, COURSE, Filters(), "", given.later(minutes=1))
    proof.file.close()
    made.file.close()
    assert (proof.sha256, proof.rows, proof.size) == (made.sha256, made.rows, made.size)
    assert len(rows(AccessLog, event="list_exported")) == 1


# Written from the command line


def written(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))


def test_the_whole_list_is_written_with_its_hash_beside_it(app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera", office="Collectorate")
    given.officer("Far", office="Block Office")
    path = tmp_path / "list.csv"
    path.write_text("an older list")
    made = reports.write_completions(COURSE, (), None, path, "csv", given.now)
    assert [row["name"] for row in written(path)] == ["Far", "Meera"]
    assert list(written(path)[0]) == list(CompletionRow._fields)
    digest = sha256(path.read_bytes()).hexdigest()
    assert (made.rows, made.sha256, made.as_of) == (2, digest, given.now)
    assert (tmp_path / "list.csv.sha256").read_text() == f"{digest}  list.csv\n"
    (line,) = rows(AccessLog, event="list_exported")
    assert (line.officer_id, json.loads(line.detail)["rows"]) == (None, 2)


def test_some_offices_are_written_and_another_format_too(app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera", office="Collectorate")
    given.officer("Far", office="Block Office")
    path = tmp_path / "list.jsonl"
    reports.write_completions(COURSE, ["collectorate"], given.now, path, "jsonl", given.now)
    assert [json.loads(line)["name"] for line in path.read_text().splitlines()] == ["Meera"]


def test_the_list_as_of_a_past_moment_is_written(app: Flask, given: Given, tmp_path: Path) -> None:
    meera, before = given.officer("Meera"), given.now
    given.lesson_done(meera, given.course.lessons()[0])
    path = tmp_path / "list.csv"
    made = reports.write_completions(COURSE, (), before, path, "csv", given.now)
    assert (written(path)[0]["state"], made.as_of) == ("not_begun", before)


def test_an_unknown_office_or_format_is_named_and_nothing_is_written(app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera", office="Collectorate")
    path = tmp_path / "list.csv"
    with pytest.raises(NoSuchOffice, match=r"^NOWHERE$"):
        reports.write_completions(COURSE, ["COLLECTORATE", "nowhere"], None, path, "csv", given.now)
    with pytest.raises(NoSuchFormat, match="csv or jsonl"):
        reports.write_completions(COURSE, (), None, path, "pdf", given.now)
    assert rows(AccessLog, event="list_exported") == []
    with pytest.raises(FileNotFoundError):
        reports.write_completions(COURSE, (), None, tmp_path / "no" / "list.csv", "csv", given.now)
    assert list(tmp_path.glob("*list*")) == []


def test_a_pipe_is_written_to_and_not_replaced(app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera")
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    made = reports.write_completions(COURSE, (), None, pipe, "csv", given.now)
    reader.join()
    assert pipe.is_fifo()
    assert sha256(got[0]).hexdigest() == made.sha256


def test_due_dates_are_listed(app: Flask, given: Given) -> None:
    given.officer("Meera")
    with writing() as connection:
        connection.execute(update(Enrolment).values(due=date(2027, 3, 31)))
    assert [row.due for row in listed(given)] == [date(2027, 3, 31)]

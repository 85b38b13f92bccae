"""A department's list comes in: each row judged, all of it or nothing, the same again without effect."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from flask import Flask

from elearn.models.learning import Enrolment, Standing
from elearn.models.people import AccessLog, Officer, OfficerName, Password, Posting
from elearn.services import accounts, library, people, roster
from elearn.services.roster import Report, Unreadable
from tests.at_once import at_once
from tests.given import PASSWORD, Given
from tests.records import broken_at, chain, count, kinds, rows

HEADER = "name,email,employee_number,office,designation"
MEERA = "Meera Devi,meera@model.test,MD-0142,MD-COL,Section Officer"
FAR = "Far Away,far@model.test,MD-0031,MD-BLK,Assistant"


@pytest.fixture(autouse=True)
def offices(given: Given) -> None:
    for code in ("MD-COL", "MD-BLK"):
        people.add_office(code, f"Office {code}", now=given.now)


def brought(given: Given, *lines: str, header: str = HEADER, **options: bool) -> Report:
    return brought_bytes(given, "\n".join((header, *lines, "")).encode(), **options)


def brought_bytes(given: Given, data: bytes, **options: bool) -> Report:
    return roster.import_officers(io.BytesIO(data), library.courses(), given.now, **options)


def outcomes(report: Report) -> list[tuple[int, str, str]]:
    return [(v.line, v.outcome, v.code) for v in report.verdicts]


# What comes in


def test_new_officers_are_added_enrolled_and_without_a_password(app: Flask, given: Given) -> None:
    report = brought(given, MEERA, FAR)
    assert outcomes(report) == [(2, "added", "added"), (3, "added", "added")]
    assert report.written
    meera = people.person(people.find_officer("meera@model.test"), given.now)
    assert (meera.names, meera.employee_number) == ((("en", "Meera Devi"),), "MD-0142")
    assert (meera.office_code, meera.designation) == ("MD-COL", "Section Officer")
    assert count(Enrolment) == count(Standing) == 2 * len(library.courses())
    assert count(Password) == 0
    assert kinds(meera.officer_id) == ["posted", "enrolled"]
    assert broken_at(chain(meera.officer_id)) is None


def test_the_same_file_again_changes_nothing(app: Flask, given: Given) -> None:
    brought(given, MEERA, FAR)
    before = [rows(table) for table in (Officer, OfficerName, Posting, Enrolment, Standing)]
    report = brought(given, MEERA, FAR)
    assert [v.outcome for v in report.verdicts] == ["unchanged", "unchanged"]
    assert [rows(table) for table in (Officer, OfficerName, Posting, Enrolment, Standing)] == before


def test_names_in_other_scripts_are_kept_to_the_letter(app: Flask, given: Given) -> None:
    header = f"{HEADER},name_hi,name_mni,language"
    line = "ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ,thoibi@model.test,MD-0077,MD-COL,,थोइबी क्\u200dषा,থৌইবী,hi"
    brought(given, line, header=header)
    thoibi = people.person(people.find_officer("thoibi@model.test"), given.now)
    assert thoibi.names[0] == ("mni-Mtei", "ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ")
    assert dict(thoibi.names[1:]) == {"hi": "थोइबी क्\u200dषा", "mni-Beng": "থৌইবী"}
    assert thoibi.language == "hi"
    assert brought(given, line, header=header).count("unchanged") == 1


def test_a_route_is_taken_and_any_order_of_columns(app: Flask, given: Given) -> None:
    report = brought(
        given,
        "leader,MD-COL,Meera Devi,Officer,meera@model.test,MD-1",
        header="route,office,name,designation,email,employee_number",
    )
    assert report.count("added") == 1
    assert [e.route for e in rows(Enrolment)] == ["leader"]


@pytest.mark.parametrize(
    "data",
    [
        f"\ufeff{HEADER}\r\n{MEERA}\r\n",
        f"{HEADER}\r{MEERA}\r",
        f"{HEADER}\n{MEERA}",
        f"{HEADER},,\n{MEERA},,\n",
        f"{HEADER}\n\n{MEERA}\n,,,,\n\n",
        f" Name , EMAIL,employee_number,office,Designation\n{MEERA}\n",
        f'{HEADER}\n"Meera Devi","meera@model.test","MD-0142","MD-COL","Section Officer"\n',
        f"{HEADER}\n Meera  Devi , MEERA@model.test , md-0142 , md-col ,Section Officer\n",
    ],
)
def test_what_spreadsheets_write_is_read(app: Flask, given: Given, data: str) -> None:
    brought(given, MEERA)
    assert outcomes(brought_bytes(given, data.encode()))[0][1:] == ("unchanged", "unchanged")


def test_a_line_number_is_where_the_row_begins(app: Flask, given: Given) -> None:
    report = brought(given, MEERA.replace("Section Officer", '"Section\nOfficer"'), FAR.replace("far@", "far"))
    assert [(v.line, v.code) for v in report.verdicts] == [(2, "bad-name"), (4, "bad-email")]


def test_a_dry_run_says_the_same_and_writes_nothing(app: Flask, given: Given) -> None:
    brought(given, FAR)
    lines = (MEERA, FAR.replace("Assistant", "Head Clerk"), "X,x@model.test,MD-9,NOWHERE,")
    dry = brought(given, *lines, dry_run=True)
    assert not dry.written
    assert count(Officer) == 1
    assert outcomes(dry) == outcomes(brought(given, *lines, skip_bad=True))
    assert count(Officer) == 2


def test_offices_are_made_where_that_is_asked_for(app: Flask, given: Given) -> None:
    line = MEERA.replace("MD-COL", "MD-NEW")
    assert [v.code for v in brought(given, line).refused] == ["no-such-office"]
    report = brought(given, line, FAR.replace("MD-BLK", "md-new"), create_offices=True)
    assert (report.count("added"), report.offices_made) == (2, ("MD-NEW",))
    assert [o.path for o in people.offices() if o.code == "MD-NEW"] == ["/MD-NEW/"]


# What changes


def test_what_a_row_changes_is_named_and_written(app: Flask, given: Given) -> None:
    brought(given, MEERA)
    header = f"{HEADER},name_hi,route,language"
    line = "Meera Bala,meera@model.test,MD-0142,MD-BLK,Head Clerk,मीरा बाला,leader,hi"
    report = brought(given, line, header=header)
    assert report.verdicts[0].sentence == "Changed: name, office, designation, language, route."
    meera = people.person(people.find_officer("meera@model.test"), given.now)
    assert meera.names == (("en", "Meera Bala"), ("hi", "मीरा बाला"))
    assert (meera.office_code, meera.designation, meera.language) == ("MD-BLK", "Head Clerk", "hi")
    assert [e.route for e in rows(Enrolment)] == ["leader"]
    closed, current = rows(Posting)
    assert (closed.until, current.until) == (current.since, None)
    assert broken_at(chain(meera.officer_id)) is None
    assert brought(given, line, header=header).count("unchanged") == 1


def test_a_transfer_ends_sign_ins_and_a_new_designation_does_not(app: Flask, given: Given) -> None:
    brought(given, MEERA)
    officer_id = people.find_officer("meera@model.test")
    accounts.set_password(officer_id, PASSWORD, given.now)
    token = accounts.sign_in("meera@model.test", PASSWORD, "10.0.0.1", "", given.now)
    brought(given, MEERA.replace("Section Officer", "Head Clerk"))
    assert accounts.viewer_of(token, given.now)
    brought(given, MEERA.replace("MD-COL", "MD-BLK"))
    assert accounts.viewer_of(token, given.now) is None


def test_a_column_that_is_empty_or_missing_takes_nothing_away(app: Flask, given: Given) -> None:
    header = f"{HEADER},name_hi,route,language"
    brought(given, f"{MEERA},मीरा देवी,leader,hi", header=header)
    assert brought(given, f"{MEERA},,,", header=header).count("unchanged") == 1
    assert brought(given, MEERA.replace("MD-0142", "")).count("unchanged") == 1
    meera = people.person(people.find_officer("meera@model.test"), given.now)
    assert dict(meera.names)["hi"] == "मीरा देवी"
    assert meera.employee_number == "MD-0142"


def test_a_number_is_added_to_whoever_had_none(app: Flask, given: Given) -> None:
    brought(given, MEERA.replace("MD-0142", ""))
    assert brought(given, MEERA).verdicts[0].sentence == "Changed: employee_number."
    assert people.find_officer("MD-0142") == people.find_officer("meera@model.test")


def test_a_name_stays_under_the_language_it_is_kept_in(app: Flask, given: Given) -> None:
    """A file cannot say whether a name in Latin letters is English or Manipuri; the record may know."""
    tomba = people.add_officer("tomba@model.test", {"mni-Latn": "Tomba"}, office="MD-COL", now=given.now)
    line = "Tomba Leima,tomba@model.test,,MD-COL,"
    brought(given, line)
    assert people.person(tomba, given.now).names == (("mni-Latn", "Tomba Leima"),)
    assert brought(given, line).count("unchanged") == 1


def test_whoever_has_no_post_or_course_yet_gets_them(app: Flask, given: Given) -> None:
    people.add_officer("meera@model.test", {"en": "Meera Devi"}, employee_number="MD-0142", now=given.now)
    assert brought(given, MEERA).verdicts[0].sentence == "Changed: office, designation, course."
    assert count(Enrolment) == len(library.courses())
    assert brought(given, MEERA).count("unchanged") == 1


# What is refused


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Other,other@model.test,md-0142,MD-COL,", "number-of-another"),
        ("Meera Devi,meera@model.test,MD-9999,MD-COL,", "email-of-another"),
        ("Other,other@model.test,MD-9,NOWHERE,", "no-such-office"),
        ("Other,other@model.test,MD-9,,", "no-office"),
        ("Other,other@model.test,MD-9,A/B,", "bad-office"),
        ("Other,other,MD-9,MD-COL,", "bad-email"),
        ("Other,,MD-9,MD-COL,", "bad-email"),
        (",other@model.test,MD-9,MD-COL,", "bad-name"),
        ("O\u202ether,other@model.test,MD-9,MD-COL,", "bad-name"),
        ("Other,other@model.test,MD-9,MD-COL,Boss\u200b", "bad-name"),
        ("Other,other@model.test,MD\x07,MD-COL,", "bad-number"),
        ("Other,other@model.test,MD-9,MD-COL", "cells"),
        ("Other,other@model.test,MD-9,MD-COL,Clerk,extra", "cells"),
    ],
)
def test_a_bad_row_is_refused_by_name_and_nothing_is_written(app: Flask, given: Given, line: str, code: str) -> None:
    brought(given, MEERA)
    report = brought(given, FAR, line)
    assert outcomes(report) == [(2, "added", "added"), (3, "refused", code)]
    assert not report.written
    assert count(Officer) == 1
    assert report.refused[0].sentence.endswith(".")


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("मीरा,,no-such-route,", "no-such-route"),
        (",,,hindi", "bad-language"),
        (",\u202e,,", "bad-name"),
    ],
)
def test_a_bad_cell_of_the_further_columns_is_refused(app: Flask, given: Given, cells: str, code: str) -> None:
    report = brought(given, f"{MEERA},{cells}", header=f"{HEADER},name_hi,name_mni,route,language")
    assert [v.code for v in report.refused] == [code]


def test_two_names_in_one_language_are_refused(app: Flask, given: Given) -> None:
    line = MEERA.replace("Meera Devi", "मीरा देवी")
    assert [v.code for v in brought(given, f"{line},मीरा बाला", header=f"{HEADER},name_hi").refused] == ["two-names"]
    assert brought(given, f"{line},मीरा देवी", header=f"{HEADER},name_hi").count("added") == 1


def test_the_second_of_two_equal_rows_is_refused(app: Flask, given: Given) -> None:
    report = brought(given, MEERA, "Other,MEERA@model.test,MD-9,MD-COL,", "Third,third@model.test,md-0142,MD-COL,")
    assert outcomes(report)[1:] == [(3, "refused", "email-twice"), (4, "refused", "number-twice")]
    assert "Line 2" in report.refused[0].sentence


def test_good_rows_come_in_without_the_bad_where_that_is_asked_for(app: Flask, given: Given) -> None:
    report = brought(given, MEERA, "Other,other,MD-9,MD-COL,", FAR, skip_bad=True)
    assert [v.outcome for v in report.verdicts] == ["added", "refused", "added"]
    assert report.written
    assert count(Officer) == 2


@pytest.mark.parametrize(
    ("header", "code", "named"),
    [
        (f"{HEADER},salary", "unknown-column", "salary"),
        (f"{HEADER},role", "unknown-column", "role"),
        ("name,email,employee_number,office", "missing-column", "designation"),
        (f"{HEADER},name", "column-twice", "name"),
    ],
)
def test_a_wrong_column_is_refused_by_name(app: Flask, given: Given, header: str, code: str, named: str) -> None:
    report = brought(given, f"{MEERA},x", header=header, skip_bad=True)
    assert outcomes(report) == [(1, "refused", code)]
    assert f"“{named}”" in report.refused[0].sentence
    assert not report.written
    assert count(Officer) == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n ,\n", "empty"),
        (f"{HEADER}\n{MEERA}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{MEERA}\n".encode("utf-16-le"), "zero bytes"),
        (f"{HEADER}\nJos\u00e9,a@model.test,1,MD-COL,\n".encode("cp1252"), "Line 2"),
        (f"{HEADER}\nMe\0era,a@model.test,1,MD-COL,\n".encode(), "zero bytes"),
        (b"PK\x03\x04 and so on", "spreadsheet"),
        (f"{HEADER}\n{MEERA}\n".replace(",", ";").encode(), "commas"),
        (f"{HEADER}\n{MEERA}\n".replace(",", "\t").encode(), "commas"),
        (f'{HEADER}\n"Meera,a@model.test\n'.encode(), "line 2"),
        (f'{HEADER}\n"Me"era,a@model.test,1,MD-COL,\n'.encode(), "Line 2"),
        (f'{HEADER}\n"{"x" * 200_000}",a@model.test,1,MD-COL,\n'.encode(), "line 2"),
        (b"x" * (64 * 1024 * 1024 + 1), "parts"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_says_why(sqlite_app: Flask, given: Given, data: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as why:
        brought_bytes(given, data)
    assert words in str(why.value)
    assert str(why.value).endswith(".")
    assert count(Officer) == 0


def test_a_header_alone_brings_nobody(app: Flask, given: Given) -> None:
    assert brought(given).verdicts == ()


def test_the_same_file_twice_at_once_adds_each_officer_once(app: Flask, given: Given) -> None:
    lines = [f"Officer {n},o{n}@model.test,MD-{n},MD-COL,Officer" for n in range(50)]
    answers = at_once(app, [lambda: brought(given, *lines)] * 4)
    assert [a for a in answers if isinstance(a, Exception)] == []
    assert sorted(a.count("added") for a in answers if isinstance(a, Report)) == [0, 0, 0, 50]
    assert count(Officer) == 50


def test_an_import_is_noted_with_its_numbers_and_without_names(app: Flask, given: Given) -> None:
    brought(given, MEERA, FAR)
    noted = rows(AccessLog, event="roster_imported")
    assert [row.detail for row in noted] == ["2 added, 0 changed, 0 unchanged, 0 refused"]


def test_many_rows_come_in_by_batches(app: Flask, given: Given) -> None:
    """More than one batch, so that what is looked up for one is not taken for another."""
    lines = [f"Officer {n},o{n}@model.test,MD-{n},MD-COL,Officer" for n in range(4500)]
    assert brought(given, *lines).count("added") == 4500
    moved = [line.replace("MD-COL", "MD-BLK") if n % 3 == 0 else line for n, line in enumerate(lines)]
    report = brought(given, *moved)
    assert (report.count("changed"), report.count("unchanged")) == (1500, 3000)
    assert people.person(people.find_officer("o4497@model.test"), given.now).office_code == "MD-BLK"
    assert people.person(people.find_officer("o4498@model.test"), given.now).office_code == "MD-COL"


def test_a_course_that_is_served_later_takes_in_who_is_here(app: Flask, given: Given) -> None:
    brought(given, MEERA)
    second = replace(given.course, id="second-course")
    file = io.BytesIO(f"{HEADER}\n{MEERA}\n".encode())
    report = roster.import_officers(file, (*library.courses(), second), given.now)
    assert report.verdicts[0].sentence == "Changed: course."
    assert sorted(e.course for e in rows(Enrolment)) == sorted(["second-course", given.course.id])

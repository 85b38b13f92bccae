"""A supervisor's trips: the list on screen, its filters and pages, the file with what proves it, and who stays out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256

import pytest
from flask import Flask
from sqlalchemy import insert, update

from elearn.models.database import writing
from elearn.models.learning import Enrolment, Standing
from elearn.models.people import AccessLog, Office, Officer, OfficerName, Posting
from elearn.services import people, reports
from tests.exports.test_spreadsheet import HOSTILE
from tests.given import COURSE, Given, Person
from tests.pages import Element, Page, Visitor
from tests.records import kinds, rows

Visit = Callable[..., Visitor]

LIST = f"/supervise/{COURSE}"
CSV = f"{LIST}/completions.csv"
STATES = {"complete": "complete", "in progress": "in_progress", "not begun": "not_begun", "exempt": "exempt"}
EVIDENCE = {"supervised test": "supervised", "online test": "checked", "partly waived": "waived", "–": ""}


def file_rows(visitor: Visitor, query: str = "") -> list[dict[str, str]]:
    data = visitor.get(CSV + query).data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(data, newline=""), strict=True))


def table(page: Page) -> list[Element]:
    return page.root.one("tbody").all("tr") if page.root.all("tbody") else []


def shown(line: Element) -> dict[str, str]:
    """What a line of the page says, under the names of the file."""
    name, state, progress, percent, completed, evidence, office, number = (line.one("th"), *line.all("td"))
    met, _, total = progress.text.partition(" of ")
    return {
        "name": name.all("span")[0].text,
        "designation": name.all("small")[0].text if name.all("small") else "",
        "employee_number": number.text,
        "office": office.text,
        "requirements_met": met,
        "requirements_total": total,
        "final_percent": percent.text.removesuffix(" %").replace("–", ""),
        "completed_at": completed.text,
        "evidence": EVIDENCE[evidence.text],
        "state": STATES[state.all("span")[0].text],
    }


def all_lines(visitor: Visitor, address: str) -> list[dict[str, str]]:
    """Every line of the list, through the links to the next page."""
    page = visitor.open(address)
    lines = [shown(line) for line in table(page)]
    while "Next page" in page.links:
        page = visitor.open(page.links["Next page"])
        lines += [shown(line) for line in table(page)]
    return lines


def renamed(person: Person, name: str) -> None:
    with writing() as connection:
        connection.execute(update(OfficerName).where(OfficerName.officer_id == person.id).values(name=name))


def crowd(like: Person, count: int) -> None:
    """So many officers more, posted and enrolled like one who is there."""
    with writing() as connection:
        for table_, key in (
            (Officer, "id"),
            (OfficerName, "officer_id"),
            (Posting, "officer_id"),
            (Enrolment, "officer_id"),
            (Standing, "officer_id"),
        ):
            (row,) = rows(table_, **{key: like.id})
            kept = {
                name: value for name, value in row._asdict().items() if name not in ("id", "email", "employee_number")
            }
            connection.execute(insert(table_), [{**kept, key: like.id + 1000 + n} for n in range(count)])


# Who may come in


def test_supervisor_sees_only_her_office(app: Flask, given: Given, visit: Visit) -> None:
    given.officer("Meera", office="Collectorate")
    given.officer("Far", office="Block Office")
    boss = visit(given.supervisor(office="Collectorate"))
    for body in (boss.get(CSV).text, boss.open(LIST).text):
        assert "Meera" in body
        assert "Far" not in body


@pytest.mark.parametrize("who", ["officer", "trainer", "administrator"])
def test_other_roles_stay_out(given: Given, visit: Visit, who: str) -> None:
    given.officer("Meera")
    person = given.officer("Thoibi") if who == "officer" else getattr(given, who)()
    visitor = visit(person)
    for address in ("/supervise", LIST, CSV, f"{CSV}.sha256"):
        response = visitor.get(address)
        assert response.status_code == 403
        assert "Meera" not in response.text
    assert rows(AccessLog, event="list_exported") == []


def test_a_stranger_is_asked_to_sign_in(given: Given, visit: Visit) -> None:
    given.officer("Meera")
    for address in ("/supervise", LIST, CSV, f"{CSV}.sha256"):
        response = visit().get(address, follow=False)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/sign-in?next=/supervise")


def test_a_role_that_has_ended_opens_nothing(given: Given, visit: Visit) -> None:
    given.officer("Meera", office="Collectorate")
    boss = given.supervisor(office="Collectorate")
    before = visit(boss)
    assert before.get(CSV).status_code == 200
    people.end_role(boss.id, "supervisor", "COLLECTORATE", given.now)
    assert "Meera" not in before.get(CSV).text
    again = visit(boss)
    for address in ("/supervise", LIST, CSV, f"{CSV}.sha256"):
        assert again.get(address).status_code == 403


def test_offices_asked_for_in_the_address_do_not_widen_what_she_sees(given: Given, visit: Visit) -> None:
    given.officer("Meera", office="Collectorate")
    given.officer("Far", office="Block Office")
    boss = visit(given.supervisor(office="Collectorate"))
    for query in ("?office=BLOCKOFFICE", "?office=UNKNOWN", "?office=%00", "?office=%25", "?office=_"):
        there = file_rows(boss, query)
        assert [row["name"] for row in there] == (["Meera"] if query == "?office=%00" else [])
    for query in (
        "?dept=BLOCKOFFICE",
        "?officer_id=1",
        "?scope=",
        "?office=COLLECTORATE&office=BLOCKOFFICE",
        "?q=far&q=",
    ):
        assert "Far" not in boss.get(CSV + query).text
        assert "Far" not in boss.get(LIST + query).text


def test_a_course_that_is_not_served_is_not_found(given: Given, visit: Visit) -> None:
    boss = visit(given.supervisor())
    for address in ("/supervise/nothing", "/supervise/nothing/completions.csv"):
        assert boss.get(address).status_code == 404


# The page


def test_the_only_course_is_opened_at_once(given: Given, visit: Visit) -> None:
    boss = visit(given.supervisor())
    assert boss.get("/supervise", follow=False).headers["Location"] == LIST


def test_the_page_says_how_many_stand_where(given: Given, visit: Visit) -> None:
    meera, thoibi = given.officer("Meera"), given.officer("Thoibi")
    given.officer("Anil")
    given.lesson_done(meera, given.course.lessons()[0])
    given.completed(thoibi)
    page = visit(given.supervisor()).open(LIST)
    assert [figure.text for figure in page.root.all("div", class_="figures")[0].all("div")] == [
        "1 of 3complete",
        "1in progress",
        "1not begun",
        "0exempt",
    ]
    assert re.search(r"As of \d+ \w+ \d{4}, \d\d:\d\d IST: 3 officers in this list\.", page.text)


def test_large_numbers_are_grouped(given: Given, visit: Visit) -> None:
    meera = given.officer("Meera")
    crowd(meera, 1000)
    page = visit(given.supervisor()).open(LIST)
    assert "0 of 1,001" in page.text
    assert "Page 1 of 21" in page.text
    assert "1,001 officers in this list" in page.text


def test_the_page_and_the_file_agree_line_by_line(app: Flask, given: Given, visit: Visit) -> None:
    given.later(hours=-8)  # or what follows a whole course may fall on tomorrow
    meera, thoibi = given.officer("Meera Devi", designation="Section Officer"), given.officer("Thoibi")
    given.lesson_done(meera, given.course.lessons()[0])
    given.completed(thoibi)
    for n in range(reports.PAGE_ROWS):
        given.officer(f"Officer {n}", password="", designation="")
    boss = visit(given.supervisor())
    for query in ("", "?state=complete", "?q=officer+1", "?office=COLLECTORATE&state=not_begun"):
        lines, kept = all_lines(boss, LIST + query), file_rows(boss, query)
        assert len(lines) == len(kept) > 0
        for line, row in zip(lines, kept, strict=True):
            moment = row["completed_at"] and datetime.fromisoformat(row["completed_at"])
            row["completed_at"] = f"{moment.day} {moment:%B %Y}" if moment else "–"
            assert line == {name: row[name] for name in line}


def test_filters_stay_in_the_address_and_in_the_form(given: Given, visit: Visit) -> None:
    given.officer("Meera Devi")
    given.officer("Thoibi Devi")
    boss = visit(given.supervisor())
    page = boss.open(f"{LIST}?office=COLLECTORATE&state=not_begun&q=meera&sort=-name")
    form = page.form(LIST)
    assert form.get("method") == "get"
    assert dict(page.fields(form)) == {"office": "COLLECTORATE", "state": "not_begun", "q": "meera", "sort": "-name"}
    assert [shown(line)["name"] for line in table(page)] == ["Meera Devi"]
    assert page.links["Download as CSV"] == f"{CSV}?office=COLLECTORATE&state=not_begun&q=meera"
    assert page.links["Office"] == f"{LIST}?office=COLLECTORATE&state=not_begun&q=meera&sort=office"


def test_columns_are_sorted_by_links(given: Given, visit: Visit) -> None:
    given.officer("Anil", office="Beta", password="")
    given.officer("Zoya", office="Alpha", password="")
    boss = given.supervisor(office="Alpha")
    people.grant_role(boss.id, "supervisor", None, given.now)
    visitor = visit(boss)

    def order(page: Page) -> list[str]:
        return [shown(line)["name"] for line in table(page)]

    page = visitor.open(LIST)
    assert order(page) == ["Zoya", "Anil"]
    assert [th.get("aria-sort") for th in page.root.all("th") if th.get("aria-sort")] == ["ascending"]
    visitor.click("Name")
    assert visitor.page
    assert order(visitor.page) == ["Anil", "Zoya"]
    visitor.click("Name")
    assert order(visitor.page) == ["Zoya", "Anil"]
    assert [th.text for th in visitor.page.root.all("th") if th.get("aria-sort") == "descending"] == ["Name ▼"]
    assert "sort=nonsense" not in visitor.open(f"{LIST}?sort=nonsense").html


def test_pages_go_on_and_back_with_the_filters(given: Given, visit: Visit) -> None:
    for n in range(reports.PAGE_ROWS + 1):
        given.officer(f"Officer {n:03}", password="")
    boss = visit(given.supervisor())
    page = boss.open(f"{LIST}?q=officer&sort=name")
    assert (len(table(page)), "Page 1 of 2" in page.text, "Previous page" in page.links) == (50, True, False)
    boss.click("Next page")
    assert boss.page
    assert [shown(line)["name"] for line in table(boss.page)] == ["Officer 050"]
    assert "Next page" not in boss.page.links
    boss.click("Previous page")
    assert "Page 1 of 2" in boss.page.text
    for number in ("0", "-3", "999", "x", "9" * 5000):
        assert boss.get(f"{LIST}?q=officer&page={number}").status_code == 200


def test_an_empty_list_says_what_comes_next(given: Given, visit: Visit) -> None:
    boss = visit(given.supervisor())
    assert "as soon as they are posted" in boss.open(LIST).text
    page = boss.open(f"{LIST}?q=nobody")
    assert "Nobody matches" in page.text
    assert page.links["Show everyone"] == LIST


def test_a_due_date_is_shown_while_it_matters(given: Given, visit: Visit) -> None:
    given.officer("Meera")
    given.completed(given.officer("Thoibi"))
    with writing() as connection:
        connection.execute(update(Enrolment).values(due=date(2027, 3, 31)))
    boss = visit(given.supervisor())
    assert boss.open(f"{LIST}?q=meera").text.count("Due 31 March 2027") == 1
    assert "Due" not in boss.open(f"{LIST}?q=thoibi").text
    assert {row["due"] for row in file_rows(boss)} == {"2027-03-31"}


def test_names_carry_their_language_and_the_page_speaks_hindi(given: Given, visit: Visit) -> None:
    people.add_office("TAHSIL", "Tahsil Office", name_hi="तहसील कार्यालय", now=given.now)
    meera = given.officer("Meera", names={"hi": "मीरा देवी"})
    people.post_officer(meera.id, "TAHSIL", "", given.now)
    boss = given.supervisor()
    people.grant_role(boss.id, "supervisor", None, given.now)
    visitor = visit(boss)
    page = visitor.open(LIST)
    assert [span.get("lang") for span in page.root.all("span") if span.text == "मीरा देवी"] == ["hi"]
    assert "Tahsil Office" in page.text
    visitor.speak("hi")
    page = visitor.open(LIST)
    assert [span.get("lang") for span in page.root.all("span") if span.text == "मीरा देवी"] == [None]
    assert "तहसील कार्यालय" in page.text
    assert "Tahsil Office" not in page.text


def test_among_very_many_offices_the_code_is_typed(given: Given, visit: Visit) -> None:
    given.officer("Meera")
    boss = given.supervisor()
    people.grant_role(boss.id, "supervisor", None, given.now)
    with writing() as connection:
        connection.execute(insert(Office), [{"code": f"O{n}", "name": "-", "path": f"/O{n}/"} for n in range(301)])
    page = visit(boss).open(f"{LIST}?office=collectorate")
    assert page.root.one("input", name="office").get("value") == "COLLECTORATE"
    assert [shown(line)["name"] for line in table(page)] == ["Meera"]


def test_hostile_names_are_text_on_the_page_and_in_the_file(app: Flask, given: Given, visit: Visit) -> None:
    hostile = [name for name in HOSTILE if "\x00" not in name]  # PostgreSQL keeps no NUL
    hostile += [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "Robert'); DROP TABLE officer;--",
        "Devi, Meera",
    ]
    for n, name in enumerate(hostile):
        renamed(given.officer(f"Officer {n}", password=""), name)
    boss = visit(given.supervisor())
    page = boss.open(LIST)
    assert len(table(page)) == len(hostile)
    assert page.root.one("main").all("script", "img") == []
    kept = {row["employee_number"]: row["name"] for row in file_rows(boss)}
    for n, name in enumerate(hostile):
        expected = f"'{name}" if name in HOSTILE else name
        assert kept[f"MD-{n + 1:04}"] == expected


# The file


def test_what_proves_the_file_travels_in_the_headers(app: Flask, given: Given, visit: Visit) -> None:
    given.later(hours=-8)  # or what follows a whole course may fall on tomorrow
    given.completed(given.officer("थोइबी", names={"hi": "थोइबी लैमा"}))
    given.officer("Meera")
    boss = given.supervisor()
    visitor = visit(boss)
    response = visitor.get(f"{CSV}?office=COLLECTORATE")
    data = response.data
    assert data.startswith(b"\xef\xbb\xbf" + ",".join(reports.CompletionRow._fields).encode() + b"\r\n")
    assert response.headers["X-SHA256"] == sha256(data).hexdigest()
    assert response.headers["X-Row-Count"] == "2" == str(data.count(b"\r\n") - 1)
    assert response.headers["Content-Length"] == str(len(data))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    as_of = datetime.fromisoformat(response.headers["X-As-Of"])
    assert as_of.utcoffset() == timedelta(hours=5, minutes=30)
    assert abs(datetime.now(as_of.tzinfo) - as_of) < timedelta(minutes=1)
    expected = f"completions-{COURSE}-COLLECTORATE-{as_of:%Y-%m-%d}.csv"
    assert response.headers["Content-Disposition"] == f"attachment; filename={expected}"


def test_a_download_broken_off_leaves_no_file_behind(given: Given, visit: Visit) -> None:
    """An open file would be a warning, and warnings are errors here."""
    given.officer("Meera")
    visitor = visit(given.supervisor())
    head = visitor.client.head(CSV)
    assert (head.data, head.headers["X-Row-Count"]) == (b"", "1")
    head.close()
    begun = visitor.client.get(CSV, buffered=False)
    begun.close()
    assert begun.headers["X-SHA256"] == head.headers["X-SHA256"]


def test_times_are_written_with_the_offset_of_the_site(given: Given, visit: Visit) -> None:
    given.completed(given.officer("Meera"))
    (row,) = file_rows(visit(given.supervisor()))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30", row["completed_at"])
    assert datetime.fromisoformat(row["completed_at"]) == given.now.replace(microsecond=0)
    assert (row["state"], row["evidence"], row["final_percent"]) == ("complete", "checked", "100")


def test_the_companion_names_the_same_bytes(app: Flask, given: Given, visit: Visit) -> None:
    given.officer("Meera Devi")
    given.officer("Thoibi")
    visitor = visit(given.supervisor())
    for query in ("", "?q=meera", "?state=complete"):
        response = visitor.get(f"{CSV}.sha256{query}")
        digest, name = response.text.split()
        assert digest == sha256(visitor.get(CSV + query).data).hexdigest() == response.headers["X-SHA256"]
        assert response.headers["Content-Disposition"] == f"attachment; filename={name}.sha256"
    assert visitor.open(f"{LIST}?q=meera").links["Check value of the file (SHA-256)"] == f"{CSV}.sha256?q=meera"


@pytest.mark.parametrize("office", ["../../etc/passwd", "कार्यालय", 'a"; filename=x', "a\r\nSet-Cookie: x=1", "=1+1"])
def test_the_file_name_is_encoded_and_splits_no_header(given: Given, visit: Visit, office: str) -> None:
    visitor = visit(given.supervisor())
    response = visitor.get(CSV, query_string={"office": office})
    assert response.status_code == 200
    assert "x=1" not in str(response.headers.getlist("Set-Cookie"))
    disposition = response.headers["Content-Disposition"]
    assert disposition.isascii()
    assert disposition.startswith("attachment; filename")
    assert disposition.endswith(".csv")
    assert not set('/\\"') & set(disposition.replace("UTF-8''", ""))


def test_every_download_is_noted_and_nothing_else_is(app: Flask, given: Given, visit: Visit) -> None:
    given.officer("Meera")
    boss = given.supervisor()
    visitor = visit(boss)
    visitor.open(LIST)
    visitor.get(f"{CSV}.sha256")
    assert rows(AccessLog, event="list_exported") == []
    response = visitor.get(f"{CSV}?state=not_begun")
    (line,) = rows(AccessLog, event="list_exported")
    facts = json.loads(line.detail)
    assert (facts["state"], facts["rows"], facts["sha256"]) == ("not_begun", 1, response.headers["X-SHA256"])
    assert (line.officer_id, line.address) == (boss.id, "127.0.0.1")
    assert kinds(boss.id).count("list_exported") == 1


def test_a_transferred_officer_leaves_the_list_at_once(given: Given, visit: Visit) -> None:
    meera = given.officer("Meera", office="Collectorate")
    given.office("Block Office")
    boss = visit(given.supervisor(office="Collectorate"))
    assert "Meera" in boss.get(CSV).text
    people.post_officer(meera.id, "BLOCKOFFICE", "", given.now)
    assert "Meera" not in boss.get(CSV).text
    assert len(rows(Posting, officer_id=meera.id)) == 2

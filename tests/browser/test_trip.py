"""The whole trip in a real browser: from a first password to a certificate that anybody can check, and to the list."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from config import from_environment
from elearn.domain.course import Course
from tests.browser.house import PHONE, WIDE, Desk, sign_in
from tests.browser.lookout import Lookout
from tests.browser.officer import Officer, needs_of, way_through

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Trip:
    """Who goes, on which route, and how; `studio` is what she takes instead of the first module of a choice."""

    name: str
    route: str
    tag: str
    scripts: bool
    viewport: dict[str, int]
    studio: str = ""

    def __str__(self) -> str:
        how = "scripts" if self.scripts else "plain", "phone" if self.viewport is PHONE else "wide"
        return "-".join((self.route, self.tag, *how))


# Every route meets every language, kind of browser and window, and so does every one of these the others.
TRIPS = [
    Trip("Leela Nair", "manager", "en", True, WIDE),
    Trip("गोपाल शर्मा", "manager", "hi", False, PHONE, studio="habitations"),
    Trip("Gopal Sharma", "implementer", "en", False, WIDE),
    Trip("लीला नायर", "implementer", "hi", True, PHONE),
    Trip("Kamala Iyer", "leader", "en", True, PHONE),
    Trip("कमला अय्यर", "leader", "hi", False, WIDE),
]


def check_as_anybody(page: Page, serial: str, name: str, document: Path) -> None:
    """Without a sign-in: the number as it is typed from paper, then the signed file."""
    page.goto("/")
    page.locator("footer").get_by_role("link", name="Check a certificate").click()
    page.get_by_label("Certificate or statement number").fill(" ".join(re.findall(".{1,4}", serial.lower())))
    page.get_by_role("button", name="Check").click()
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator(".aside.good")).to_contain_text("This certificate is valid.")
    page.goto("/verify")
    page.get_by_label("Or the signed record").set_input_files(document)
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".told.good b")).to_have_text("This certificate is valid")
    expect(page.locator(".told.good dd").first).to_have_text(name)


def check_the_list(page: Page, name: str, folder: Path) -> None:
    """As the supervisor of her office: complete on the screen and in the file; nobody of another office in either."""
    sign_in(page, "supervisor@demo.test")
    page.locator("header").get_by_role("link", name="Completion lists").click()
    row = page.locator("tbody tr", has_text=name)
    expect(row.locator(".tag")).to_have_text("complete")
    expect(page.locator("main")).not_to_contain_text("Rohan Lal")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    download.value.save_as(folder / "completions.csv")
    with (folder / "completions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows[name]["state"] == "complete"
    assert rows[name]["requirements_met"] == rows[name]["requirements_total"]
    assert (rows[name]["final_percent"], rows[name]["office_code"]) == ("100", "MD-COL")
    assert "Rohan Lal" not in rows


def traveller(desk: Desk, course: Course, trip: Trip) -> Officer:
    """Somebody new, signed in with a password of her own, before the outline of the course."""
    email = f"{trip}@model.test"
    link = desk.house.add_officer(email, trip.name, "--route", trip.route)
    page = desk.open(trip.viewport, scripts=trip.scripts, reduced_motion="reduce")
    issuer = from_environment(desk.house.settings).organisation
    lookout = Lookout(page, trip.tag, desk.complaints, (trip.name, email, issuer))
    officer = Officer(page, lookout, course, course.route(trip.route), trip.tag, trip.scripts)
    officer.set_first_password(link)
    officer.come_in(email)
    officer.see_the_outline()
    return officer


@pytest.mark.parametrize("trip", TRIPS, ids=str)
def test_an_officer_goes_all_the_way(desk: Desk, course: Course, tmp_path: Path, trip: Trip) -> None:
    officer = traveller(desk, course, trip)
    officer.look_things_up()
    officer.follow("Begin")
    needs = needs_of(officer.route, trip.studio)
    been = officer.reach_the_end({"legal-cases": trip.studio} if trip.studio else {})
    assert been == way_through(course, needs)

    serial = officer.get_the_certificate(trip.name, tmp_path)
    pdf = (tmp_path / "certificate.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pypdfium2.PdfDocument(pdf).get_metadata_dict()["Author"] == trip.name
    check_as_anybody(desk.open(trip.viewport, scripts=trip.scripts), serial, trip.name, tmp_path / "certificate.json")
    check_the_list(desk.open(trip.viewport, scripts=trip.scripts), trip.name, tmp_path)


def test_an_officer_who_knows_a_module_has_its_lessons_credited(desk: Desk, course: Course) -> None:
    """She takes its quiz first; what she then goes on with is its practice, and after it the next module."""
    officer = traveller(desk, course, Trip("Uma Rao", "manager", "en", True, PHONE))
    module = course.modules[0]
    outline = officer.page.locator(f"#module-{module.id}")
    officer.follow("Do you know this already? Take the quiz first", f"#module-{module.id}")
    officer.take_quiz(module.id)
    expect(officer.page).to_have_url(re.compile("#lab-grievance-sorter$"))
    officer.take_lab("grievance-sorter")
    officer.follow("Course", "header")
    officer.lookout.look()
    expect(outline.locator(".tag", has_text="Credited")).to_have_count(len(module.lessons))
    expect(outline.locator(".need > .met")).to_have_count(len(module.lessons) + 2)  # the practice and the quiz
    expect(outline.locator(".need > .miss")).to_have_count(0)
    officer.follow("What is still missing")
    officer.arrive("What is still missing")
    expect(officer.page.locator("section", has_text=module.title["en"]).first.locator(".miss")).to_have_count(0)
    officer.follow("Certificates", "header")
    officer.lookout.look()
    expect(officer.page.locator(".need > .met a").first).to_have_text(module.title["en"])  # the statement of it
    officer.go_on()
    officer.arrive(course.modules[1].lessons[0].texts["en"].title)

"""The whole trip in a real browser: from a first password to a certificate that anybody can check, and to the list."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Locator, Page, expect

from elearn.authoring.compiler import compile_course
from elearn.domain.course import Course
from elearn.domain.labs.grievance_sorter import DEPARTMENTS, LEARN
from elearn.domain.questions import Numeric, Question
from tests.browser.house import COURSE, PHONE, WIDE, Desk, label, sign_in
from tests.server import ROOT

pytestmark = pytest.mark.browser

PASSWORD = "three words together"
NAMES = {
    ("en", True): "Leela Nair",
    ("hi", True): "लीला नायर",
    ("hi", False): "गोपाल शर्मा",
    ("en", False): "Gopal Sharma",
}
TRIPS = [
    pytest.param(WIDE, True, "en", id="wide-scripts-en"),
    pytest.param(PHONE, True, "hi", id="phone-scripts-hi"),
    pytest.param(WIDE, False, "hi", id="wide-plain-hi"),
    pytest.param(PHONE, False, "en", id="phone-plain-en"),
]


@pytest.fixture(scope="package")
def course() -> Course:
    """The course as its files say, with the right answers that no page may show before its time."""
    compiled, problems = compile_course(ROOT / "content" / COURSE)
    assert compiled, problems
    return compiled


def read(html: str) -> str:
    """What a reader sees of a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def seen(element: Locator) -> str:
    return " ".join((element.text_content() or "").split())


@dataclass
class Officer:
    """Somebody at a browser who knows the answers."""

    page: Page
    course: Course
    tag: str
    name: str
    email: str
    scripts: bool = True

    def say(self, text: str, **values: object) -> str:
        return label(self.tag, text, **values)

    def press(self, text: str) -> None:
        self.page.get_by_role("button", name=self.say(text), exact=True).click()

    def follow(self, text: str) -> None:
        self.page.locator("main").get_by_role("link", name=self.say(text), exact=True).click()

    # Answers

    def answer(self, question: Question, within: Locator, right: bool = True) -> None:
        """Finds her answer by what stands beside the buttons, as everybody does; `within` holds the question."""
        if isinstance(question, Numeric):
            wanted = question.answer if right else question.answer + question.tolerance + 1
            within.get_by_role("textbox").fill(str(wanted))
            within.get_by_role("textbox").blur()
            return
        labels = within.locator("label.option")
        shown = [" ".join(text.split()) for text in labels.all_text_contents()]
        key = question.key() if right else question.key()[1:] or (0 if question.key() != (0,) else 1,)
        for index, option in enumerate(question.options):
            at = shown.index(read(option.text[self.tag]))
            if labels.nth(at).locator("input").is_checked() != (index in key) and (question.many or index in key):
                labels.nth(at).click()

    def check_wrong_then_right(self, check: Question) -> None:
        form = self.page.locator(f"#check-{check.id}")
        assert read(check.stem[self.tag]) == seen(form.locator(".stem"))
        for right, told in ((False, "Not quite."), (True, "Right.")):
            self.answer(check, form, right)
            form.get_by_role("button").click()
            expect(form.locator(".told > b")).to_have_text(self.say(told))

    def take_quiz(self, quiz_id: str) -> None:
        """Begins it on its page of rules, answers everything rightly, submits, and goes on from the result."""
        quiz = self.course.quiz(quiz_id)
        assert quiz
        self.press("Begin")
        questions = self.page.locator("section.question")
        expect(questions).to_have_count(quiz.rules.draw)
        bank = {question.id: question for question in quiz.bank}
        for at in range(quiz.rules.draw):
            question = bank[(questions.nth(at).get_attribute("id") or "").removeprefix("question-")]
            assert read(question.stem[self.tag]) == seen(questions.nth(at).locator(".stem"))
            self.answer(question, questions.nth(at))
        self.press("Submit my answers")
        expect(self.page.locator("h1")).to_have_text(self.say("Passed"))
        expect(self.page.locator(".figures b").first).to_have_text("100 %")
        self.follow("Continue")

    # The lab

    def teach_the_sorter(self) -> None:
        """24 examples rightly labelled, then a department's labels flipped, as the lab's tasks ask."""
        lab = self.page.locator("[data-lab]")
        self.label_and_train({each.id: each.department for each in LEARN[:24]})
        expect(lab.locator("[data-headline]")).to_contain_text("22")
        expect(lab.locator("[data-task='train-well']")).to_have_class("met")
        expect(lab.locator("[data-reached]")).to_be_hidden()
        roads = [each.id for each in LEARN[:24] if each.department == DEPARTMENTS[1]]
        self.label_and_train(dict.fromkeys(roads, DEPARTMENTS[0]))
        expect(lab.locator("[data-reached]")).to_be_visible()

    def label_and_train(self, labels: dict[str, str]) -> None:
        lab = self.page.locator("[data-lab]")
        more = lab.locator("form details").first
        if more.get_attribute("open") is None:
            more.locator("summary").click()
        for complaint, department in labels.items():
            lab.locator(f"#lab-{complaint}").select_option(department)
        lab.locator("label.option").nth(1).click()
        lab.locator("form .button").first.click()

    # The stations

    def set_first_password(self, link: str) -> None:
        self.page.goto(link)
        if self.tag != "en":
            self.page.locator(f"header a[lang={self.tag}]").click()
        self.page.get_by_label(self.say("New password")).fill(PASSWORD)
        self.press("Keep this password")
        expect(self.page.locator("[role=status] b")).to_have_text(self.say("Your password is set."))

    def come_in(self) -> None:
        self.page.goto("/")
        self.page.locator(".hero").get_by_role("link", name=self.say("Sign in")).click()
        self.page.get_by_label(self.say("E-mail address")).fill(self.email)
        self.page.get_by_label(self.say("Password"), exact=True).fill(PASSWORD)
        self.page.locator("main form").get_by_role("button").click()
        expect(self.page.locator("h1")).to_have_text(self.say("Begin your course"))
        assert self.page.locator("html").get_attribute("lang") == self.tag

    def see_the_outline(self) -> None:
        self.follow("See the outline")
        lessons = self.page.locator(".need > li")
        titles = [lesson.texts[self.tag].title for lesson in self.course.lessons()]
        assert [seen(lessons.nth(at).locator("a")) for at in range(len(titles))] == titles
        self.follow("Begin")

    def take_lesson(self, path: str) -> None:
        lesson = self.course.lesson(*path.split("/"))
        assert lesson
        expect(self.page.locator("h1")).to_have_text(lesson.texts[self.tag].title)
        for check in lesson.checks:
            self.check_wrong_then_right(check)
        if lesson.labs:
            self.teach_the_sorter()
        self.press("Mark done and continue")

    def reach_the_end(self) -> list[str]:
        """Goes wherever the pages lead, until nothing is missing; returns where that was."""
        been = []
        while not self.page.url.endswith("/status"):
            place = self.page.url.partition(f"/courses/{COURSE}/")[2]
            assert place not in been, f"{place} leads back to itself after {been}"
            been.append(place)
            before = self.page.url
            if place.startswith("quizzes/"):
                self.take_quiz(place.removeprefix("quizzes/"))
            else:
                self.take_lesson(place)
            self.page.wait_for_url(lambda url, before=before: url != before)
        return been

    def get_the_certificate(self, folder: Path) -> str:
        """Reads the status, takes both files of the certificate; returns its serial."""
        expect(self.page.locator("h1")).to_have_text(self.say("You have completed this course"))
        expect(self.page.locator(".need > .miss")).to_have_count(0)
        self.follow("See your certificate")
        expect(self.page.locator("h1")).to_have_text(self.name)
        expect(self.page.locator(".aside.good b")).to_have_text(self.say("This certificate is valid."))
        for words, ending in (("Download the certificate (PDF)", "pdf"), ("Signed record (JSON)", "json")):
            with self.page.expect_download() as download:
                self.follow(words)
            download.value.save_as(folder / f"certificate.{ending}")
        return self.page.url.rpartition("/")[2]


def check_as_anybody(page: Page, serial: str, name: str, document: Path) -> None:
    """Without a sign-in: the number as it is typed from paper, then the signed file."""
    page.goto("/")
    page.locator("footer").get_by_role("link", name="Check a certificate").click()
    page.get_by_label("Certificate number").fill(" ".join(re.findall(".{1,4}", serial.lower())))
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


@pytest.mark.parametrize(("viewport", "scripts", "tag"), TRIPS)
def test_an_officer_goes_all_the_way(
    desk: Desk, course: Course, tmp_path: Path, viewport: dict[str, int], scripts: bool, tag: str
) -> None:
    name = NAMES[tag, scripts]
    email = f"traveller-{tag}-{scripts:d}@model.test"
    link = desk.house.add_officer(email, name)
    officer = Officer(desk.open(viewport, scripts=scripts), course, tag, name, email, scripts)
    officer.set_first_password(link)
    officer.come_in()
    officer.see_the_outline()
    been = officer.reach_the_end()
    lessons = [lesson.path for lesson in course.lessons()]
    # Nobody reads as fast as this test, so the three fresh questions are asked.
    assert been == [*lessons, "quizzes/plain-words", "quizzes/fresh-plain-words", "quizzes/final"]

    serial = officer.get_the_certificate(tmp_path)
    pdf = (tmp_path / "certificate.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pypdfium2.PdfDocument(pdf).get_metadata_dict()["Author"] == name
    check_as_anybody(desk.open(viewport, scripts=scripts), serial, name, tmp_path / "certificate.json")
    check_the_list(desk.open(viewport, scripts=scripts), name, tmp_path)

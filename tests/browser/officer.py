"""An officer at a browser who knows the answers: what she does at each station of the course."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from html import unescape
from itertools import product
from pathlib import Path
from urllib.parse import parse_qs

from playwright.sync_api import Locator, Page, expect

from elearn.domain.course import Course, Lesson, Needs, Route
from elearn.domain.formula import worked_out
from elearn.domain.labs import LABS
from elearn.domain.questions import Numeric, Question, filled_in
from tests.browser.house import COURSE, label
from tests.browser.lookout import Lookout

PASSWORD = "three words together"

# What a form holds and how it stands: a hidden field is the page's own business.
CONTROLS = """(form) => [...form.elements]
  .filter(({ name, type }) => name && !["hidden", "submit"].includes(type))
  .map(({ name, type, value, checked }) => [name, type, value, checked])"""
NAMES = "(form) => [...new Set([...form.elements].map(({ name }) => name))]"


def read(html: str) -> str:
    """What a reader sees of a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def seen(element: Locator) -> str:
    return " ".join((element.text_content() or "").split())


def needs_of(route: Route, studio: str = "") -> Needs:
    """What a route asks of whoever takes that module of its choice, where it leaves one: else the first."""
    parts = [route.needs, *(group.get(studio) or next(iter(group.values())) for group in route.any_of)]
    return Needs(
        tuple(path for part in parts for path in part.lessons),
        tuple(lab for part in parts for lab in part.labs),
        tuple(quiz for part in parts for quiz in part.quizzes),
    )


def way_through(course: Course, needs: Needs) -> list[str]:
    """Where the pages lead whoever needs this: module by module its lessons, labs that stand in other lessons, its
    quiz and, since nobody reads as fast as a test, three fresh questions; then the final."""
    found = []
    for module in course.modules:
        for lesson in module.lessons:
            if lesson.path in needs.lessons:
                found.append(lesson.path)
            else:
                found += [f"{lesson.path}#lab-{lab}" for lab in lesson.labs if lab in needs.labs]
        found += [f"quizzes/{module.id}"] if module.id in needs.quizzes else []
        found += [f"quizzes/fresh-{module.id}"] if any(one.path in needs.lessons for one in module.lessons) else []
    return [*found, "quizzes/final"]


def as_asked(question: Question, tag: str, stem: str) -> Question:
    """The question with the numbers that stand on the page, where they vary from attempt to attempt."""
    if not isinstance(question, Numeric) or not question.vary:
        return question
    for values in product(*question.vary.values()):
        numbers: dict[str, Decimal] = dict(zip(question.vary, values, strict=True))
        if read(filled_in(question.stem[tag], numbers)) == stem:
            return replace(question, stem={tag: stem}, answer=worked_out(question.formula, numbers), vary={})
    raise AssertionError(f"{question.id} is not asked so: {stem}")


@dataclass
class Officer:
    """Somebody at a browser who knows the answers, and looks at every page that she opens."""

    page: Page
    lookout: Lookout
    course: Course
    route: Route
    tag: str
    scripts: bool

    def say(self, text: str, **values: object) -> str:
        return label(self.tag, text, **values)

    def press(self, text: str) -> None:
        self.go(self.page.get_by_role("button", name=self.say(text), exact=True))

    def follow(self, text: str, within: str = "main") -> None:
        self.go(self.page.locator(within).get_by_role("link", name=self.say(text), exact=True).first)

    def go(self, way: Locator) -> None:
        """Wherever a link or button leads; then the page is there."""
        with self.page.expect_navigation():
            way.click()

    def arrive(self, heading: str) -> None:
        """Looks at the page, which has that heading."""
        expect(self.page.locator("h1")).to_have_text(heading)
        self.lookout.look()

    # Coming in

    def set_first_password(self, link: str) -> None:
        self.page.goto(link)
        if self.tag != "en":
            self.go(self.page.locator(f"header a[lang={self.tag}]"))
        self.page.get_by_label(self.say("New password")).fill(PASSWORD)
        self.lookout.look()
        self.press("Keep this password")
        expect(self.page.locator("[role=status] b")).to_have_text(self.say("Your password is set."))
        self.lookout.look()

    def come_in(self, email: str) -> None:
        self.page.goto("/")
        self.lookout.look()
        self.follow("Sign in")
        self.page.get_by_label(self.say("E-mail address")).fill(email)
        self.page.get_by_label(self.say("Password"), exact=True).fill(PASSWORD)
        self.lookout.look()
        self.go(self.page.locator("main form").get_by_role("button"))
        self.arrive(self.say("Begin your course"))

    def see_the_outline(self) -> None:
        """The whole course in its order; what is not on her route says so."""
        self.follow("See the outline")
        self.arrive(self.course.title[self.tag])
        expect(self.page.locator(".eyebrow").first).to_have_text(
            self.say("Your route: {route}", route=self.route.title[self.tag])
        )
        titles = [lesson.texts[self.tag].title for lesson in self.course.lessons()]
        links = [" ".join(text.split()) for text in self.page.locator(".need a").all_text_contents()]
        assert [text for text in links if text in titles] == titles
        extra = self.page.get_by_text(self.say("Not part of your route; read it if you like."), exact=True)
        expect(extra).to_have_count(len(self.not_asked()))

    def not_asked(self) -> list[str]:
        """Lessons that the route leaves out of a module. (A module that is only one of a choice says so instead.)"""
        asked = needs_of(self.route).lessons
        begun = [module for module in self.course.modules if any(one.path in asked for one in module.lessons)]
        return [one.path for module in begun for one in module.lessons if one.path not in asked]

    def look_things_up(self) -> None:
        """The words, the sources, and a word that is looked for; then back to the outline."""
        word = next(iter(self.course.glossary.values()))["term"][self.tag]
        for words in ("Words of the course", "Sources of the course", "Report an error"):
            self.follow(words)
            self.lookout.look()
            self.page.go_back()
        self.page.get_by_role("searchbox").fill(word)
        self.press("Search")
        self.arrive(self.say("Search"))
        assert self.page.locator(".hits li").count()
        self.page.go_back()

    # Lessons

    def take_lesson(self, lesson: Lesson) -> None:
        self.arrive(lesson.texts[self.tag].title)
        for number, check in enumerate(lesson.checks):
            self.take_check(check, (True,) if number else (False, True))
        for lab in lesson.labs:
            self.take_lab(lab)
        self.press("Mark done and continue")

    def take_check(self, check: Question, answers: tuple[bool, ...]) -> None:
        """Answers it rightly or not, so many times."""
        form = self.page.locator(f"#check-{check.id}")
        assert read(check.stem[self.tag]) == seen(form.locator(".stem"))
        for right in answers:
            self.answer(check, form, right)
            self.sent_by(form.get_by_role("button"))
            expect(form.locator(".told > b")).to_have_text(self.say("Right." if right else "Not quite."))

    def answer(self, question: Question, within: Locator, right: bool = True) -> None:
        """Finds her answer by what stands beside the buttons, as everybody does; `within` holds the question."""
        if isinstance(question, Numeric):
            wanted = question.answer if right else question.answer + question.tolerance + 1
            within.get_by_role("textbox").fill(str(wanted))
            within.get_by_role("textbox").blur()
            return
        options = within.locator("label.option")
        shown = [" ".join(text.split()) for text in options.all_text_contents()]
        ticked = within.locator("label.option input").evaluate_all("(all) => all.map(({ checked }) => checked)")
        key = question.key() if right else question.key()[1:] or (0 if question.key() != (0,) else 1,)
        for index, option in enumerate(question.options):
            at = shown.index(read(option.text[self.tag]))
            if ticked[at] != (index in key) and (question.many or index in key):
                options.nth(at).click()

    # Labs

    def take_lab(self, name: str) -> None:
        """Fills it in and presses its buttons until its result is reached."""
        lab = self.page.locator(f"#lab-{name}")
        expect(lab.locator("[data-reached]")).to_be_hidden()
        for choices in LABS[name].sample_runs(self.tag):
            fields = LABS[name].fields(choices)
            form = next(one for one in lab.locator("form").all() if fields.keys() <= set(one.evaluate(NAMES)))
            # What is asked about a result can be answered once the result stands on the page.
            sent = [self.run_lab(form, fields)]
            if LABS[name].read(sent[-1]) != choices:
                sent.append(self.run_lab(form, fields))
            assert LABS[name].read(sent[-1]) == choices
        expect(lab.locator("[data-reached]")).to_be_visible()
        self.lookout.look()

    def run_lab(self, form: Locator, fields: Mapping[str, str]) -> dict[str, list[str]]:
        """Sets the controls of a form and presses its button, or one after another the words that are to be chosen;
        returns what was sent last."""
        self.set_controls(form, fields)
        ranks = [rank for rank in fields.get("words", "").split(".") if rank]
        words = [form.locator(f"button[name=next][value='{rank}']") for rank in ranks]
        *before, last = words or [form.locator(".button:not(.quiet):visible").last]
        for word in before:
            word.click() if self.scripts else self.sent_by(word)
        return self.sent_by(last)

    def set_controls(self, form: Locator, fields: Mapping[str, str]) -> None:
        folded = form.locator("details:not([open]):has(select, input) > summary")
        while folded.count():
            folded.first.click()
        for name, kind, value, checked in form.evaluate(CONTROLS):
            control, wanted = form.locator(f"[name='{name}']"), fields.get(name)
            if kind in ("checkbox", "radio"):
                if checked != (value == wanted) and (kind == "checkbox" or not checked):
                    control.and_(form.locator(f"[value='{value}']")).click()
            elif wanted not in (None, value):
                control.select_option(wanted) if kind == "select-one" else control.fill(wanted)

    def sent_by(self, button: Locator) -> dict[str, list[str]]:
        """What the page sends when the button is pressed, after it was answered."""
        with self.page.expect_response(lambda answer: answer.request.method == "POST") as told:
            if self.scripts:
                button.click()
            else:
                self.go(button)
        return parse_qs(told.value.request.post_data or "", keep_blank_values=True)

    # Quizzes

    def take_quiz(self, quiz_id: str) -> None:
        """Begins it on its page of rules, answers everything rightly, submits, and goes on from the result."""
        quiz = self.course.quiz(quiz_id)
        assert quiz
        self.lookout.look()
        self.press("Begin")
        questions = self.page.locator("section.question")
        expect(questions).to_have_count(quiz.rules.draw)
        self.lookout.look()
        bank = {question.id: question for question in quiz.bank}
        for card in questions.all():
            stem = seen(card.locator(".stem"))
            question = bank[(card.get_attribute("id") or "").removeprefix("question-")]
            question = as_asked(question, self.tag, stem)
            assert read(question.stem[self.tag]) == stem
            self.answer(question, card)
        self.press("Submit my answers")
        self.arrive(self.say("Passed"))
        expect(self.page.locator(".figures b").first).to_have_text("100 %")
        self.follow("Continue")

    # The whole way

    def reach_the_end(self, instead: Mapping[str, str]) -> list[str]:
        """Goes wherever the pages lead, until nothing is missing; returns where that was. Where they lead to a module
        in whose place she takes another, she goes there."""
        been: list[str] = []
        while not self.page.url.endswith("/status"):
            place = self.page.url.partition(f"/courses/{COURSE}/")[2]
            if other := instead.get(place.partition("/")[0]):
                self.take_instead(other)
            else:
                assert place not in been, f"{place} leads back to itself after {been}"
                been.append(place)
                self.take(place)
        return been

    def take(self, place: str) -> None:
        """A lesson, a quiz, or a lab that stands in a lesson which is not on her route."""
        address, _, lab = place.partition("#lab-")
        if lab:
            self.take_lab(lab)
            self.go_on()
        elif address.startswith("quizzes/"):
            self.take_quiz(address.removeprefix("quizzes/"))
        else:
            lesson = self.course.lesson(*address.split("/"))
            assert lesson
            self.take_lesson(lesson)

    def go_on(self) -> None:
        """Wherever her next step is, from any page."""
        self.follow("Course", "header")
        self.lookout.look()
        self.follow("Continue")

    def take_instead(self, module_id: str) -> None:
        """From the page of what is missing to the outline, and to the first lesson of that module there."""
        module = self.course.module(module_id)
        assert module
        self.follow("Course", "header")
        self.follow("What is still missing")
        self.arrive(self.say("What is still missing"))
        self.go(self.page.locator("main .hint").get_by_role("link", name=module.title[self.tag], exact=True))
        self.arrive(self.course.title[self.tag])
        self.go(self.page.locator(f"#module-{module_id} .need a").first)

    def get_the_certificate(self, name: str, folder: Path) -> str:
        """Reads the status, takes both files of the certificate; returns its serial."""
        self.arrive(self.say("You have completed this course"))
        expect(self.page.locator(".need > .miss")).to_have_count(0)
        self.follow("See your certificate")
        self.arrive(name)
        expect(self.page.locator(".aside.good b")).to_have_text(self.say("This certificate is valid."))
        for words, ending in (("Download the certificate (PDF)", "pdf"), ("Signed record (JSON)", "json")):
            with self.page.expect_download() as download:
                self.page.get_by_role("link", name=self.say(words), exact=True).click()
            download.value.save_as(folder / f"certificate.{ending}")
        return self.page.url.rpartition("/")[2]

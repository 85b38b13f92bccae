"""Somebody who learns, over HTTP, against servers that are processes of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from elearn.domain.course import Lesson
from tests.given import COURSE, PASSWORD, Person
from tests.pages import Element, Page
from tests.server import Answer, Browser, Fields


@dataclass
class Learner:
    """A person at her browser, which may meet another server with every request."""

    person: Person
    browser: Browser
    token: str = ""

    def page(self, path: str) -> Page:
        answer = self.browser.get(path)
        assert answer.status == 200, f"{path}: {answer.status} {answer.location}"
        return Page(answer, path)  # type: ignore[arg-type]

    def post(self, path: str, fields: Fields | None = None, **headers: str) -> Answer:
        return self.browser.post(path, {**(fields or {}), "csrf_token": self.token}, **headers)

    def sign_in(self, password: str = PASSWORD) -> Answer:
        self.token = self._token(self.page("/sign-in"))
        answer = self.post("/sign-in", {"email": self.person.email, "password": password})
        if answer.status == 302:
            self.token = self._token(self.page("/account"))
        return answer

    def sign_out(self) -> Answer:
        return self.post("/sign-out")

    def is_in(self, through: str = "") -> bool:
        """Whether her cookie opens her account, asked of the server at that address."""
        browser = Browser(through or self.browser.url, dict(self.browser.cookies))
        return browser.get("/account").status == 200

    def take_lesson(self, lesson: Lesson) -> list[Answer]:
        """Opened, its checks answered somehow, marked done."""
        address = f"/courses/{COURSE}/{lesson.path}"
        page = self.page(address)
        answers = []
        for check in lesson.checks:
            form = page.form(f"{address}/checks/{check.id}")
            answers.append(self.post(page.action(form), _some(page, [form])))
        return [*answers, self.post(f"{address}/done")]

    def start_quiz(self, quiz: str) -> tuple[str, Fields]:
        """The address of a fresh attempt, and a form filled in somehow."""
        answer = self.post(f"/courses/{COURSE}/quizzes/{quiz}")
        assert answer.status == 303, f"{quiz}: {answer.status}"
        page = self.page(answer.location)
        return answer.location, _some(page, [page.form(answer.location)])

    def take_quiz(self, quiz: str) -> Answer:
        address, fields = self.start_quiz(quiz)
        return self.post(address, fields)

    def _token(self, page: Page) -> str:
        return page.root.all("input", name="csrf_token")[0].get("value") or ""


def _some(page: Page, forms: Iterable[Element]) -> dict[str, str]:
    """What stands in a form; the first of what can be chosen, and a number where something is to be written."""
    sent: dict[str, str] = {}
    for form in forms:
        sent.update(page.fields(form).items())
        for control in page.controls(form):
            name, kind = control.get("name") or "", control.get("type")
            if kind in ("radio", "checkbox"):
                sent.setdefault(name, control.get("value") or "")
            elif kind == "text" and not sent.get(name):
                sent[name] = "42"
    sent.pop("csrf_token", None)
    return sent

"""The shipped server with its demo people, and browsers on it that note every complaint of a page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from config import from_environment
from elearn import create_app
from elearn.i18n import catalogue
from elearn.models.database import db
from elearn.services import accounts, library, people
from tests.given import Given, Person
from tests.server import ELEARN, ROOT, demo_in, environment, serving

CHROMIUM = "/usr/bin/chromium"
COURSE = "ai-for-good-governance"
LESSONS = f"/courses/{COURSE}/plain-words"
DEMO_PASSWORD = "ai-for-governance"
PATIENCE = 60_000  # milliseconds that a page may take on a machine that has much else to do

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@dataclass(frozen=True)
class House:
    """A running server: where it is, and what the `elearn` command does to its records."""

    url: str
    data: Path

    @cached_property
    def settings(self) -> dict[str, str]:
        """What the demo runs with, for whoever works on its records from outside."""
        return {
            "ELEARN_DATA_DIR": str(self.data),
            "ELEARN_SECRET_KEY": (self.data / "secret-key").read_text().strip(),
            "ELEARN_BASE_URL": self.url,
            "ELEARN_CONTENT_DIR": str(ROOT / "content"),
        }

    def elearn(self, *arguments: str) -> str:
        """What an `elearn` command prints."""
        done = subprocess.run(
            [ELEARN, *arguments], cwd=ROOT, env=environment(self.settings), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_officer(self, email: str, name: str, *options: str) -> str:
        """Adds an officer of the collectorate, as an administrator does; returns the link for her first password."""
        printed = self.elearn("officer", "add", email, "--name", name, "--office", "MD-COL", *options)
        found = re.search(rf"^{re.escape(self.url)}/first-password/\S+$", printed, re.M)
        assert found, printed
        return found.group()


@contextmanager
def shipped(folder: Path) -> Iterator[House]:
    """The demo on a free port, ready to serve; it ends with the block."""
    with serving(demo_in(folder)) as server:
        yield House(server.url, folder / "data")


@contextmanager
def records_of(house: House) -> Iterator[Given]:
    """The test vocabulary on the running server's own records, as if its people had been at work since yesterday."""
    app = create_app(from_environment(house.settings))
    with app.app_context():
        yield Given(app, datetime.now(UTC) - timedelta(days=1))
        db.engine.dispose()


def new_officer(given: Given) -> Person:
    """Somebody new in the demo's collectorate, who signs in with its password and has begun nothing."""
    name = f"asha-{uuid4().hex[:8]}"
    email = f"{name}@model.test"
    added = people.add_officer(email, {"en": name}, office="MD-COL", courses=library.courses(), now=given.now)
    accounts.set_password(added, DEMO_PASSWORD, given.now)
    return Person(added, name, email)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What goes wrong on pages without anybody seeing it: on the console, in scripts, and in requests to elsewhere."""

    home: str
    found: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    """Parts of messages that a test has brought about itself: a cut line, a page that is not there."""

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.note(f"{error.page and error.page.url}: {error.error}"))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.note(f"{message.page and message.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.home).netloc:
            self.note(f"a request to another host: {request.url}")

    def note(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.found.append(text)


class Desk:
    """Opens pages on the running server; `complaints` gathers what any of them complained about."""

    def __init__(self, browser: Browser, house: House) -> None:
        self.browser, self.house = browser, house
        self.complaints = Complaints(house.url)
        self._contexts: list[BrowserContext] = []

    def open(self, viewport: Any = None, *, scripts: bool = True, **options: Any) -> Page:
        """A page of a fresh browser, in English unless its reader chooses otherwise."""
        shown = {"base_url": self.house.url, "locale": "en-IN", "viewport": viewport or WIDE, **options}
        context = self.browser.new_context(java_script_enabled=scripts, **shown)
        context.set_default_timeout(PATIENCE)
        self.complaints.listen(context)
        self._contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        while self._contexts:
            self._contexts.pop().close()


def sign_in(page: Page, email: str, password: str = DEMO_PASSWORD) -> None:
    """Through the form, by somebody who is not signed in."""
    page.goto("/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("main form button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def label(tag: str, text: str, **values: object) -> str:
    """A label of the interface as it stands in that language, an untranslated one in English."""
    said = catalogue(tag).gettext(text)
    return said.format(**values) if values else said

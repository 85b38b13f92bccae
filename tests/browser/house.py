"""The shipped server as a subprocess with its demo people, and browsers that note every complaint of a page."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from config import Config, from_environment
from elearn.i18n import catalogue

ROOT = Path(__file__).parents[2]
ELEARN = str(Path(sys.executable).with_name("elearn"))
CHROMIUM = "/usr/bin/chromium"
COURSE = "ai-for-good-governance"
DEMO_PASSWORD = "ai-for-governance"
STARTS_WITHIN = 120  # seconds, on a machine that has much else to do
LOOKS_AGAIN_AFTER = 0.05
PATIENCE = 30_000  # milliseconds that a page may take on such a machine

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@dataclass(frozen=True)
class House:
    """A running server: where it is, and what the `elearn` command does to its records."""

    url: str
    data: Path

    def environment(self) -> dict[str, str]:
        """The settings that the demo runs with, for whoever works on its records from outside."""
        return {
            "ELEARN_DATA_DIR": str(self.data),
            "ELEARN_SECRET_KEY": (self.data / "secret-key").read_text().strip(),
            "ELEARN_BASE_URL": self.url,
            "ELEARN_CONTENT_DIR": str(ROOT / "content"),
        }

    def config(self) -> Config:
        return from_environment(self.environment())

    def elearn(self, *arguments: str) -> str:
        """What an `elearn` command prints."""
        done = subprocess.run(
            [ELEARN, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment()},
            capture_output=True,
            text=True,
            check=False,
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
    port, log = _free_port(), folder / "server.log"
    command = [ELEARN, "demo", "--port", str(port), "--data", str(folder / "data")]
    house = House(f"http://127.0.0.1:{port}", folder / "data")
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as process:
        try:
            _wait_until_ready(house, process, log)
            yield house
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_ready(house: House, process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + STARTS_WITHIN
    while not _is_ready(house):
        assert monotonic() < end, f"not ready after {STARTS_WITHIN} s:\n{log.read_text()}"
        try:
            process.wait(LOOKS_AGAIN_AFTER)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the server did not start:\n{log.read_text()}")


def _is_ready(house: House) -> bool:
    try:
        with urlopen(f"{house.url}/health/ready") as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError):
        return False


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
        context.on("weberror", lambda error: self._note(f"{error.page and error.page.url}: {error.error}"))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"{message.page and message.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url)._replace(path="", query="", fragment="").geturl() not in (self.home, "data:", "blob:"):
            self._note(f"a request to another host: {request.url}")

    def _note(self, text: str) -> None:
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
        context = self.browser.new_context(
            **{"base_url": self.house.url, "locale": "en-IN", "viewport": viewport or WIDE, **options},
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE)
        self.complaints.listen(context)
        self._contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def sign_in(page: Page, email: str, password: str = DEMO_PASSWORD) -> None:
    """Through the form, from wherever the page is signed out."""
    page.goto("/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("main form button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def label(tag: str, text: str, **values: object) -> str:
    """A label of the interface as it stands in that language, an untranslated one in English."""
    said = catalogue(tag).gettext(text)
    return said.format(**values) if values else said

"""To the provider of identities and back in a real browser, which holds pages to our own rules about other sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, expect

from config import from_environment
from elearn import create_app
from elearn.commands.terminal import now
from elearn.models.database import db
from elearn.services import library, people
from tests.browser.house import PHONE, Desk, House
from tests.provider import PASSWORD, RealProvider, Somebody, providing
from tests.server import Server, served_from, serving

pytestmark = pytest.mark.browser

RETURN = "/sign-in/sso/return"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Our server with officers who have no password here, and the provider that knows them."""
    running = served_from(tmp_path_factory.mktemp("house"))
    provider = RealProvider(tmp_path_factory.mktemp("provider"), running.url + RETURN, trusted=False)
    known = provider.settings()
    oidc = {"ISSUER": known.issuer, "CLIENT_ID": known.client_id, "CLIENT_SECRET": known.client_secret}
    oidc["LABEL"] = "Canaille"
    running.settings = {**running.settings, **{f"ELEARN_OIDC_{name}": value for name, value in oidc.items()}}
    _add_officers(running, "meera", "leela")
    provider.people = [Somebody(name, f"{name}@model.test") for name in ("meera", "leela", "nobody")]
    with providing(provider), serving(running):
        yield running


def _add_officers(server: Server, *names: str) -> None:
    app = create_app(from_environment(server.settings))
    with app.app_context():
        upgrade()
        for name in names:
            people.add_officer(f"{name}@model.test", {"en": name}, courses=library.courses(), now=now())
        db.engine.dispose()


@pytest.fixture
def door(chromium: Browser, server: Server) -> Iterator[Desk]:
    """Opens pages of this server; other sites' pages may complain, ours may not."""
    desk = Desk(chromium, House(server.url, Path(server.settings["ELEARN_DATA_DIR"])))
    # That she is led to the provider is what is tried here; what its own pages say on the console is its own.
    desk.complaints.expected = {"a request to another host: http://localhost:", "http://localhost:"}
    yield desk
    desk.close()
    assert desk.complaints.found == [], "\n".join(desk.complaints.found)


def go_through(page: Page, name: str) -> None:
    """What the provider asks: who she is, her password, and whether we may know."""
    page.locator("input[name=login]").fill(name)
    page.locator("form button[type=submit]").last.click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").last.click()
    page.locator("button[name=answer][value=accept]").click()


@pytest.mark.parametrize(("name", "scripts"), [("meera", True), ("leela", False)], ids=["scripts", "plain"])
def test_an_officer_goes_to_the_provider_and_comes_back(door: Desk, name: str, scripts: bool) -> None:
    page = door.open(PHONE, scripts=scripts)
    page.goto("/account")
    page.get_by_role("link", name="Sign in with Canaille").click()
    expect(page).to_have_url(re.compile("^http://localhost:"))
    go_through(page, name)
    expect(page).to_have_url(re.compile(r"^http://127\.0\.0\.1:\d+/account$"))
    expect(page.locator("main")).to_contain_text(f"{name}@model.test")


def test_who_is_not_known_here_reads_whom_to_ask(door: Desk) -> None:
    door.complaints.expected.add("status of 403")
    page = door.open({"width": 320, "height": 640})
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with Canaille").click()
    go_through(page, "nobody")
    expect(page.locator("h1")).to_have_text("No account here is linked to you")
    expect(page.locator("main")).to_contain_text("nobody@model.test")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("link", name="To sign-in").click()
    expect(page.locator("#password")).to_be_visible()

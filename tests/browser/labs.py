"""What tests of practice labs share: a lab's page without the rest of the house, and a comparison of its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from elearn.domain.labs import LABS, Run

HOUSE = Path(__file__).parents[2] / "elearn"
SITE = "http://lab.test"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
TEMPLATES = Environment(loader=FileSystemLoader(HOUSE / "templates"), autoescape=True)


class Site:
    """Stands in for the server: keeps the runs it is sent, and answers a script in JSON, a plain form with the page."""

    def __init__(self, name: str, language: str) -> None:
        self.lab = LABS[name]
        self.language = language
        self.runs: list[Run] = []
        self.bodies: list[str] = []
        self.problems: list[str] = []
        self.away = False
        self.status = 200

    def page(self) -> str:
        view = self.lab.view(self.language, self.runs)
        part = rendered(self.lab.name, lab=view)
        return f"""<!doctype html><html lang="{self.language}"><head><meta charset="utf-8"><title>Lesson</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <link rel="icon" href="/static/icon.svg">
        <link rel="stylesheet" href="/static/css/style.css">
        <link rel="stylesheet" href="/static/{view["style"]}">
        <script type="module" src="/static/{view["script"]}"></script></head>
        <body><main><h1>Lesson</h1>
        <article class="narrow"><div class="prose">{part}</div></article></main></body></html>"""

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path.startswith("/static/"):
            file = HOUSE / path.removeprefix("/")
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        elif route.request.method == "POST":
            self.take(route)
        else:
            route.fulfill(body=self.page(), headers={"content-type": "text/html", "content-security-policy": CSP})

    def take(self, route: Route) -> None:
        if self.away:
            route.abort("internetdisconnected")
            return
        if self.status != 200:
            route.fulfill(status=self.status, body="")
            return
        body = route.request.post_data or ""
        self.bodies.append(body)
        choices = self.lab.read(parse_qs(body, keep_blank_values=True))
        self.runs.append((choices, self.lab.run(choices)))
        if route.request.headers["accept"] == "application/json":
            answer = {
                "figures": self.runs[-1][1],
                "reached": self.lab.reached(self.runs),
                "todo": self.lab.todo(self.language, self.runs),
            }
            route.fulfill(body=json.dumps(answer), content_type="application/json")
        else:
            route.fulfill(status=303, headers={"location": "/"})


Open = Callable[..., tuple[Page, Site]]
"""open_lab(name, "hi", runs) is a page with that lab in Hindi as its officer left it, and the site it talks to."""


@contextmanager
def opening(chromium: Browser) -> Iterator[Open]:
    """Opens labs; at the end, no page may have complained to its console."""
    sites: list[Site] = []

    def open_(name: str, language: str = "en", runs: Sequence[Run] = (), **context: Any) -> tuple[Page, Site]:
        site = Site(name, language)
        site.runs.extend(runs)
        page = chromium.new_context(**context).new_page()

        def note(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
                site.problems.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: site.problems.append(str(error)))
        page.route("**/*", site.answer)
        page.goto(SITE)
        sites.append(site)
        return page, site

    yield open_
    for context in chromium.contexts:
        context.close()
    assert [problem for site in sites for problem in site.problems] == []


def rendered(name: str, **given: Any) -> str:
    """A lab's part of its lesson's page."""
    given = {"lab": LABS[name].view("en", []), "action": "/runs", "csrf_token": "tok", **given}
    return TEMPLATES.get_template(f"labs/{name}.html").render(given)


def sample_history(name: str, language: str) -> list[Run]:
    """Runs that reach the lab's result."""
    lab = LABS[name]
    return [(choices, lab.run(choices)) for choices in lab.sample_runs(language)]


def figures_in_page(page: Page, name: str, language: str, made: Sequence[Any]) -> list[Any]:
    """What the lab's script makes of these choices. As text, because Playwright takes long over many small values."""
    script = f"""async ([data, made]) => {{
        const lab = await import("/static/labs/{name}.js");
        return JSON.stringify(made.map((one) => lab.run(data, one)));
    }}"""
    told: list[Any] = json.loads(page.evaluate(script, [LABS[name].view(language, [])["data"], made]))
    return told


def differences(server: Any, page: Any, where: str = "") -> list[str]:
    """Every place where two figures differ: numbers by more than 1e-9, everything else at all."""
    if isinstance(server, dict) and isinstance(page, dict) and server.keys() == page.keys():
        return [line for key in server for line in differences(server[key], page[key], f"{where}.{key}")]
    if isinstance(server, list) and isinstance(page, list) and len(server) == len(page):
        pairs = enumerate(zip(server, page, strict=True))
        return [line for at, (one, other) in pairs for line in differences(one, other, f"{where}[{at}]")]
    if isinstance(server, float) and isinstance(page, float | int):
        return [] if abs(server - page) <= 1e-9 else [f"{where}: {server} {page}"]
    return [] if server == page else [f"{where}: {server} {page}"]


def all_text(page: Page) -> str:
    """Everything the lab's reader can see, with all its parts unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    return page.locator(".lab").inner_text()

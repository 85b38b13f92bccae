"""A lab's page computes what the server computes, saves it in the background, and works without scripts."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from axe_playwright_python.sync_playwright import Axe
from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from elearn.domain.labs import LABS, Run
from elearn.domain.labs.grievance_sorter import DEPARTMENTS, LANGUAGES, LEARN, tokens

HOUSE = Path(__file__).parents[2] / "elearn"
SITE = "http://lab.test"
TYPES = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
TEMPLATES = Environment(loader=FileSystemLoader(HOUSE / "templates"), autoescape=True)

LAB = LABS["grievance-sorter"]


class Site:
    """Stands in for the server: keeps the runs it is sent, and answers a script in JSON, a plain form with the page."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.runs: list[Run] = []
        self.bodies: list[str] = []
        self.problems: list[str] = []
        self.away = False
        self.status = 200

    def page(self) -> str:
        view = LAB.view(self.language, self.runs)
        part = TEMPLATES.get_template("labs/grievance-sorter.html").render(lab=view, action="/runs", csrf_token="tok")
        return f"""<!doctype html><html lang="{self.language}"><head><meta charset="utf-8"><title>Lesson</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <link rel="stylesheet" href="/static/css/style.css">
        <link rel="stylesheet" href="/static/{view["style"]}">
        <script type="module" src="/static/{view["script"]}"></script></head>
        <body><main><h1>Lesson</h1><article class="narrow">{part}</article></main></body></html>"""

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path.startswith("/static/"):
            file = HOUSE / path.removeprefix("/")
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        elif path == "/favicon.ico":
            route.fulfill(status=204)
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
        choices = LAB.read(parse_qs(body, keep_blank_values=True))
        self.runs.append((choices, LAB.run(choices)))
        if route.request.headers["accept"] == "application/json":
            answer = {
                "figures": self.runs[-1][1],
                "reached": LAB.reached(self.runs),
                "todo": LAB.todo(self.language, self.runs),
            }
            route.fulfill(body=json.dumps(answer), content_type="application/json")
        else:
            route.fulfill(status=303, headers={"location": "/"})


@pytest.fixture
def open_lab(chromium: Browser) -> Iterator[Callable[..., tuple[Page, Site]]]:
    """open_lab("hi") is a page with the lab in Hindi, and the site it talks to; no page may complain to its console."""
    sites: list[Site] = []

    def open_(language: str = "en", runs: tuple[Run, ...] = (), **context: Any) -> tuple[Page, Site]:
        site = Site(language)
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


Open = Callable[..., tuple[Page, Site]]


def right(size: int, language: str = "en") -> dict[str, Any]:
    labels = {complaint.id: complaint.department for complaint in LEARN[:size]}
    return {"language": language, "size": size, "labels": labels}


def some_choices(chance: random.Random, language: str) -> dict[str, Any]:
    """Anything an officer could choose: from all right to labels thrown by dice or all the same."""
    choices = right(chance.choice((12, 24, 48)), language)
    labels, kind = choices["labels"], chance.choice(("few", "few", "dice", "same", "two"))
    if kind == "few":
        labels.update({each: chance.choice(DEPARTMENTS) for each in chance.sample(sorted(labels), chance.randrange(9))})
    else:
        possible = {"dice": 4, "two": 2, "same": 1}[kind]
        few = chance.sample(DEPARTMENTS, possible)
        labels.update({each: chance.choice(few) for each in labels})
    return choices


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


IMPORT = 'const lab = await import("/static/labs/grievance-sorter.js");'


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_500_random_runs(open_lab: Open, language: str) -> None:
    page, _ = open_lab(language)
    chance, data = random.Random(f"agree-{language}"), LAB.view(language, [])["data"]
    decided = set()
    for _batch in range(10):
        made = [some_choices(chance, language) for _ in range(50)]
        # As text, because Playwright takes long over many small values.
        told = page.evaluate(
            f"async ([data, made]) => {{ {IMPORT} return JSON.stringify(made.map((one) => lab.run(data, one))); }}",
            [data, made],
        )
        for choices, figures in zip(made, json.loads(told), strict=True):
            server = LAB.run(choices)
            assert differences(server, figures) == [], choices
            decided.add(tuple(told["decision"] for told in server["tests"]))
    assert len(decided) > 100


def test_a_difference_would_be_found() -> None:
    assert differences({"a": [1, 0.5]}, {"a": [1, 0.5 + 1e-8]}) == [".a[1]: 0.5 0.50000001"]
    assert differences({"a": "water"}, {"a": "roads"}) == [".a: water roads"]
    assert differences({"a": [1]}, {"a": []}) == [".a: [1] []"]
    assert differences({"a": 1, "b": 2}, {"a": 1}) == [": {'a': 1, 'b': 2} {'a': 1}"]


@pytest.mark.browser
def test_page_and_server_see_the_same_words(open_lab: Open) -> None:
    page, _ = open_lab()
    texts = [
        "शक्\u200dति ख\u093cराब \u0959राब, ज़िला।",
        "ΟΔΟΣ İstanbul STRASSE ẞ é e\u0301",
        "constructor __proto__ toString",
        "কলের মিটার বন্ধ, ꯌꯨꯝ ২৪ ½ ² Ⅷ",
        "🚰 a\u0300\u0301b x_y a-b 4.5 \u00ad\ufeff",
        "",
        *(complaint.text[language] for complaint in LEARN for language in LANGUAGES),
    ]
    seen = page.evaluate(f"async (texts) => {{ {IMPORT} return texts.map(lab.tokens); }}", texts)
    assert seen == [tokens(text) for text in texts]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(language)
    words = LAB.view(language, [])["words"]
    for number, complaint in enumerate(LEARN[:12]):
        choose = page.locator(f"#lab-{complaint.id}")
        if number == 0:
            choose.focus()
        else:
            page.keyboard.press("Tab")
        expect(choose).to_be_focused()
        for _ in range(1 + DEPARTMENTS.index(complaint.department)):
            page.keyboard.press("ArrowDown")
        expect(choose).to_have_value(complaint.department)
    train = page.get_by_role("button", name=words["train"])
    train.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("16")
    expect(page.locator("[data-saved]")).to_contain_text(words["saved"].split("{time}")[1 if language == "hi" else 0])

    page.locator("input[value='12']").focus()
    page.keyboard.press("ArrowDown")
    train.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("22")
    expect(page.locator("[data-task='train-well']")).to_have_class("met")
    expect(page.locator("[data-reached]")).to_be_hidden()

    page.locator("summary").first.press("Enter")
    roads = [complaint.id for complaint in LEARN[:24] if complaint.department == "roads"]
    for each in roads[:4]:
        page.locator(f"#lab-{each}").press("ArrowUp")
        expect(page.locator(f"#lab-{each}")).to_have_value("water")
    train.press("Enter")
    expect(page.locator("[data-reached]")).to_be_visible()
    expect(page.locator(f"[data-note='{roads[0]}']")).to_be_visible()
    assert [len(figures["wrong"]) for _, figures in site.runs] == [0, 0, 4]
    assert LAB.reached(site.runs)
    assert page.locator("[data-runs] tr").count() == 3

    page.get_by_role("button", name=words["restore"]).press("Enter")
    train.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("22")


def all_text(page: Page) -> str:
    """Everything the lab's reader can see, with all its parts unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    return page.locator(".lab").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_draws_the_same_page_as_the_server(open_lab: Open, language: str) -> None:
    """Trained by the script, and read again from the server after the run was saved, the result reads the same."""
    page, site = open_lab(language, ((right(12, language), LAB.run(right(12, language))),))
    page.locator("input[value='24']").check()
    page.locator("#lab-c03").select_option("water")
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text(":")
    page.locator("[data-saved]").evaluate("(told) => { told.textContent = ''; }")
    drawn = all_text(page)
    page.goto(SITE)
    expect(page.locator("#lab-typed")).to_be_visible()
    assert len(site.runs) == 2
    assert all_text(page) == drawn
    assert LEARN[2].text[language] in drawn


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab()
    page.get_by_role("textbox").first.fill("zanzibar secret pump")
    page.locator("[data-ask]").click()
    expect(page.locator("[data-answer]")).to_have_text("Train the machine first.")
    page.locator("#lab-reason").fill("zanzibar because")
    for complaint in LEARN[:12]:
        page.locator(f"#lab-{complaint.id}").select_option(complaint.department)
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    page.get_by_role("textbox").first.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text("Water supply")
    expect(page.locator("[data-answer]")).to_contain_text("knows 1 of 3 words")
    assert len(site.bodies) == 1
    assert "zanzibar" not in site.bodies[0]
    sent = parse_qs(site.bodies[0])
    assert {name.split("-")[0] for name in sent} == {"csrf_token", "language", "size", "label"}


@pytest.mark.browser
def test_without_the_network_runs_wait_and_are_then_saved(open_lab: Open) -> None:
    page, site = open_lab("en", ((right(12), LAB.run(right(12))),))
    site.away = True
    for size in ("12", "24"):
        page.locator(f"input[value='{size}']").check()
        page.locator("form button").first.click()
    expect(page.locator("[data-headline]")).to_contain_text("22 of 24")
    expect(page.locator("[data-saved]")).to_have_text("Not saved yet; runs waiting for the network: 2")
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    expect(page.locator("[data-task='train-well']")).to_have_class("met")
    assert [choices["size"] for choices, _ in site.runs] == [12, 12, 24]


@pytest.mark.browser
def test_a_refused_run_is_told_and_not_sent_for_ever(open_lab: Open) -> None:
    page, site = open_lab("en", ((right(12), LAB.run(right(12))),))
    site.status = 403
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text("This run was not saved.")
    site.status = 200
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    assert len(site.runs) == 2


@pytest.mark.browser
def test_a_form_without_all_labels_is_not_sent(open_lab: Open) -> None:
    page, site = open_lab()
    page.locator("form button").first.click()
    expect(page.locator("#lab-c01")).to_be_focused()
    assert site.bodies == []


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_form_does_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(language, java_script_enabled=False)
    assert page.locator("#lab-typed").is_hidden()
    for complaint in LEARN[:12]:
        page.locator(f"#lab-{complaint.id}").select_option(complaint.department)
    page.locator("input[value='24']").check()
    page.locator("form button").first.click()
    expect(page.locator("[data-headline]")).to_contain_text("22")
    expect(page.locator("[data-judged^='e-']").first).to_be_visible()
    roads = [complaint.id for complaint in LEARN[:24] if complaint.department == "roads"]
    page.locator("summary").first.click()
    for each in roads[:4]:
        page.locator(f"#lab-{each}").select_option("water")
    page.locator("form button").first.click()
    expect(page.locator("[data-reached]")).to_be_visible()
    assert page.locator("[data-runs] tr").count() == 2
    assert LAB.reached(site.runs)


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_phone_and_keeps_the_rules_of_access(open_lab: Open, language: str, scheme: str) -> None:
    made = right(24, language)
    narrow = {"width": 320, "height": 640}
    page, _ = open_lab(language, ((made, LAB.run(made)),), viewport=narrow, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []


def test_the_scripts_are_small() -> None:
    files = [HOUSE / "static" / path for path in (LAB.view("en", [])["script"], *LAB.view("en", [])["modules"])]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) <= 8 * 1024


def test_the_data_in_the_page_cannot_end_its_script() -> None:
    view = LAB.view("en", [])
    view["data"] = {"words": {"headline": "</script><script>alert(1)</script>"}}
    page = TEMPLATES.get_template("labs/grievance-sorter.html").render(lab=view, action="/runs", csrf_token="tok")
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 1


def test_a_refused_form_is_explained_at_the_top() -> None:
    given = {
        "lab": LAB.view("en", []),
        "action": "/runs",
        "csrf_token": lambda: "fresh",
        "problem": "Complaint 7 & more",
    }
    page = TEMPLATES.get_template("labs/grievance-sorter.html").render(given)
    assert "Complaint 7 &amp; more" in page
    assert 'value="fresh"' in page

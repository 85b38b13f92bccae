"""A visitor in tests: a browser without scripts that opens pages, fills in forms, and checks every page it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
CONTROLS = frozenset({"input", "select", "textarea", "button"})
MOST_REDIRECTS = 5


@dataclass
class Element:
    """One element of a page: its tag, attributes, parent, and children (elements and texts in order)."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """The elements below this one with one of these tags (any without) and these attributes, in order."""
        return [
            one
            for one in self._walk()
            if (not tags or one.tag in tags) and all(one.get(name.rstrip("_")) == v for name, v in attributes.items())
        ]

    def one(self, *tags: str, **attributes: str) -> Element:
        found = self.all(*tags, **attributes)
        assert len(found) == 1, f"{len(found)} × {tags} {attributes}, one was expected"
        return found[0]

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def has_class(self, name: str) -> bool:
        return name in self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """What a reader sees, with single spaces."""
        return " ".join("".join(self._texts()).split())

    def within(self, tag: str) -> Element | None:
        """The nearest element around this one with that tag."""
        above = self.parent
        while above and above.tag != tag:
            above = above.parent
        return above

    def _walk(self) -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child._walk()

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in ("script", "style", "template"):
                yield from child._texts()


class _Tree(HTMLParser):
    """Builds the elements of a page; a tag that closes nothing is a mistake of ours, and is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Element("", {})
        self.mistakes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.mistakes.append(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        # The end tags that HTML lets authors leave out are few; our templates write all of them.
        if self.at.tag != tag:
            self.mistakes.append(f"</{tag}> closes <{self.at.tag}>")
            return
        assert self.at.parent
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


class Page:
    """An HTML answer, checked when it is opened: a page that fails here fails its reader."""

    def __init__(self, response: TestResponse, address: str) -> None:
        self.response, self.address, self.status = response, address, response.status_code
        self.html = response.get_data(as_text=True)
        tree = _Tree()
        tree.feed(self.html)
        tree.close()
        self.root = tree.root
        self.mistakes = [*tree.mistakes, *self._mistakes()]

    @property
    def text(self) -> str:
        return self.root.one("main").text if self.root.all("main") else self.root.text

    @property
    def title(self) -> str:
        return self.root.one("title").text

    @property
    def heading(self) -> str:
        return self.root.one("h1").text

    @property
    def links(self) -> dict[str, str]:
        """Addresses by what the link says; the last of equal ones."""
        return {link.text: link.get("href") or "" for link in self.root.all("a")}

    def by_id(self, name: str) -> Element:
        return self.root.one(id=name)

    def form(self, address: str) -> Element:
        """The form that sends to `address`, or to an address that ends so."""
        found = [form for form in self.root.all("form") if self.action(form).endswith(address)]
        assert found, f"no form on {self.address} sends to {address}; there are {self._actions()}"
        return found[0]

    def action(self, form: Element) -> str:
        return urlsplit(urljoin(self.address, form.get("action") or self.address)).path

    def fields(self, form: Element) -> MultiDict[str, str]:
        """What the form would send as it stands, without any button; controls elsewhere may belong to it by name."""
        sent: MultiDict[str, str] = MultiDict()
        for control in self.controls(form):
            name, kind = control.get("name"), control.get("type") or control.tag
            if not name or kind in ("button", "submit", "file") or "disabled" in control.attributes:
                continue
            if kind in ("radio", "checkbox"):
                if "checked" in control.attributes:
                    sent.add(name, control.get("value") or "on")
            elif control.tag == "select":
                options = control.all("option")
                chosen = [o for o in options if "selected" in o.attributes] or options[:1]
                for option in chosen:
                    sent.add(name, option.attributes.get("value", option.text))
            elif control.tag == "textarea":
                sent.add(name, control.text)
            else:
                sent.add(name, control.get("value") or "")
        return sent

    def controls(self, form: Element) -> list[Element]:
        own = form.get("id")
        return [
            one
            for one in self.root.all(*CONTROLS)
            if (one.get("form") == own if one.get("form") else one.within("form") is form)
        ]

    def option(self, name: str, label: str) -> str:
        """The value of the radio button or box of control `name` whose label reads `label`."""
        values = {
            one.get("value") or "": (one.within("label") or one).text for one in self.root.all("input", name=name)
        }
        found = [value for value, text in values.items() if text == label]
        assert len(found) == 1, f"no option {label!r} of {name}; there are {sorted(values.values())}"
        return found[0]

    def _actions(self) -> list[str]:
        return [self.action(form) for form in self.root.all("form")]

    def _mistakes(self) -> Iterator[str]:
        html = self.root.all("html")
        if len(html) != 1 or not html[0].get("lang"):
            yield "the page does not say its language"
        titles = [t for t in self.root.all("title") if not t.within("svg")]
        if len(titles) != 1 or not titles[0].text:
            yield "the page has no title"
        if len(self.root.all("h1")) != 1:
            yield f"{len(self.root.all('h1'))} headings of the first level"
        yield from self._inline_code()
        yield from self._ids()
        yield from self._labels()
        yield from self._tokens()
        yield from (f"a picture without alt: {i.attributes}" for i in self.root.all("img") if i.get("alt") is None)

    def _inline_code(self) -> Iterator[str]:
        for one in self.root.all():
            for name in one.attributes:
                if name == "style" or name.startswith("on"):
                    yield f"<{one.tag} {name}=…>"
            if one.tag == "style":
                yield "an inline style sheet"
            if one.tag == "script" and not one.get("src") and one.get("type") != "application/json":
                yield "an inline script"
            if (one.get("href") or "").strip().lower().startswith("javascript:"):
                yield "a javascript: link"

    def _ids(self) -> Iterator[str]:
        ids = [one.attributes["id"] for one in self.root.all() if "id" in one.attributes]
        yield from (f"id {name} {ids.count(name)} times" for name in dict.fromkeys(ids) if ids.count(name) > 1)
        known = set(ids)
        for one in self.root.all():
            for name in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "form"):
                for target in (one.get(name) or "").split():
                    if target not in known:
                        yield f"<{one.tag} {name}={target}> points nowhere"
            href = one.get("href") or ""
            if one.tag == "a" and href.startswith("#") and href[1:] not in known:
                yield f"the link {href} points nowhere"

    def _labels(self) -> Iterator[str]:
        labelled = {label.get("for") for label in self.root.all("label")}
        for one in self.root.all(*CONTROLS):
            if one.get("type") == "hidden" or one.within("template"):
                continue
            around = one if one.tag == "button" else one.within("label")
            said = one.get("aria-label") or one.get("aria-labelledby") or (around and around.text)
            if not said and one.get("id") not in labelled - {None}:
                yield f"a <{one.tag}> without a label: {one.attributes}"

    def _tokens(self) -> Iterator[str]:
        for form in self.root.all("form"):
            if (form.get("method") or "get").lower() == "post" and not self.fields(form).get("csrf_token"):
                yield f"the form to {form.get('action')} has no csrf_token"


class Visitor:
    """A browser of one person. Each HTML page it is shown is checked; `page` is the latest one.

    The methods return the answer after all redirects; `status` and the like are asked of it directly.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.page: Page | None = None
        self.address = "/"

    def get(self, address: str, follow: bool = True, **more: Any) -> TestResponse:
        return self._opened(self._ask("GET", address, **more), address, follow)

    def post(self, address: str, data: Any = None, follow: bool = True, **more: Any) -> TestResponse:
        """Sends `data` with the CSRF token of the page at hand, unless it brings its own."""
        if data is None or isinstance(data, Mapping):
            data = MultiDict(data or {})
            if "csrf_token" not in data and "csrf_token" not in more.get("headers", {}):
                data["csrf_token"] = self.token()
        return self._opened(self._ask("POST", address, data=data, **more), address, follow)

    def open(self, address: str, **more: Any) -> Page:
        """Opens a page and gives it; fails where there is none."""
        response = self.get(address, **more)
        assert response.status_code == 200, f"{address} answers {response.status}"
        assert self.page, f"{address} is not a page"
        return self.page

    def submit(
        self, address: str, button: tuple[str, str] | None = None, follow: bool = True, **fields: Any
    ) -> TestResponse:
        """Sends the form of the page at hand that goes to `address`, with what stands in it and these fields.

        Fields whose names are no Python names are given with underscores for hyphens. None leaves a field out.
        `button` is the (name, value) of the button that was pressed.
        """
        assert self.page, "no page is open"
        form = self.page.form(address)
        data = self.page.fields(form)
        names = {one.get("name") or "" for one in self.page.controls(form)}
        for name, value in fields.items():
            real = name if name in names else name.replace("_", "-")
            assert real in names, f"the form to {address} has no field {real}; there are {sorted(names)}"
            data.setlist(real, value if isinstance(value, list) else [] if value is None else [value])
        if button:
            data.add(*button)
        more = {"content_type": form.get("enctype")} if form.get("enctype") else {}
        return self.post(self.page.action(form), data, follow=follow, **more)

    def click(self, text: str) -> TestResponse:
        """Follows the link of the page at hand that reads so."""
        assert self.page, "no page is open"
        assert text in self.page.links, f"no link {text!r}; there are {sorted(self.page.links)}"
        return self.get(urljoin(self.address, self.page.links[text]))

    def sign_in(self, email: str, password: str) -> None:
        self.get("/sign-in")
        self.submit("/sign-in", email=email, password=password)
        assert self.address != "/sign-in", f"{email} could not sign in"

    def sign_out(self) -> None:
        self.get("/")
        self.submit("/sign-out")

    def speak(self, tag: str) -> None:
        """Changes the language of the pages."""
        self.get(f"/language/{tag}")

    def token(self) -> str:
        """The CSRF token of this browser's session, as every form of its pages carries it."""
        with self.client.session_transaction() as session:
            return str(session.setdefault("csrf", "a token for a stranger's form"))

    def _ask(self, method: str, address: str, **more: Any) -> TestResponse:
        """One request in a context of its own: a test that is inside the application's context would otherwise lend
        its `g`, and with it whoever was signed in before, to every request."""
        return Context().run(self.client.open, address, method=method, **more)

    def _opened(self, response: TestResponse, address: str, follow: bool) -> TestResponse:
        for _ in range(MOST_REDIRECTS):
            self.address = urlsplit(address).path
            if not follow or response.status_code not in (301, 302, 303, 307, 308):
                break
            address = urljoin(address, response.headers["Location"])
            assert urlsplit(address).netloc in ("", "localhost"), f"a redirect leads away: {address}"
            response = self._ask("GET", address)
        packed = response.headers.get("Content-Encoding")
        # A part of a page, as a script asks for it, is no page.
        if response.mimetype == "text/html" and not packed and response.data.lstrip().startswith(b"<!doctype"):
            self.page = Page(response, self.address)
            assert self.page.mistakes == [], f"{self.address}: {self.page.mistakes}"
        return response

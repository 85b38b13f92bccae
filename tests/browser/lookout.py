"""Looks at each page that somebody opens for what no reader should have to meet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import Page, Response

from elearn.i18n import NAMES, TRANSLATIONS
from elearn.translations.collect import read
from tests.browser.house import Complaints

LETTERS = {"en": "A-Za-z", "hi": "\u0900-\u097f"}
"""The letters of each language of the interface."""

# In one go, because each question to a page takes its time.
SEE = r"""({ labels, letters, names }) => {
  const untranslated = new RegExp(`^(?:${labels})$`);
  const own = new RegExp(`[${letters}]`);
  const tag = document.documentElement.lang;
  const elsewhere = (link) => link && link.host !== location.host;

  // Whether the line that a word stands in has a letter of the page's language, or a name, which may be in any.
  const lines = new Map();
  const isOwn = (one) => {
    while (one.parentElement && getComputedStyle(one).display.startsWith("inline")) one = one.parentElement;
    const line = one.textContent;
    if (!lines.has(one)) lines.set(one, own.test(line) || names.some((name) => line.includes(name)));
    return lines.get(one);
  };
  const foreign = [];
  const tell = (one, text, fits) => {
    const said = text.replace(/\s+/g, " ").trim();
    if (untranslated.test(said)) foreign.push(`an untranslated label: ${said}`);
    // A word in small letters, or in letters that are neither small nor large: TF-IDF is nobody's language.
    else if (/\p{Ll}{3}|\p{Lo}{2}/u.test(said.replace(/“[^”]*”/g, "")) && !fits()) {
      foreign.push(`in another language than it says: ${said.slice(0, 80)}`);
    }
  };
  for (const one of document.querySelectorAll("title, body, body *")) {
    if (one.closest("[lang]").lang !== tag || one.closest("script, style, template")) continue;
    // A source is called by its own title; a table of a lesson may hold words of two languages beside each other.
    if (elsewhere(one.closest("a[href]")) || (one.closest("td") && !one.closest(".lab"))) continue;
    for (const node of one.childNodes) if (node.nodeType === Node.TEXT_NODE) tell(one, node.data, () => isOwn(one));
    for (const { name, value } of one.attributes) {
      if (/^(alt|title|placeholder|aria-label|data-said-.*)$/.test(name)) tell(one, value, () => own.test(value));
    }
  }

  // As it is and with every part unfolded; then as it was.
  const over = () => document.scrollingElement.scrollWidth - innerWidth;
  const folded = [...document.querySelectorAll("details:not([open])")];
  const widths = [over()];
  for (const part of folded) part.open = true;
  widths.push(over());
  for (const part of folded) part.open = false;

  for (const picture of document.images) picture.loading = "eager";
  return {
    tag, foreign,
    over: Math.max(...widths),
    loading: [...document.images].some(({ complete }) => !complete),
    missing: [...document.images].filter(({ naturalWidth }) => !naturalWidth).map(({ src }) => src),
    links: [...document.querySelectorAll("a[href]")].filter((link) => !elsewhere(link)).map(({ href }) => href),
  };
}"""


@dataclass
class Lookout:
    """Watches one page of a browser; what is wrong on it goes to `complaints`."""

    page: Page
    tag: str
    complaints: Complaints
    names: tuple[str, ...]
    """What may stand on a page in any script: who is signed in, how, and who issues the certificate."""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The status and the text of every address that was asked so far."""

    def __post_init__(self) -> None:
        self.page.on("response", self._hear)

    def look(self) -> None:
        """At the page as it is now, with all its pictures."""
        given = {"labels": untranslated(self.tag), "letters": LETTERS[self.tag], "names": self.names}
        while (seen := self.page.evaluate(SEE, given))["loading"]:
            self.page.wait_for_timeout(10)
        for found in self._wrong(seen):
            self.complaints.note(f"{self.page.url}: {found}")

    def _hear(self, response: Response) -> None:
        # A page, a way to one, or 304 for a page that the browser still holds.
        if response.request.is_navigation_request() and response.status not in (200, 302, 303, 304):
            self.complaints.note(f"{response.url}: status {response.status}")

    def _wrong(self, seen: dict[str, Any]) -> Iterator[str]:
        if seen["tag"] != self.tag:
            yield f"not in {NAMES[self.tag]}"
        yield from seen["foreign"]
        if seen["over"] > 0:
            yield f"{seen['over']} px wider than its window"
        yield from (f"the picture {address} is not shown" for address in seen["missing"])
        for link in dict.fromkeys(seen["links"]):
            yield from self._wrong_with(link)

    def _wrong_with(self, link: str) -> Iterator[str]:
        address, part = urldefrag(link)
        if urlsplit(address).path.startswith("/language/"):
            return  # whoever asks for it changes the language
        if address not in self.answers:
            answer = self.page.context.request.get(address)
            is_page = answer.headers.get("content-type", "").startswith("text/html")
            self.answers[address] = answer.status, answer.text() if is_page else ""
        status, text = self.answers[address]
        if status >= 400:
            yield f"the link {link} answers {status}"
        elif part and f'id="{part}"' not in text:
            yield f"the link {link} leads to no part of its page"


@cache
def untranslated(tag: str) -> str:
    """A pattern of all labels in English that read otherwise in that language; what stands in their {places} there
    has no letters of ours."""
    path = TRANSLATIONS / tag / "messages.po"
    known = []
    for message in read(path) if path.exists() else ():
        forms = message.id if isinstance(message.id, tuple | list) else (message.id,)
        known += [re.sub(r"\\\{\w+\\\}", "[^A-Za-z]+", re.escape(one)) for one in forms if one != message.string]
    return "|".join(one for one in known if re.search("[a-z]{2}", one.replace("A-Za-z", ""))) or "(?!)"

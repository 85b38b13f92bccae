"""A real OpenID Connect provider for the tests: Canaille as a process of its own, on loopback, with invented people."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

from werkzeug.serving import run_simple

from config import Provider
from tests.pages import Page
from tests.server import ENDS_WITHIN, LOOKS_AGAIN_AFTER, ROOT, STARTS_WITHIN, Answer, Browser, environment, free_port

CLIENT, CLIENT_SECRET = "elearn", "only-for-tests-of-sign-ins-elsewhere"
PASSWORD = "river lamp mango"
MOST_STEPS = 12


@dataclass(frozen=True)
class Somebody:
    """A person as the provider knows her; `name` is also her subject there."""

    name: str
    email: str
    number: str = ""


@dataclass
class RealProvider:
    """Canaille: it can be stopped and started again with other people, other keys, or another word on e-mails."""

    folder: Path
    return_to: str
    people: Sequence[Somebody] = ()
    verifies: bool = True
    trusted: bool = True
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        # By name, where our own pages are by number: so a browser takes the two for different sites.
        return f"http://localhost:{self.port}"

    def settings(self, **more: str) -> Provider:
        given = {"issuer": self.issuer, "client_id": CLIENT, "client_secret": CLIENT_SECRET, "label": "Canaille"}
        return Provider(**{**given, "employee_number_claim": "preferred_username", **more})  # type: ignore[arg-type]

    def start(self) -> None:
        config = {**{name: getattr(self, name) for name in ("port", "return_to", "verifies", "trusted")}}
        config["people"] = [asdict(one) for one in self.people]
        (self.folder / "provider.json").write_text(json.dumps(config))
        with (self.folder / "provider.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.provider", str(self.folder / "provider.json")],
                cwd=self.folder,
                env=environment({"PYTHONPATH": str(ROOT), "NO_PROXY": "*"}),
                stdout=log,
                stderr=log,
            )
        end = monotonic() + STARTS_WITHIN
        while not self._is_ready():
            assert monotonic() < end, self.log
            try:
                self.process.wait(LOOKS_AGAIN_AFTER)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"the provider did not start:\n{self.log}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(ENDS_WITHIN)

    @property
    def log(self) -> str:
        return (self.folder / "provider.log").read_text(errors="replace")

    def browser(self) -> Browser:
        return Browser(f"http://localhost:{self.port}")

    def sign_in(self, address: str, name: str, answer: str = "accept", browser: Browser | None = None) -> str:
        """Opens `address` at the provider, fills in whatever forms it shows, and returns where it leads in the end.

        `answer` is what she says when asked whether we may know who she is: accept or deny.
        """
        known = {"login": name, "password": PASSWORD, "answer": answer}
        return steps(browser or self.browser(), address, known)

    def _is_ready(self) -> bool:
        try:
            return self.browser().get("/.well-known/openid-configuration").status == 200
        except (OSError, HTTPException):
            return False


def steps(browser: Browser, address: str, known: Mapping[str, str]) -> str:
    """Follows redirects and sends forms, filling in the fields that are `known`, until it is led to another site."""
    for _ in range(MOST_STEPS):
        if urlsplit(address).netloc != urlsplit(browser.url).netloc:
            return address
        answer = browser.get(path_of(address))
        while answer.status == 200:
            answer, address = _sent(browser, answer, address, known)
        assert answer.status in (302, 303), f"{address}: {answer.status}\n{answer.text}"
        address = urljoin(address, answer.location)
    raise AssertionError(f"more than {MOST_STEPS} steps: {address}")


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _sent(browser: Browser, answer: Answer, address: str, known: Mapping[str, str]) -> tuple[Answer, str]:
    page = Page(answer, path_of(address))  # type: ignore[arg-type]
    form = next(form for form in page.root.all("form") if (form.get("method") or "").lower() == "post")
    names = {one.get("name") for one in page.controls(form)}
    fields = {**page.fields(form).to_dict(), **{name: value for name, value in known.items() if name in names}}
    action = urljoin(address, form.get("action") or address)
    return browser.post(path_of(action), fields, Referer=address), action


@contextmanager
def providing(provider: RealProvider) -> Iterator[RealProvider]:
    """The provider, ready; it ends with the block."""
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


def main(path: Path) -> None:
    """What runs in the process of its own."""
    # The provider's packages are for its own process only.
    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from canaille.backends.memory.backend import MemoryBackend

    class Memory(MemoryBackend):  # type: ignore[misc]
        """Where all conditions of a question hold, as in any database; its parent is content with one of them, and
        would take any code for any other."""

        __module__ = MemoryBackend.__module__  # beside which it looks for its tables

        def do_query(self, model: Any, *_: Any, **wanted: Any) -> list[Any]:
            found = MemoryBackend.do_query(self, model, **wanted)
            each = [{one.id for one in MemoryBackend.do_query(self, model, **{k: v})} for k, v in wanted.items()]
            return [one for one in found if all(one.id in ids for ids in each)]

    given = json.loads(path.read_text())
    # Its users' numbers go out as a claim that it has, since its claims cannot be added to.
    claims = {"PREFERRED_USERNAME": "{% if user.employee_number %}{{ user.employee_number }}{% endif %}"}
    app = create_app(
        {
            "SECRET_KEY": "only-for-tests-" * 3,
            "SERVER_NAME": f"localhost:{given['port']}",
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "memory", "NAME": "Model Ministry"},
            "CANAILLE_OIDC": {"USERINFO_MAPPING": claims},
        },
        backend=Memory({}),
    )
    if given["verifies"]:
        app.config["CANAILLE_OIDC"]["USERINFO_MAPPING"]["EMAIL_VERIFIED"] = "true"
    with app.app_context():
        for one in given["people"]:
            person = {"user_name": one["name"], "emails": [one["email"]], "password": PASSWORD}
            name = {"family_name": one["name"], "given_name": one["name"]}
            Backend.instance.save(models.User(**person, **name, employee_number=one["number"] or None))
        client = models.Client(
            client_id=CLIENT,
            client_secret=CLIENT_SECRET,
            client_name="elearn",
            client_uri=given["return_to"] if given["trusted"] else "https://learn.model.test",
            redirect_uris=[given["return_to"]],
            grant_types=["authorization_code"],
            response_types=["code"],
            token_endpoint_auth_method="client_secret_basic",
            scope=["openid", "email", "profile"],
        )
        Backend.instance.save(client)
        client.audience = [client]  # only what is saved can be named
        Backend.instance.save(client)
    # Not app.run(), which does nothing in a process whose parent has run a command of ours.
    run_simple("127.0.0.1", given["port"], app, threaded=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

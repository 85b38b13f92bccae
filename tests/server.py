"""The shipped server as a process of its own, and plain HTTP to it, as any program would speak it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).parent.parent
ELEARN = str(Path(sys.executable).with_name("elearn"))
SECRET = "only-for-tests-" + "0123456789abcdef" * 2
STARTS_WITHIN = 120  # seconds, on a machine that has much else to do
ENDS_WITHIN = 60
ANSWERS_WITHIN = 120
LOOKS_AGAIN_AFTER = 0.05

Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers and all bytes of the body."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    # Under the names that tests/pages.py asks for.

    @property
    def status_code(self) -> int:
        return self.status

    def get_data(self, as_text: bool = False) -> str | bytes:
        return self.text if as_text else self.body


@dataclass
class Browser:
    """One person's browser, as far as HTTP goes: it keeps cookies and follows nothing by itself."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, fields: Fields | None = None, **headers: str) -> Answer:
        """Sends a form. The caller gives the CSRF token among the fields."""
        body = urlencode(fields or {}, doseq=True).encode()
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own: the end of a kept one would look like a failure. Header names are
        given with underscores for hyphens. Raises OSError, HTTPException."""
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=ANSWERS_WITHIN)
        try:
            connection.request(method, path, body, {**sent, "Connection": "close"})
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        self._keep_cookies(answer)
        return answer

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.headers.get_all("Set-Cookie", []):
            pair, *attributes = line.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


@dataclass
class Server:
    """`elearn` serving on a port of its own, with its own data; it can be killed and started again."""

    folder: Path
    command: Sequence[str]
    settings: Mapping[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Starts it and returns once it can serve."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [ELEARN, *self.command],
                cwd=ROOT,
                env=environment(self.settings),
                stdout=log,
                stderr=log,
                start_new_session=True,  # a group of its own, so that it can be killed as a whole
            )
        end = monotonic() + STARTS_WITHIN
        while not self._is_ready():
            assert monotonic() < end, f"not ready after {STARTS_WITHIN} s:\n{self.log}"
            try:
                self.process.wait(LOOKS_AGAIN_AFTER)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"the server did not start:\n{self.log}")

    def kill(self) -> None:
        """Kills it with all its processes, as a crash would: nobody gets to finish anything."""
        assert self.process, "it was started"
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(ENDS_WITHIN)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self.kill()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def browser(self) -> Browser:
        return Browser(self.url)

    def _is_ready(self) -> bool:
        try:
            return self.browser().get("/health/ready").status == 200
        except (OSError, HTTPException):
            return False


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server, ready; it ends with the block."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def served_from(folder: Path, database_url: str = "", workers: int = 1) -> Server:
    """`elearn serve`, as an operator starts it, on a free port with its data in `folder`."""
    port = free_port()
    settings = {
        "ELEARN_DATA_DIR": str(folder),
        "ELEARN_SECRET_KEY": SECRET,
        "ELEARN_BASE_URL": f"http://127.0.0.1:{port}",
        "ELEARN_CONTENT_DIR": str(ROOT / "content"),
        "ELEARN_SECOND_FACTOR": "offered",  # the people of the tests have no phones
        **({"ELEARN_DATABASE_URL": database_url} if database_url else {}),
    }
    command = ("serve", "--bind", f"127.0.0.1:{port}", "--workers", str(workers))
    return Server(folder, command, settings, port)


def demo_in(folder: Path) -> Server:
    """`elearn demo` on a free port."""
    port = free_port()
    return Server(folder, ("demo", "--port", str(port), "--data", str(folder / "data")), {}, port)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This shell's environment with none of its own settings of ours."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ELEARN_")}
    return {**own, "PYTHONPATH": str(ROOT), **settings}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

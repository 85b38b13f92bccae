"""A letter reaches a real mail server, whatever is encrypted or not, and a failure stays a line in the log."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from elearn.services import mail
from elearn.services.mail import Letter
from tests.tls import certificate_in

LETTER = Letter("meera@model.test", "नया पासवर्ड: a new password", "Open this:\n\nhttps://learn.example/x\n\nधन्यवाद")


class Box:
    """What a mail server has received."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        return "250 OK"


class Door:
    """Lets one user in."""

    def __call__(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (b"elearn", b"p@ss word"), handled=False)


Start = Callable[..., int]


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def start(box: Box) -> Iterator[Start]:
    """Starts a mail server on a free port and gives the port."""
    running: list[Controller] = []

    def begin(**options: Any) -> int:
        controller = Controller(box, hostname="127.0.0.1", port=_free_port(), **options)
        controller.start()
        running.append(controller)
        return controller.port

    yield begin
    for controller in running:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_letter_arrives_in_every_script(start: Start, box: Box) -> None:
    assert mail.send(f"smtp://127.0.0.1:{start()}", "elearn@model.test", LETTER)
    (arrived,) = box.letters
    assert (arrived["To"], arrived["From"], arrived["Subject"]) == (LETTER.to, "elearn@model.test", LETTER.subject)
    assert arrived.get_content().replace("\r\n", "\n").strip() == LETTER.body
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Message-ID"].endswith("@model.test>")


def test_user_and_password_are_given_as_the_address_spells_them(start: Start, box: Box) -> None:
    port = start(authenticator=Door(), auth_require_tls=False)
    assert mail.send(f"smtp://elearn:p%40ss%20word@127.0.0.1:{port}", "elearn@model.test", LETTER)
    assert not mail.send(f"smtp://elearn:wrong@127.0.0.1:{port}", "elearn@model.test", LETTER)
    assert len(box.letters) == 1


def test_a_failure_is_told_to_the_log_without_the_letter(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    assert not mail.send(f"smtp://127.0.0.1:{_free_port()}", "elearn@model.test", LETTER)
    assert "could not be sent" in caplog.text
    for secret in (LETTER.to, "https://learn.example/x"):
        assert secret not in caplog.text


@pytest.mark.parametrize("to", ["x@model.test\r\nBcc: y@model.test", "x@model.test\nSubject: z", ""])
def test_nobody_writes_headers_of_their_own(start: Start, box: Box, to: str) -> None:
    assert not mail.send(f"smtp://127.0.0.1:{start()}", "elearn@model.test", Letter(to, "Subject", "Body"))
    assert box.letters == []


def test_a_password_is_not_sent_in_the_open_to_another_machine(
    start: Start, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = start(authenticator=Door(), auth_require_tls=False)
    found = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)
    assert not mail.send(f"smtp://elearn:p%40ss%20word@mail.elsewhere.test:{port}", "elearn@model.test", LETTER)
    assert mail.send(f"smtp://elearn:p%40ss%20word@localhost:{port}", "elearn@model.test", LETTER)


def test_a_certificate_that_nobody_vouches_for_gets_no_letter(start: Start, box: Box, tmp_path: Path) -> None:
    port = start(ssl_context=_own_certificate(tmp_path))
    assert not mail.send(f"smtps://127.0.0.1:{port}", "elearn@model.test", LETTER)
    assert box.letters == []


def _own_certificate(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate signed by itself."""
    certificate_in(folder, "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "fullchain.pem", folder / "key.pem")
    return context

"""Sends one e-mail through the server that the settings name. Called only after what it tells of is kept."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from config import is_loopback

TIMEOUT_SECONDS = 10

log = logging.getLogger(__name__)


class PasswordInTheOpen(RuntimeError):
    """The mail server takes no encryption, and the settings would send it a password across the network."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A plain text message."""

    to: str
    subject: str
    body: str


def send(mail_url: str, sender: str, letter: Letter) -> bool:
    """Sends a letter through smtp://user:password@host:587 or smtps://host:465; returns whether the server took it.

    A failure is told to the log, without address or contents: the act that the letter tells of stands anyway.
    """
    try:
        _hand_over(mail_url, _message(sender, letter))
    except (OSError, smtplib.SMTPException, PasswordInTheOpen, ValueError) as error:
        log.error("a letter could not be sent: %s: %s", type(error).__name__, error)
        return False
    return True


def _message(sender: str, letter: Letter) -> EmailMessage:
    """Raises ValueError where there is no address, or one or the subject holds a line end: no letter gets headers of a
    stranger's."""
    if not letter.to:
        raise ValueError("it has no address")  # smtplib notices only from Python 3.11.5 on
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: so that no absence note answers it
    message.set_content(letter.body)
    return message


def look_in(mail_url: str) -> None:
    """Connects as if to send, and leaves: nothing is sent, no password either. Raises OSError, SMTPException,
    PasswordInTheOpen, ValueError."""
    with _connected(mail_url):
        pass


def _hand_over(mail_url: str, message: EmailMessage) -> None:
    url = urlsplit(mail_url)
    with _connected(mail_url) as server:
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


@contextmanager
def _connected(mail_url: str) -> Iterator[smtplib.SMTP]:
    """A connection that may carry a password, if the address has one."""
    url = urlsplit(mail_url)
    host = url.hostname or "localhost"
    tls = ssl.create_default_context()
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_SECONDS)
    with server:
        server.ehlo()
        encrypted = url.scheme == "smtps"
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=tls)
            server.ehlo()
            encrypted = True
        if url.username and not encrypted and not is_loopback(host):
            raise PasswordInTheOpen(f"{host} offers no STARTTLS")
        yield server

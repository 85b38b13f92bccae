"""A provider of identities that lies: whatever a real one never says, signed with a key of its own. An attacker."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from config import Provider

CLIENT, CLIENT_SECRET = "elearn", "only-for-tests-of-lies"
GONE = object()
"""For a claim or a line of the metadata that is left out."""

Reply = tuple[int, dict[str, str], bytes]


def json_reply(value: object, status: int = 200) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def with_changes(honest: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**honest, **changes}.items() if value is not GONE}


@cache
def own_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@dataclass
class Liar:
    """Honest until a test says otherwise: `claims`, `metadata`, `more` (user info) and `header` change what it says,
    `replies` answers a path with something else altogether. Its codes are nonces, so it needs no memory."""

    port: int = 0
    key: RSAKey = field(default_factory=own_key)
    published: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Callable[[], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    clock: datetime | None = None
    let_go: Event = field(default_factory=Event)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more: str) -> Provider:
        given = {"issuer": self.issuer, "client_id": CLIENT, "client_secret": CLIENT_SECRET, "label": "Parakh"}
        return Provider(**{**given, **more})  # type: ignore[arg-type]

    def code_for(self, address: str) -> str:
        """The code that somebody brings back who was sent to this address."""
        return parse_qs(urlsplit(address).query)["nonce"][0]

    def hang(self) -> Reply:
        """Answers only when the test is over."""
        self.let_go.wait()
        return json_reply({})

    def reply(self, path: str, form: dict[str, str]) -> Reply:
        self.asked.append((path, form))
        if path in self.replies:
            return self.replies[path]()
        return {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": lambda: json_reply(KeySet([self.published or self.key]).as_dict(private=False)),
            "/token": lambda: json_reply({"access_token": "a", "token_type": "Bearer", "id_token": self.token(form)}),
            "/userinfo": lambda: json_reply(with_changes({"sub": "meera"}, self.more)),
        }.get(path, lambda: json_reply({}, 404))()

    def token(self, form: dict[str, str]) -> str:
        """What it signs for whoever brings a code."""
        now = int((self.clock or datetime.now(UTC)).timestamp())
        said = {"iss": self.issuer, "aud": CLIENT, "sub": "meera", "iat": now, "exp": now + 300}
        claims = with_changes({**said, "nonce": form.get("code", "")}, self.claims)
        header = with_changes({"alg": "RS256", "kid": self.key.kid}, self.header)
        if header["alg"] == "none":
            return f"{_part(header)}.{_part(claims)}."
        key: Any = self.key
        if header["alg"].startswith("HS"):
            key = {"kty": "oct", "k": urlsafe_b64encode(CLIENT_SECRET.encode()).decode().rstrip("=")}
            key = KeySet.import_key_set({"keys": [{**key, "kid": header["kid"]}]})
        return jwt.encode(header, claims, key, registry=JWSRegistry(algorithms=[header["alg"]]))

    def _metadata(self) -> Reply:
        honest = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return json_reply(with_changes(honest, self.metadata))


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


@contextmanager
def lying() -> Iterator[Liar]:
    """A liar on a port of its own; it ends with the block."""
    liar = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = dict(parse_qsl(self.rfile.read(length).decode()))
            status, headers, body = liar.reply(urlsplit(self.path).path, form)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  as http.server has it

        def log_message(self, *_args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # whom it kept waiting is gone
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    liar.port = server.server_port
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield liar
    finally:
        liar.let_go.set()
        server.shutdown()
        server.server_close()


def _part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

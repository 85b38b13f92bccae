"""Speaks with the provider of identities: OpenID Connect Core 1.0, authorization code flow with PKCE, by Authlib.

The one place that opens a connection because a visitor asked for something; where to is said by the settings, and by
what that very provider publishes. Knows nothing of the database. Heavy: imported only where a provider is configured.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as BrokenLine

from config import Provider, is_loopback
from elearn.domain.identity import Arrival, Departure, NotTrusted, ProviderAway

ANSWERS_WITHIN = 8.0  # seconds for all that is said to the provider in one step of a sign-in
THREADS = 8  # that a process has to serve with, where nobody says how many
LARGEST_ANSWER = 512 * 1024
PUBLISHED_FOR = 600.0  # seconds after which metadata and keys are read again
CLOCKS_DIFFER_BY = 120  # seconds
# How long ago, in seconds, she may have shown the provider who she is where it was asked to ask again. Who is asked so
# must say when it was. Not 0: a provider that takes that to the letter finds each sign-in too old and asks for ever.
FRESH = 120
LONGEST_SUBJECT = 255  # as the standard has it
# What proves that the provider itself signed: neither `none` nor the HMACs, whose key every client of it has.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")

# What libraries raise at an answer that is not what it should be.
_STRANGE = (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)

Line = Any  # an OAuth2Session; Authlib carries no types

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Published:
    """What the provider says of itself, and when it was asked."""

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    auth_method: str
    keys: KeySet
    read_at: float


class IdentityProvider:
    """One provider. What it publishes is kept in memory for a while; nothing else is."""

    def __init__(self, settings: Provider, return_to: str, answers_within: float = ANSWERS_WITHIN) -> None:
        self.settings, self._return_to, self._answers_within = settings, return_to, answers_within
        self.make_room(THREADS)
        self._published: Published | None = None

    def make_room(self, threads: int) -> None:
        """At most half of the process's threads talk with the provider, or wait for it, at once: however slow it is,
        the others go on serving lessons. One where there is but one."""
        self.at_once = max(1, threads // 2)
        self._places = BoundedSemaphore(self.at_once)

    def departure(self, again: bool = False) -> tuple[str, Departure]:
        """The address at the provider where somebody signs in, and what her browser keeps meanwhile. With `again` the
        provider is to ask her who she is, also where it knows her still.

        Raises ProviderAway, NotTrusted.
        """
        departure = Departure(*(secrets.token_urlsafe(32) for _ in range(3)))
        asked = {"prompt": "login", "max_age": FRESH} if again else {}

        def ask(line: Line) -> str:
            address, _ = line.create_authorization_url(
                self._read_published(line).authorization_endpoint,
                state=departure.state,
                code_verifier=departure.verifier,
                nonce=departure.nonce,
                **asked,
            )
            return str(address)

        return self._converse(ask), departure

    def arrival(self, departure: Departure, code: str, now: datetime) -> Arrival:
        """Whom the provider vouches for with this code, which it takes once. Raises ProviderAway, NotTrusted."""

        def ask(line: Line) -> Arrival:
            published = self._read_published(line)
            line.token_endpoint_auth_method = published.auth_method
            tokens = line.fetch_token(
                published.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=departure.verifier,
                redirect_uri=self._return_to,
            )
            claims = self._checked(line, published, tokens, departure.nonce, now)
            arrival = Arrival(
                self.settings.issuer,
                claims["sub"],
                proved_at=_moment(claims.get("auth_time"), now),
                access_token=str(tokens.get("access_token") or ""),
            )
            return self._with_claims(arrival, claims)

        return self._converse(ask)

    def told_more(self, arrival: Arrival) -> Arrival:
        """The same person with what the provider keeps for those who ask for more. Raises ProviderAway, NotTrusted."""

        def ask(line: Line) -> Arrival:
            address = self._read_published(line).userinfo_endpoint
            if not address:
                return arrival
            line.token = {"access_token": arrival.access_token, "token_type": "Bearer"}
            more = _object(line.get(address, headers={"Accept": "application/json"}))
            # OpenID Connect Core 5.3.2: or one person's token would bring another one's e-mail.
            if more.get("sub") != arrival.subject:
                raise NotTrusted("the user info is about somebody else than the ID token")
            return self._with_claims(arrival, more)

        return self._converse(ask)

    def _converse(self, ask: Callable[[Line], T]) -> T:
        """What `ask` brings. Done in a thread of its own, so that nothing the other end does, not a name that is
        looked up for minutes, not a byte sent now and then, holds the visitor's for longer than agreed."""
        until = monotonic() + self._answers_within
        # Nobody waits for a place: a thread that waits serves no lesson either.
        if not self._places.acquire(blocking=False):
            raise ProviderAway(f"{self.at_once} others are still waiting for it")
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(self._ask(ask))
            except BaseException as error:
                answer.set_exception(error)
            finally:
                self._places.release()

        Thread(target=run, daemon=True, name="identity-provider").start()
        try:
            return answer.result(max(0.0, until - monotonic()))
        except TimeoutError:
            raise ProviderAway(f"no answer within {self._answers_within:g} seconds") from None

    def _ask(self, ask: Callable[[Line], T]) -> T:
        settings = self.settings
        try:
            with OAuth2Session(  # type: ignore[no-untyped-call]
                settings.client_id,
                settings.client_secret,
                scope=settings.scopes,
                redirect_uri=self._return_to,
                code_challenge_method="S256",
            ) as line:
                for scheme in ("https://", "http://"):
                    line.mount(scheme, _Line(self._answers_within))
                return ask(line)
        except (OSError, BrokenLine) as error:  # of which all of requests' own are
            raise ProviderAway(f"{type(error).__name__}: {error}") from error
        except _STRANGE as error:
            raise NotTrusted(f"{type(error).__name__}: {error}") from error

    def _read_published(self, line: Line, since: float | None = None) -> Published:
        """Metadata and keys, from memory where they are fresh, or younger than `since`."""
        known = self._published
        if known and known.read_at > (monotonic() - PUBLISHED_FOR if since is None else since):
            return known
        issuer, read_at = self.settings.issuer, monotonic()
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = _object(line.get(address, withhold_token=True))
        if metadata.get("issuer") != issuer:
            raise NotTrusted(f"the metadata are those of {metadata.get('issuer')!r}, not of {issuer!r}")
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        keys = _object(line.get(self._endpoint(metadata, "jwks_uri"), withhold_token=True))
        self._published = Published(
            self._endpoint(metadata, "authorization_endpoint"),
            self._endpoint(metadata, "token_endpoint"),
            self._endpoint(metadata, "userinfo_endpoint") if metadata.get("userinfo_endpoint") else "",
            "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post",
            KeySet.import_key_set(keys),  # type: ignore[arg-type] # whatever it is, it is looked at there
            read_at,
        )
        return self._published

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        """An address out of the metadata. Encrypted, unless the provider is on this machine and so is the address:
        no metadata lead the server to what listens inside its own walls."""
        address = str(metadata[name])
        parts = urlsplit(address)
        here = urlsplit(self.settings.issuer).scheme == "http"
        if parts.scheme == "https" or (here and parts.scheme == "http" and is_loopback(parts.hostname or "")):
            return address
        raise NotTrusted(f"the metadata's {name} is {address!r}")

    def _checked(
        self, line: Line, published: Published, tokens: Mapping[str, Any], nonce: str, now: datetime
    ) -> CodeIDToken:
        """The claims of the ID token, every one of OpenID Connect Core 3.1.3.7 looked at."""
        signed = tokens["id_token"]
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            token = jwt.decode(signed, published.keys, registry=registry)
        except (JoseError, ValueError) as error:
            log.info("the ID token fits no known key (%s): they are read again", error)
            token = jwt.decode(signed, self._read_published(line, since=published.read_at).keys, registry=registry)
        settings = self.settings
        must: dict[str, Any] = {
            "iss": {"essential": True, "values": [settings.issuer]},
            "aud": {"essential": True, "values": [settings.client_id]},
            **{name: {"essential": True} for name in ("sub", "exp", "iat", "nonce")},
        }
        said = {"nonce": nonce, "client_id": settings.client_id, "access_token": tokens.get("access_token")}
        claims = CodeIDToken(token.claims, token.header, must, said)
        claims.validate(now=int(now.timestamp()), leeway=CLOCKS_DIFFER_BY)  # type: ignore[no-untyped-call]
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject.isascii() or not subject.isprintable():
            raise NotTrusted("the subject is not printable ASCII")
        if len(subject) > LONGEST_SUBJECT:
            raise NotTrusted(f"the subject is longer than {LONGEST_SUBJECT} characters")
        return claims

    def _with_claims(self, arrival: Arrival, claims: Mapping[str, Any]) -> Arrival:
        email, number = claims.get("email"), claims.get(self.settings.employee_number_claim)
        email = email.strip() if isinstance(email, str) else ""
        # Some send the word instead of the value.
        verified = claims.get("email_verified") is True or str(claims.get("email_verified")).lower() == "true"
        return replace(
            arrival,
            email=email if verified else arrival.email,
            unverified_email=email or arrival.unverified_email,
            number=str(number) if isinstance(number, str | int) else arrival.number,
        )


class _Line(HTTPAdapter):
    """One connection: it follows no redirect, and reads no more than it must."""

    def __init__(self, answers_within: float) -> None:
        super().__init__()
        self._answers_within = answers_within

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        response = super().send(request, **{**options, "stream": True, "timeout": self._answers_within})
        with response.raw:
            body = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
        if len(body) > LARGEST_ANSWER:
            raise NotTrusted(f"{request.url} answers with more than {LARGEST_ANSWER} bytes")
        if 300 <= response.status_code < 400:
            raise NotTrusted(f"{request.url} leads on to {response.headers.get('Location')!r}")
        response.raw = BytesIO(body)
        return response


def _moment(told: object, now: datetime) -> datetime | None:
    """When she showed who she is, as the provider tells it; never later than now, whatever its clock says."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not told > 0:
        return None
    return datetime.fromtimestamp(min(told, now.timestamp()), UTC)


def _object(response: Response) -> dict[str, Any]:
    """The JSON object that came. Raises HTTPError, ValueError."""
    response.raise_for_status()
    try:
        found = response.json()
    except ValueError as error:
        raise NotTrusted(f"{response.url} does not answer with JSON") from error
    if not isinstance(found, dict):
        raise NotTrusted(f"{response.url} does not answer with a JSON object")
    return found

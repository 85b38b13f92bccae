"""What is said to the provider of identities, and what of its answers is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from elearn.domain.identity import Arrival, NotTrusted, ProviderAway
from elearn.services.identity_provider import LARGEST_ANSWER, THREADS, IdentityProvider
from tests.lying_provider import GONE, Liar, challenge_of, json_reply, lying

RETURN_TO = "http://127.0.0.1:8000/sign-in/sso/return"
METADATA = "/.well-known/openid-configuration"
NOW = datetime.now(UTC)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying() as running:
        running.clock = NOW
        yield running


@pytest.fixture
def provider(liar: Liar) -> IdentityProvider:
    return IdentityProvider(liar.settings(), RETURN_TO)


def arrive(provider: IdentityProvider, liar: Liar, now: datetime = NOW) -> Arrival:
    address, departure = provider.departure()
    return provider.arrival(departure, liar.code_for(address), now)


# Honest


def test_whom_it_vouches_for_arrives(provider: IdentityProvider, liar: Liar) -> None:
    liar.claims = {"email": "meera@model.test", "email_verified": True, "auth_time": int(NOW.timestamp()) - 60}
    arrival = arrive(provider, liar)
    assert (arrival.issuer, arrival.subject, arrival.email) == (liar.issuer, "meera", "meera@model.test")
    assert arrival.proved_at == NOW.replace(microsecond=0) - timedelta(minutes=1)


def test_she_is_sent_with_state_nonce_and_the_challenge_of_a_secret(provider: IdentityProvider, liar: Liar) -> None:
    address, departure = provider.departure()
    said = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert said == {
        "response_type": "code",
        "client_id": "elearn",
        "redirect_uri": RETURN_TO,
        "scope": "openid email profile",
        "state": departure.state,
        "nonce": departure.nonce,
        "code_challenge": challenge_of(departure.verifier),
        "code_challenge_method": "S256",
    }
    provider.arrival(departure, liar.code_for(address), NOW)
    ((_, form),) = [one for one in liar.asked if one[0] == "/token"]
    assert (form["code_verifier"], form["redirect_uri"]) == (departure.verifier, RETURN_TO)


def test_it_is_told_to_ask_again_where_that_is_wanted(provider: IdentityProvider) -> None:
    address, _ = provider.departure(again=True)
    said = parse_qs(urlsplit(address).query)
    assert (said["prompt"], said["max_age"]) == (["login"], ["120"])


@pytest.mark.parametrize("told", [GONE, True, 0, -1, None, float("nan")])
def test_a_moment_that_is_none_is_none(provider: IdentityProvider, liar: Liar, told: object) -> None:
    liar.claims = {"auth_time": told}
    assert arrive(provider, liar).proved_at is None


@pytest.mark.parametrize("told", [1e300, float("inf"), 10**400])
def test_no_moment_is_later_than_now(provider: IdentityProvider, liar: Liar, told: float) -> None:
    liar.claims = {"auth_time": told}
    assert arrive(provider, liar).proved_at == NOW


def test_no_two_departures_are_alike(provider: IdentityProvider) -> None:
    said = [word for _ in range(20) for word in _words(provider)]
    assert len(set(said)) == len(said) == 60
    assert min(map(len, said)) >= 43


def _words(provider: IdentityProvider) -> tuple[str, str, str]:
    _, departure = provider.departure()
    return departure.state, departure.nonce, departure.verifier


def test_metadata_and_keys_are_read_once_for_many(provider: IdentityProvider, liar: Liar) -> None:
    for _ in range(3):
        arrive(provider, liar)
    paths = [path for path, _ in liar.asked]
    assert (paths.count(METADATA), paths.count("/keys"), paths.count("/token")) == (1, 1, 3)


@pytest.mark.parametrize("same_name", [False, True])
def test_a_new_key_of_the_provider_is_fetched_when_it_is_met(
    provider: IdentityProvider, liar: Liar, same_name: bool
) -> None:
    arrive(provider, liar)
    kid = liar.key.kid
    liar.key = RSAKey.generate_key(2048, {"kid": kid if same_name else "another"})
    assert arrive(provider, liar).subject == "meera"


def test_what_is_not_in_the_id_token_is_asked_for(provider: IdentityProvider, liar: Liar) -> None:
    liar.more = {"email": "meera@model.test", "email_verified": True}
    arrival = arrive(provider, liar)
    assert arrival.email == ""
    assert provider.told_more(arrival).email == "meera@model.test"


def test_user_info_about_somebody_else_is_refused(provider: IdentityProvider, liar: Liar) -> None:
    liar.more = {"sub": "boss", "email": "boss@model.test", "email_verified": True}
    arrival = arrive(provider, liar)
    with pytest.raises(NotTrusted, match="somebody else"):
        provider.told_more(arrival)


@pytest.mark.parametrize(
    ("word", "believed"),
    [(True, True), ("true", True), (False, False), ("false", False), (1, False), ("yes", False), (GONE, False)],
)
def test_an_email_counts_only_where_it_is_verified(
    provider: IdentityProvider, liar: Liar, word: object, believed: bool
) -> None:
    liar.claims = {"email": "meera@model.test", "email_verified": word}
    assert arrive(provider, liar).email == ("meera@model.test" if believed else "")


def test_clocks_may_differ_by_a_minute(provider: IdentityProvider, liar: Liar) -> None:
    for ahead in (-60, 60):
        assert arrive(provider, liar, NOW + timedelta(seconds=ahead)).subject == "meera"


# Lies

LATER = int((NOW + timedelta(minutes=10)).timestamp())
EARLIER = int((NOW - timedelta(minutes=10)).timestamp())

CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.test"},
    "no issuer": {"iss": GONE},
    "for another client": {"aud": "another"},
    "for another client, as ours": {"aud": "another", "azp": "elearn"},
    "for nobody": {"aud": GONE},
    "for us and another, by the other": {"aud": ["elearn", "another"], "azp": "another"},
    "for us and another, by nobody": {"aud": ["elearn", "another"]},
    "another nonce": {"nonce": "that of an earlier sign-in"},
    "no nonce": {"nonce": GONE},
    "a nonce switched off": {"nonce": GONE, "nonce_supported": False},
    "expired": {"exp": EARLIER},
    "never expires": {"exp": GONE},
    "expires in words": {"exp": "tomorrow"},
    "signed in the future": {"iat": LATER},
    "valid in the future": {"nbf": LATER},
    "nobody": {"sub": GONE},
    "an empty name": {"sub": ""},
    "a name that is a list": {"sub": ["meera"]},
    "a name with a zero byte": {"sub": "meera\0"},
    "a name that is too long": {"sub": "m" * 256},
    "another access token's": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("lie", CLAIMS)
def test_a_claim_that_does_not_hold_is_refused(provider: IdentityProvider, liar: Liar, lie: str) -> None:
    arrive(provider, liar)
    liar.claims = CLAIMS[lie]
    with pytest.raises(NotTrusted):
        arrive(provider, liar)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_only_the_providers_own_signature_counts(provider: IdentityProvider, liar: Liar, algorithm: str) -> None:
    """Not even where the metadata say otherwise: `none` is no signature, and an HMAC's key is ours as well."""
    liar.metadata = {"id_token_signing_alg_values_supported": [algorithm]}
    liar.header = {"alg": algorithm}
    with pytest.raises(NotTrusted, match="algorithm"):
        arrive(provider, liar)


@pytest.mark.parametrize("kid", ["same", "another", GONE])
def test_a_signature_by_another_key_is_refused(provider: IdentityProvider, liar: Liar, kid: Any) -> None:
    liar.published = RSAKey.generate_key(2048, {"kid": "same"})
    liar.header = {"kid": kid}
    with pytest.raises(NotTrusted):
        arrive(provider, liar)


def test_a_key_that_the_token_brings_along_is_not_looked_at(provider: IdentityProvider, liar: Liar) -> None:
    liar.published = RSAKey.generate_key(2048, {"kid": liar.key.kid})
    liar.header = {"jwk": liar.key.as_dict(private=False), "jku": f"{liar.issuer}/mine"}
    with pytest.raises(NotTrusted):
        arrive(provider, liar)
    assert "/mine" not in [path for path, _ in liar.asked]


METADATA_LIES: dict[str, dict[str, Any]] = {
    "of another issuer": {"issuer": "https://evil.test"},
    "of nobody": {"issuer": GONE},
    "keys inside our walls": {"jwks_uri": "http://10.0.0.1/keys"},
    "keys by the cloud's own address": {"jwks_uri": "http://169.254.169.254/latest"},
    "keys in a file": {"jwks_uri": "file:///etc/passwd"},
    "no keys": {"jwks_uri": GONE},
    "codes to an open line": {"token_endpoint": "http://evil.test/token"},
    "codes to a number": {"token_endpoint": 5},
    "visitors to a script": {"authorization_endpoint": "javascript:alert(1)"},
    "visitors to an open line": {"authorization_endpoint": "http://evil.test/"},
    "visitors nowhere": {"authorization_endpoint": GONE},
    "user info over an open line": {"userinfo_endpoint": "http://evil.test/"},
    "ways that are none": {"token_endpoint_auth_methods_supported": 5},
}


@pytest.mark.parametrize("lie", METADATA_LIES)
def test_metadata_that_lead_astray_are_refused(provider: IdentityProvider, liar: Liar, lie: str) -> None:
    liar.metadata = METADATA_LIES[lie]
    with pytest.raises(NotTrusted):
        provider.departure()
    assert liar.asked[0][0] == METADATA


def test_an_issuer_elsewhere_may_not_point_to_this_machine(liar: Liar) -> None:
    provider = IdentityProvider(liar.settings(issuer="https://sso.model.test"), RETURN_TO)
    with pytest.raises(NotTrusted, match="jwks_uri"):
        provider._endpoint({"jwks_uri": f"{liar.issuer}/keys"}, "jwks_uri")


STRANGE: dict[str, Callable[[Liar], Any]] = {
    "a page": lambda _: (200, {"Content-Type": "text/html"}, b"<h1>Welcome to the hotel</h1>"),
    "a list": lambda _: json_reply([]),
    "a number": lambda _: json_reply(5),
    "nothing": lambda _: (200, {}, b""),
    "a very deep list": lambda _: (200, {}, b"[" * 100_000),
    "too much": lambda _: json_reply("x" * LARGEST_ANSWER),
    "bytes": lambda _: (200, {}, bytes(range(256))),
    "elsewhere": lambda liar: (302, {"Location": f"{liar.issuer}/elsewhere"}, b""),
    "a refusal": lambda _: json_reply({"error": "invalid_client", "error_description": "\r\nForged: line"}, 401),
}


@pytest.mark.parametrize("path", [METADATA, "/keys", "/token", "/userinfo"])
@pytest.mark.parametrize("answer", STRANGE)
def test_a_strange_answer_has_a_name(provider: IdentityProvider, liar: Liar, path: str, answer: str) -> None:
    liar.replies[path] = lambda: STRANGE[answer](liar)
    with pytest.raises((NotTrusted, ProviderAway)):
        provider.told_more(arrive(provider, liar))
    assert "/elsewhere" not in [path for path, _ in liar.asked]


def test_an_answer_without_end_is_not_read_to_it(provider: IdentityProvider, liar: Liar) -> None:
    status, headers, honest = liar.reply(METADATA, {})
    liar.replies[METADATA] = lambda: (status, headers, honest + b" " * LARGEST_ANSWER)
    with pytest.raises(NotTrusted, match="more than"):
        provider.departure()


@pytest.mark.parametrize("tokens", [{}, {"id_token": None}, {"id_token": 5}, {"id_token": "a.b.c"}, {"id_token": "é"}])
def test_tokens_that_are_none_are_refused(provider: IdentityProvider, liar: Liar, tokens: dict[str, Any]) -> None:
    liar.replies["/token"] = lambda: json_reply({"access_token": "a", "expires_in": "soon", **tokens})
    with pytest.raises(NotTrusted):
        arrive(provider, liar)


# Away


def test_a_provider_that_is_down_is_away(provider: IdentityProvider) -> None:
    with lying() as gone:
        pass
    with pytest.raises(ProviderAway):
        IdentityProvider(gone.settings(), RETURN_TO).departure()


@pytest.mark.parametrize("path", [METADATA, "/keys", "/token", "/userinfo"])
def test_a_provider_in_trouble_is_away(provider: IdentityProvider, liar: Liar, path: str) -> None:
    liar.replies[path] = lambda: (503, {}, b"busy")
    with pytest.raises(ProviderAway):
        provider.told_more(arrive(provider, liar))


@pytest.mark.parametrize(("threads", "places"), [(None, 4), (16, 8), (3, 1), (1, 1)])
def test_what_hangs_holds_half_of_the_threads_and_nobody_waits_for_a_place(
    liar: Liar, threads: int | None, places: int
) -> None:
    """All threads at once: those without a place are told so before the others have waited to the end."""
    provider = IdentityProvider(liar.settings(), RETURN_TO, answers_within=3)
    if threads:
        provider.make_room(threads)
    liar.replies[METADATA] = liar.hang
    many = threads or THREADS

    def ask() -> tuple[str, float]:
        began = monotonic()
        with pytest.raises(ProviderAway) as away:
            provider.departure()
        return str(away.value), monotonic() - began

    with ThreadPoolExecutor(many) as pool:
        told = [one.result() for one in [pool.submit(ask) for _ in range(many)]]
    refused = [seconds for sentence, seconds in told if "others" in sentence]
    assert len(refused) == many - places
    assert all(seconds < 2 for seconds in refused)
    assert len(liar.asked) <= places


def test_after_a_standstill_it_is_asked_again(liar: Liar) -> None:
    provider = IdentityProvider(liar.settings(), RETURN_TO, answers_within=30)
    impatient = IdentityProvider(liar.settings(), RETURN_TO, answers_within=0.2)
    liar.replies[METADATA] = liar.hang
    with pytest.raises(ProviderAway):
        impatient.departure()
    del liar.replies[METADATA]
    assert arrive(provider, liar).subject == "meera"


def test_no_secret_is_shown_by_a_failure(provider: IdentityProvider, liar: Liar) -> None:
    liar.claims = {"nonce": "wrong"}
    with pytest.raises(NotTrusted) as refused:
        arrive(provider, liar)
    shown = f"{refused.value} {provider.settings!r} {json.dumps(str(refused.getrepr(style='short')))}"
    assert provider.settings.client_secret not in shown

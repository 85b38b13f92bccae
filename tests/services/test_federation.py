"""Whom a provider's word belongs to here: linked once, known by that link ever after, and never made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from elearn.domain.identity import NotLinked, NotTrusted, ProviderAway, Vouched
from elearn.models.database import reading, writing
from elearn.models.people import AccessLog, FederatedIdentity, Officer, Role
from elearn.services import accounts, federation, people, proof, second_factor
from elearn.services.accounts import WrongPair
from tests.at_once import at_once
from tests.given import Given, Person
from tests.lying_provider import Liar, lying

ADDRESS = "10.1.2.3"


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying() as running:
        yield running


@pytest.fixture
def app(make_app: Callable[..., Flask], engine_url: str, liar: Liar) -> Iterator[Flask]:
    """An application whose officers may come by this provider, linked by e-mail."""
    made = make_app(engine_url, oidc=liar.settings())
    with made.app_context():
        yield made


@pytest.fixture
def by_number(make_app: Callable[..., Flask], engine_url: str, liar: Liar, now: datetime) -> Iterator[Given]:
    """The same, linked by employee number."""
    made = make_app(engine_url, oidc=liar.settings(link_by="employee_number", employee_number_claim="empno"))
    with made.app_context():
        yield Given(made, now)


def come(liar: Liar, subject: str, now: datetime, email: str = "", verified: object = True, **more: object) -> Vouched:
    """Somebody comes back from the provider, which says this of her."""
    said = {"email": email, "email_verified": verified} if email else {}
    liar.claims = {"sub": subject, **said, **more}
    liar.more, liar.clock = {**liar.more, "sub": subject}, now
    address, departure = federation.depart()
    return federation.officer_of(departure, liar.code_for(address), ADDRESS, now)


def refused(liar: Liar, subject: str, now: datetime, email: str = "", **more: object) -> str:
    with pytest.raises(NotLinked) as why:
        come(liar, subject, now, email, **more)
    return why.value.reason


def links() -> dict[str, int]:
    with reading() as connection:
        rows = connection.execute(select(FederatedIdentity.subject, FederatedIdentity.officer_id)).all()
    return {row.subject: row.officer_id for row in rows}


def log_of(event: str) -> list[tuple[int | None, str, str]]:
    with reading() as connection:
        query = select(AccessLog.officer_id, AccessLog.detail, AccessLog.address).where(AccessLog.event == event)
        return [tuple(row) for row in connection.execute(query.order_by(AccessLog.id))]  # type: ignore[misc]


# The first time and later


def test_the_first_time_links_by_verified_email_and_later_ones_go_by_the_link(
    app: Flask, given: Given, liar: Liar
) -> None:
    meera = given.officer("Meera")
    assert come(liar, "m-1", given.now, meera.email.upper()).officer_id == meera.id
    assert links() == {"m-1": meera.id}
    assert log_of("identity_linked") == [(meera.id, liar.issuer, ADDRESS)]
    assert come(liar, "m-1", given.now).officer_id == meera.id
    assert links() == {"m-1": meera.id}


def test_an_account_is_not_lost_and_none_is_stolen_by_another_email(app: Flask, given: Given, liar: Liar) -> None:
    meera, boss = given.officer("Meera"), given.supervisor()
    come(liar, "m-1", given.now, meera.email)
    assert come(liar, "m-1", given.now, boss.email).officer_id == meera.id
    assert refused(liar, "stranger", given.now, meera.email) == "taken"
    assert links() == {"m-1": meera.id}


def test_an_email_that_is_another_officers_here_by_now_changes_nothing(app: Flask, given: Given, liar: Liar) -> None:
    """Meera's address was given to Far: whoever has it at the provider is Far from now on, and Meera stays Meera."""
    meera, far = given.officer("Meera"), given.officer("Far")
    come(liar, "m-1", given.now, meera.email)
    with writing() as connection:
        for person, email in ((meera, "meera.new@model.test"), (far, meera.email)):
            connection.execute(update(Officer).where(Officer.id == person.id).values(email=email))
    assert come(liar, "f-1", given.now, meera.email).officer_id == far.id
    assert come(liar, "m-1", given.now, meera.email).officer_id == meera.id


def test_the_first_time_links_by_employee_number(by_number: Given, liar: Liar) -> None:
    meera = by_number.officer("Meera")
    assert come(liar, "m-1", by_number.now, empno=" md-0001 ").officer_id == meera.id
    assert refused(liar, "m-2", by_number.now, meera.email) == "missing"
    assert refused(liar, "m-2", by_number.now, empno="MD-9999") == "unknown"


def test_what_links_is_asked_for_only_where_it_was_not_told(app: Flask, given: Given, liar: Liar) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    liar.more = {"email": meera.email, "email_verified": True}
    assert come(liar, "m-1", given.now).officer_id == meera.id
    come(liar, "m-1", given.now)
    come(liar, "f-1", given.now, far.email)
    assert [path for path, _ in liar.asked].count("/userinfo") == 1


def test_when_she_proved_who_she_is_comes_along(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera")
    shown = given.now.replace(microsecond=0) - timedelta(minutes=3)
    vouched = come(liar, "m-1", given.now, meera.email, auth_time=int(shown.timestamp()))
    assert vouched == Vouched(meera.id, shown)


@pytest.mark.parametrize(("minutes_ago", "proves"), [(0, True), (9, True), (11, False), (-60, True), (None, False)])
def test_a_provider_proves_no_more_than_it_says(
    app: Flask, given: Given, liar: Liar, minutes_ago: int | None, proves: bool
) -> None:
    """An hour ahead is a wrong clock, and counts as now: ten minutes later it is over all the same."""
    meera = given.officer("Meera")
    when = {} if minutes_ago is None else {"auth_time": given.now.timestamp() - 60 * minutes_ago}
    vouched = come(liar, "m-1", given.now, meera.email, **when)
    token = accounts.sign_in_vouched(meera.id, federation.HOW, ADDRESS, "", given.now, vouched.proved_at)
    viewer = accounts.viewer_of(token, given.now)
    assert viewer
    assert proof.is_fresh(viewer.sign_in_id, given.now) is proves
    assert not proof.is_fresh(viewer.sign_in_id, given.later(minutes=10))


@pytest.mark.parametrize("minutes_ago", [3, 11, None])
def test_a_code_on_top_proves_no_more(app: Flask, given: Given, minutes_ago: int | None) -> None:
    meera = given.officer("Meera")
    _, codes = given.second_factor(meera)
    shown = None if minutes_ago is None else given.now - timedelta(minutes=minutes_ago)
    with pytest.raises(accounts.CodeNeeded) as asked:
        accounts.sign_in_vouched(meera.id, federation.HOW, ADDRESS, "", given.now, shown)
    token = second_factor.finish_sign_in(asked.value.half, codes[0], ADDRESS, "", given.now)
    viewer = accounts.viewer_of(token, given.now)
    assert viewer
    assert proof.is_fresh(viewer.sign_in_id, given.now) is (minutes_ago == 3)


def test_who_is_linked_here_is_known(app: Flask, given: Given, liar: Liar) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    come(liar, "m-1", given.now, meera.email)
    assert [federation.is_linked(one.id) for one in (meera, far)] == [True, False]


# Refusals


def test_nobody_is_made(app: Flask, given: Given, liar: Liar) -> None:
    given.officer("Meera")
    before = officers()
    assert refused(liar, "x", given.now, "nobody@model.test", name="Nobody", roles=["administrator"]) == "unknown"
    assert (officers(), links()) == (before, {})
    assert log_of("sign_in_failed") == [(None, "single sign-on: unknown", ADDRESS)]


def officers() -> int:
    with reading() as connection:
        return len(connection.execute(select(Officer.id)).all())


def test_no_role_is_taken_from_a_claim(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera")
    come(liar, "m-1", given.now, meera.email, roles=["administrator"], groups=["administrator"], role="administrator")
    with reading() as connection:
        assert connection.execute(select(Role.id).where(Role.officer_id == meera.id)).all() == []


@pytest.mark.parametrize("verified", [False, "false", None])
def test_an_unverified_email_links_nobody(app: Flask, given: Given, liar: Liar, verified: object) -> None:
    meera = given.officer("Meera")
    assert refused(liar, "m-1", given.now, meera.email, verified=verified) == "unverified"
    assert links() == {}


@pytest.mark.parametrize("email", ["", "  ", "no e-mail", "\0", "meera@", "मीरा@model.test", "x" * 5000, "%", "'"])
def test_what_is_no_email_links_nobody(app: Flask, given: Given, liar: Liar, email: str) -> None:
    given.officer("Meera")
    assert refused(liar, "m-1", given.now, email) in ("unknown", "missing")
    assert links() == {}


def test_an_email_that_only_looks_alike_links_nobody(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera")
    cyrillic = meera.email.replace("e", "\u0435")
    for alike in (cyrillic, f"{meera.email}.evil.test", meera.email.replace("@", "@ "), f"a,{meera.email}"):
        assert refused(liar, "m-1", given.now, alike) == "unknown"


@pytest.mark.parametrize(("letter", "alike"), [("k", "\u212a"), ("s", "\u017f")])
def test_what_folding_would_make_alike_links_nobody(
    app: Flask, given: Given, liar: Liar, letter: str, alike: str
) -> None:
    ask = given.officer("Ask")
    assert alike.casefold() == letter
    assert refused(liar, "x", given.now, ask.email.replace(letter, alike)) == "unknown"
    assert links() == {}
    assert come(liar, "x", given.now, ask.email).officer_id == ask.id


def test_a_number_that_capitals_would_make_alike_links_nobody(by_number: Given, liar: Liar) -> None:
    given = by_number.officer("Ask")
    with writing() as connection:
        connection.execute(update(Officer).where(Officer.id == given.id).values(employee_number="SI-1"))
    for alike in ("\u017fI-1", "S\u0131-1"):
        assert alike.upper() == "SI-1"
        assert refused(liar, "x", by_number.now, empno=alike) == "unknown"
    assert come(liar, "x", by_number.now, empno="si-1").officer_id == given.id


def test_officers_of_two_authorities_with_one_number_are_not_guessed(by_number: Given, liar: Liar) -> None:
    by_number.officer("Meera")
    far = by_number.officer("Far")
    with writing() as connection:
        same = {"authority": "another", "employee_number": "MD-0001"}
        connection.execute(update(Officer).where(Officer.id == far.id).values(**same))
    assert refused(liar, "x", by_number.now, empno="MD-0001") == "ambiguous"
    assert links() == {}


def test_who_is_shut_out_stays_out_linked_or_not(app: Flask, given: Given, liar: Liar) -> None:
    meera, left = given.officer("Meera"), given.officer("Left")
    come(liar, "m-1", given.now, meera.email)
    for person in (meera, left):
        people.disable_officer(person.id, given.now)
    assert refused(liar, "m-1", given.now) == "disabled"
    assert refused(liar, "l-1", given.now, left.email) == "disabled"
    assert links() == {"m-1": meera.id}
    people.enable_officer(meera.id, given.now)
    assert come(liar, "m-1", given.now).officer_id == meera.id


def test_shut_out_between_the_link_and_the_sign_in_she_stays_out(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera")
    vouched = come(liar, "m-1", given.now, meera.email)
    people.disable_officer(meera.id, given.now)
    with pytest.raises(WrongPair):
        accounts.sign_in_vouched(vouched.officer_id, federation.HOW, ADDRESS, "", given.now)


def test_a_lie_is_noted_and_links_nobody(
    app: Flask, given: Given, liar: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    meera = given.officer("Meera")
    with pytest.raises(NotTrusted):
        come(liar, "m-1", given.now, meera.email, nonce="another")
    assert links() == {}
    assert log_of("sign_in_failed") == [(None, "single sign-on: not trusted", ADDRESS)]
    assert "nonce" in caplog.text
    assert meera.email not in caplog.text


def test_a_forged_line_does_not_reach_the_log(
    app: Flask, given: Given, liar: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    liar.claims = {"iss": "x"}
    liar.metadata = {"issuer": "\r\nERROR all is lost"}
    with pytest.raises(NotTrusted):
        federation.depart()
    assert "\nERROR" not in "\n".join(record.getMessage() for record in caplog.records)


def test_without_a_provider_there_is_none(sqlite_app: Flask) -> None:
    with pytest.raises(federation.NoProvider):
        federation.depart()


def test_a_provider_that_is_away_is_nobodys_failure(
    make_app: Callable[..., Flask], engine_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with lying() as gone:
        pass
    with make_app(engine_url, oidc=gone.settings()).app_context():
        with pytest.raises(ProviderAway):
            federation.depart()
        assert log_of("sign_in_failed") == []
    assert "ConnectionError" in caplog.text


# At the same moment


def test_two_tabs_at_the_same_moment_link_once(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera")
    liar.claims, liar.clock = {"sub": "m-1", "email": meera.email, "email_verified": True}, given.now
    assert at_once(app, [lambda: _come_again(liar, given)] * 4) == [Vouched(meera.id)] * 4
    assert links() == {"m-1": meera.id}
    assert len(log_of("identity_linked")) == 1


def _come_again(liar: Liar, given: Given) -> Vouched:
    address, departure = federation.depart()
    return federation.officer_of(departure, liar.code_for(address), ADDRESS, given.now)


# Signing in, and forgetting


def test_a_sign_in_made_so_is_one_like_any_other(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera", password="")
    vouched = come(liar, "m-1", given.now, meera.email)
    tokens = {accounts.sign_in_vouched(vouched.officer_id, federation.HOW, ADDRESS, "Firefox", given.now) for _ in "12"}
    assert len(tokens) == 2
    for token in tokens:
        viewer = accounts.viewer_of(token, given.now)
        assert viewer is not None
        assert viewer.officer_id == meera.id
    assert log_of("sign_in") == [(meera.id, "single sign-on", ADDRESS)] * 2
    people.disable_officer(meera.id, given.now)
    assert [accounts.viewer_of(token, given.now) for token in tokens] == [None, None]


def test_unlinked_she_is_out_and_may_be_linked_anew(app: Flask, given: Given, liar: Liar) -> None:
    meera = given.officer("Meera")
    token = _signed_in(liar, given, meera)
    assert federation.unlink(meera.id, given.now) == 1
    assert accounts.viewer_of(token, given.now) is None
    assert links() == {}
    assert come(liar, "m-2", given.now, meera.email).officer_id == meera.id
    assert federation.unlink(given.officer("Far").id, given.now) == 0


def _signed_in(liar: Liar, given: Given, person: Person) -> str:
    vouched = come(liar, "m-1", given.now, person.email)
    return accounts.sign_in_vouched(vouched.officer_id, federation.HOW, ADDRESS, "", given.now)

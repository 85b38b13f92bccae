"""Signing in and out, what a sign-in brings, links for a password, and what guessers meet."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import count

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select, update

from elearn.models.database import reading, writing
from elearn.models.people import AccessLog, OneTimeLink, Password, SignIn, Throttle
from elearn.services import accounts, one_time_links, passwords, people
from elearn.services.accounts import TooManyTries, WeakPassword, WrongPair
from elearn.services.one_time_links import LinkNotGood
from tests.at_once import at_once
from tests.given import PASSWORD, Given, Person

OFFICE_NETWORK = "10.1.2.3"
ELSEWHERE = "203.0.113.9"


def sign_in(person: Person, now: datetime, password: str = PASSWORD, address: str = OFFICE_NETWORK) -> str:
    return accounts.sign_in(person.email, password, address, "Firefox on a phone", now)


def fails(person: Person | str, now: datetime, address: str = OFFICE_NETWORK, times: int = 1) -> None:
    email = person if isinstance(person, str) else person.email
    for _ in range(times):
        with pytest.raises(WrongPair):
            accounts.sign_in(email, "not the right one", address, "", now)


def events(officer_id: int) -> list[str]:
    with reading() as connection:
        query = select(AccessLog.event).where(AccessLog.officer_id == officer_id).order_by(AccessLog.id)
        return list(connection.execute(query).scalars())


# Signing in


def test_an_officer_signs_in_and_is_known_by_her_token(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    token = sign_in(meera, given.now)
    viewer = accounts.viewer_of(token, given.now)
    assert viewer is not None
    assert (viewer.officer_id, viewer.name, viewer.name_language, viewer.grants) == (meera.id, "Meera", "en", ())
    assert events(meera.id)[-1] == "sign_in"


def test_only_a_hash_of_the_token_is_kept(app: Flask, given: Given) -> None:
    token = sign_in(given.officer("Meera"), given.now)
    with reading() as connection:
        kept = connection.execute(select(SignIn.token_hash)).scalar_one()
    assert len(token) >= 43
    assert token not in kept


def test_an_email_may_be_typed_in_capitals_and_with_spaces(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    assert accounts.sign_in(f"  {meera.email.upper()} ", PASSWORD, OFFICE_NETWORK, "", given.now)


def test_a_password_typed_in_two_ways_of_the_same_letters_is_the_same(app: Flask, given: Given) -> None:
    decomposed, composed = "cafe\u0301 mango lamp", "caf\u00e9 mango lamp"
    meera = given.officer("Meera", password=decomposed)
    assert sign_in(meera, given.now, composed)


def test_wrong_unknown_disabled_and_not_begun_are_one_answer(app: Flask, given: Given) -> None:
    meera, left, fresh = given.officer("Meera"), given.officer("Left"), given.officer("Fresh", password="")
    people.disable_officer(left.id, given.now)
    fails(meera, given.now)
    fails("nobody@model.test", given.now)
    for person in (left, fresh):
        with pytest.raises(WrongPair):
            sign_in(person, given.now)


@pytest.mark.parametrize("email", ["", "\0", "a\0b@model.test", "\ud800@model.test", "x" * 10_000, "अ@model.test"])
def test_what_is_no_email_is_a_wrong_pair_and_nothing_worse(app: Flask, given: Given, email: str) -> None:
    fails(email, given.now)


def test_a_password_of_any_length_and_letters_is_a_wrong_pair_and_nothing_worse(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    for password in ("", "\0", "\ud800", "x" * 100_000):
        with pytest.raises(WrongPair):
            sign_in(meera, given.now, password, address=password[:1] + ELSEWHERE)


def test_a_password_longer_than_any_is_not_hashed(sqlite_app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    assert cpu_of(lambda: fails_with(meera, "x" * 257, given.now)) < 0.3 * cpu_of(
        lambda: fails_with(meera, "x" * 256, given.now)
    )


def test_an_unknown_email_costs_what_a_known_one_costs(sqlite_app: Flask, given: Given) -> None:
    """Else the time of the answer would say who has an account."""
    meera, fresh = given.officer("Meera"), given.officer("Fresh", password="")
    known = cpu_of(lambda: fails_with(meera, "not the right one", given.now))
    for other in (Person(0, "", "nobody@model.test"), fresh):
        unknown = cpu_of(lambda other=other: fails_with(other, "not the right one", given.now))
        assert 0.6 < unknown / known < 1.6


FRESH_ADDRESSES = (f"192.0.2.{number}" for number in count(1))


def fails_with(person: Person, password: str, now: datetime) -> None:
    """Each try from another address, so that none has to wait."""
    with pytest.raises(WrongPair):
        sign_in(person, now, password, next(FRESH_ADDRESSES))


def cpu_of(act: object) -> float:
    """Seconds of processor time of the cheapest of four."""
    assert callable(act)
    times = []
    for _ in range(4):
        start = time.process_time()
        act()
        times.append(time.process_time() - start)
    return min(times)


def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with writing() as connection:
        connection.execute(update(Password).values(hash=old))
    sign_in(meera, given.now)
    with reading() as connection:
        renewed = connection.execute(select(Password.hash)).scalar_one()
    assert renewed != old
    assert not passwords.is_outdated(renewed)
    assert sign_in(meera, given.now)


# Two hundred at once, and whoever guesses


def test_two_hundred_of_one_office_sign_in_in_the_same_minute(app: Flask, given: Given) -> None:
    """They share one address: only failures count."""
    officers = [given.officer("Meera", password="") for _ in range(200)]
    kept = passwords.hash_of(PASSWORD)
    with writing() as connection:
        connection.execute(
            Password.__table__.insert(), [{"officer_id": o.id, "hash": kept, "set_at": given.now} for o in officers]
        )
    now = given.now
    waves = [officers[i : i + 20] for i in range(0, 200, 20)]
    tokens = [token for wave in waves for token in at_once(app, [lambda o=o: sign_in(o, now) for o in wave])]
    assert [t for t in tokens if not isinstance(t, str)] == []
    assert len(set(tokens)) == 200


def test_one_account_signs_in_on_many_devices_at_once(app: Flask, given: Given) -> None:
    meera, now = given.officer("Meera"), given.now
    assert all(isinstance(token, str) for token in at_once(app, [lambda: sign_in(meera, now)] * 20))


def test_five_failures_make_the_sixth_try_wait_even_with_the_right_password(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    fails(meera, given.now, times=5)
    with pytest.raises(TooManyTries) as wait:
        sign_in(meera, given.now)
    assert wait.value.retry_after == 30
    assert sign_in(meera, given.now + timedelta(seconds=31))


def test_the_delay_doubles_up_to_a_quarter_of_an_hour_and_never_locks(app: Flask, given: Given) -> None:
    meera, now = given.officer("Meera"), given.now
    fails(meera, now, times=4)
    waits = []
    for _ in range(8):
        fails(meera, now)
        with pytest.raises(TooManyTries) as wait:
            fails(meera, now)
        waits.append(wait.value.retry_after)
        now += timedelta(seconds=wait.value.retry_after)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert sign_in(meera, now)


def test_success_forgets_the_failures_before_it(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    fails(meera, given.now, times=4)
    sign_in(meera, given.now)
    fails(meera, given.now, times=4)
    assert sign_in(meera, given.now)


def test_an_unknown_email_meets_the_same_delay(app: Flask, given: Given) -> None:
    fails("nobody@model.test", given.now, times=5)
    with pytest.raises(TooManyTries):
        fails("nobody@model.test", given.now)


def test_a_stranger_elsewhere_does_not_keep_her_out(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    fails(meera, given.now, address=ELSEWHERE, times=5)
    with pytest.raises(TooManyTries):
        fails(meera, given.now, address=ELSEWHERE)
    assert sign_in(meera, given.now)


def test_many_strangers_do_not_keep_her_out_of_where_she_signs_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    sign_in(meera, given.now)
    for number in range(50):
        fails(meera, given.now, address=f"198.51.100.{number}")
    with pytest.raises(TooManyTries):
        sign_in(meera, given.now, address="198.51.100.200")
    assert sign_in(meera, given.now)


def test_an_address_that_fails_with_everybody_must_wait(app: Flask, given: Given) -> None:
    meera, regular = given.officer("Meera"), given.officer("Regular")
    sign_in(regular, given.now)
    with writing() as connection:  # a hundred hashes, less the last one
        from_office = accounts.throttle.sign_in_try("x", OFFICE_NETWORK)
        for number in range(99):
            one = accounts.throttle.sign_in_try(f"guess{number}@model.test", OFFICE_NETWORK)
            accounts.throttle.failed(connection, one, given.now)
    assert from_office.counts[-1][1] == OFFICE_NETWORK
    fails("guess99@model.test", given.now)
    with pytest.raises(TooManyTries):
        sign_in(meera, given.now)
    assert sign_in(regular, given.now)
    assert sign_in(meera, given.now, address=ELSEWHERE)


def test_guesses_sent_at_the_same_moment_are_not_all_looked_at(app: Flask, given: Given) -> None:
    """Thirty guesses pass the first look before one has failed; the right one among the last must not be told."""
    meera, now = given.officer("Meera"), given.now
    answers = at_once(app, [lambda: accounts.sign_in(meera.email, "a wrong one", ELSEWHERE, "", now)] * 30)
    assert sum(isinstance(a, WrongPair) for a in answers) == 5
    assert sum(isinstance(a, TooManyTries) for a in answers) == 25


def test_a_clock_that_was_wrong_does_not_lock_anybody_out(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    fails(meera, given.now + timedelta(days=12 * 365), times=5)
    assert sign_in(meera, given.now)


def test_the_throttle_keeps_no_email_and_no_address(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    fails(meera, given.now)
    with reading() as connection:
        keys = list(connection.execute(select(Throttle.key)).scalars())
    assert keys
    assert all(len(key) == 64 and int(key, 16) >= 0 for key in keys)


def test_neighbours_of_one_ipv6_network_count_as_one() -> None:
    assert accounts.throttle.network_of("2001:db8:1:2:3::4") == accounts.throttle.network_of("2001:db8:1:2:ffff::9")
    assert accounts.throttle.network_of("2001:db8:1:3::4") != accounts.throttle.network_of("2001:db8:1:2::4")
    assert accounts.throttle.network_of("::ffff:10.0.0.1") == "10.0.0.1"
    assert accounts.throttle.network_of("a unix socket") == "a unix socket"


# How long a sign-in holds


def test_a_sign_in_lies_idle_for_an_hour_at_most(app: Flask, given: Given) -> None:
    token = sign_in(given.officer("Meera"), given.now)
    assert accounts.viewer_of(token, given.now + timedelta(minutes=59))
    assert accounts.viewer_of(token, given.now + timedelta(minutes=59 + 59))
    assert accounts.viewer_of(token, given.now + timedelta(minutes=59 + 59 + 61)) is None


def test_a_sign_in_holds_twelve_hours_however_busy(app: Flask, given: Given) -> None:
    token, now = sign_in(given.officer("Meera"), given.now), given.now
    for minutes in range(30, 12 * 60, 30):
        assert accounts.viewer_of(token, now + timedelta(minutes=minutes))
    assert accounts.viewer_of(token, now + timedelta(hours=12)) is None


def test_an_administrator_is_out_after_a_quarter_of_an_hour_or_four(app: Flask, given: Given) -> None:
    boss, now = given.administrator(), given.now
    idle, busy = sign_in(boss, now), sign_in(boss, now)
    assert accounts.viewer_of(idle, now + timedelta(minutes=16)) is None
    for minutes in range(10, 4 * 60, 10):
        assert accounts.viewer_of(busy, now + timedelta(minutes=minutes))
    assert accounts.viewer_of(busy, now + timedelta(hours=4)) is None


def test_reading_notes_at_most_once_in_five_minutes_that_it_is_in_use(app: Flask, given: Given) -> None:
    token, now = sign_in(given.officer("Meera"), given.now), given.now

    def seen_after(**delta: int) -> timedelta:
        accounts.viewer_of(token, now + timedelta(**delta))
        with reading() as connection:
            return connection.execute(select(SignIn.seen_at)).scalar_one() - now

    assert seen_after(minutes=4) == timedelta(0)
    assert seen_after(minutes=6) == timedelta(minutes=6)
    assert seen_after(minutes=10) == timedelta(minutes=6)


def test_a_sign_in_of_the_far_future_is_void(app: Flask, given: Given) -> None:
    """It was made while the clock stood wrong, so its limits mean nothing."""
    meera = given.officer("Meera")
    token = sign_in(meera, given.now + timedelta(days=12 * 365))
    assert accounts.viewer_of(token, given.now) is None
    assert accounts.viewer_of(sign_in(meera, given.now + timedelta(minutes=4)), given.now)


@pytest.mark.parametrize("token", ["", "no such token", "\0", "\ud800", "x" * 10_000])
def test_any_other_token_brings_nobody(app: Flask, given: Given, token: str) -> None:
    sign_in(given.officer("Meera"), given.now)
    assert accounts.viewer_of(token, given.now) is None


def test_roles_come_with_the_tops_of_their_trees(app: Flask, given: Given) -> None:
    boss = given.supervisor()
    people.grant_role(boss.id, "trainer", None, now=given.now)
    people.grant_role(boss.id, "administrator", None, now=given.now)
    people.end_role(boss.id, "administrator", None, given.now)
    viewer = accounts.viewer_of(sign_in(boss, given.now), given.now)
    assert viewer is not None
    assert viewer.office_paths("supervisor") == ("/COLLECTORATE/",)
    assert viewer.office_paths("trainer") == ("",)
    assert not viewer.may_enter("administrator")


# Ending


def test_signed_out_is_signed_out_at_once_and_only_here(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    here, there = sign_in(meera, given.now), sign_in(meera, given.now)
    accounts.sign_out(here, given.now)
    accounts.sign_out(here, given.now)
    assert accounts.viewer_of(here, given.now) is None
    assert accounts.viewer_of(there, given.now)
    assert events(meera.id).count("sign_out") == 1


def test_all_sign_ins_end_together_but_the_one_that_is_kept(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    tokens, other = [sign_in(meera, given.now) for _ in range(3)], sign_in(far, given.now)
    here = accounts.viewer_of(tokens[0], given.now)
    assert here is not None
    assert accounts.end_all_sign_ins(meera.id, given.now, keep=here.sign_in_id) == 2
    assert [accounts.viewer_of(t, given.now) is not None for t in tokens] == [True, False, False]
    assert accounts.end_all_sign_ins(meera.id, given.now) == 1
    assert accounts.viewer_of(other, given.now)


def test_nobody_ends_somebody_elses_sign_in(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    token = sign_in(far, given.now)
    viewer = accounts.viewer_of(token, given.now)
    assert viewer is not None
    with pytest.raises(accounts.NoSuchSignIn):
        accounts.end_sign_in(meera.id, viewer.sign_in_id, given.now)
    assert accounts.viewer_of(token, given.now)
    accounts.end_sign_in(far.id, viewer.sign_in_id, given.now)
    assert accounts.viewer_of(token, given.now) is None


def test_a_disabled_officer_is_out_at_once_and_comes_back_only_by_signing_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    token = sign_in(meera, given.now)
    people.disable_officer(meera.id, given.now)
    assert accounts.viewer_of(token, given.now) is None
    people.enable_officer(meera.id, given.now)
    assert accounts.viewer_of(token, given.now) is None
    assert accounts.viewer_of(sign_in(meera, given.now), given.now)


def test_a_role_given_or_taken_ends_the_sign_ins_before_it(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    before = sign_in(meera, given.now)
    people.grant_role(meera.id, "trainer", None, now=given.now)
    assert accounts.viewer_of(before, given.now) is None
    between = sign_in(meera, given.now)
    people.end_role(meera.id, "trainer", None, given.now)
    assert accounts.viewer_of(between, given.now) is None


# Passwords and links


def test_a_link_sets_the_first_password_once(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    assert one_time_links.officer_of(link, given.now) == meera.id
    assert one_time_links.email_of(link, given.now) == meera.email
    assert one_time_links.set_password(link, "mango river lamp", given.now) == meera.id
    assert sign_in(meera, given.now, "mango river lamp")
    assert one_time_links.officer_of(link, given.now) is None
    with pytest.raises(LinkNotGood):
        one_time_links.set_password(link, "another river lamp", given.now)


def test_twenty_who_use_one_link_at_once_are_one(app: Flask, given: Given) -> None:
    meera, now = given.officer("Meera", password=""), given.now
    link = one_time_links.make(meera.id, now)
    choices = [f"mango river lamp {number}" for number in range(20)]
    answers = at_once(app, [lambda c=c: one_time_links.set_password(link, c, now) for c in choices])
    assert sum(a == meera.id for a in answers) == 1
    assert sum(isinstance(a, LinkNotGood) for a in answers) == 19
    winner = choices[answers.index(meera.id)]
    assert sign_in(meera, now, winner)


def test_a_link_ends_every_sign_in_and_every_other_link(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    token = sign_in(meera, given.now)
    first, second = (one_time_links.make(meera.id, given.now) for _ in range(2))
    one_time_links.set_password(second, "mango river lamp", given.now)
    assert accounts.viewer_of(token, given.now) is None
    assert one_time_links.officer_of(first, given.now) is None


@pytest.mark.parametrize("act", ["changed", "set", "shut out", "role given", "role taken"])
def test_a_link_is_void_once_she_is_another(app: Flask, given: Given, act: str) -> None:
    """Printed and left on a desk, it would else undo what was done since."""
    meera, far = given.supervisor(name="Meera"), given.officer("Far")
    viewer = accounts.viewer_of(sign_in(meera, given.now), given.now)
    assert viewer
    link, another = one_time_links.make(meera.id, given.now), one_time_links.make(far.id, given.now)
    match act:
        case "changed":
            accounts.change_password(
                meera.id, viewer.sign_in_id, PASSWORD, "mango river lamp", OFFICE_NETWORK, given.now
            )
        case "set":
            accounts.set_password(meera.id, "mango river lamp", given.now)
        case "shut out":
            people.disable_officer(meera.id, given.now)
            people.enable_officer(meera.id, given.now)
        case "role given":
            people.grant_role(meera.id, "administrator", None, given.now)
        case "role taken":
            people.end_role(meera.id, "supervisor", given.office("Collectorate"), given.now)
    assert one_time_links.officer_of(link, given.now) is None
    with pytest.raises(LinkNotGood):
        one_time_links.set_password(link, "another river lamp", given.now)
    assert one_time_links.officer_of(another, given.now) == far.id


def test_a_link_grows_old_and_one_of_the_far_future_is_void(app: Flask, given: Given) -> None:
    meera, now = given.officer("Meera", password=""), given.now
    link = one_time_links.make(meera.id, now)
    assert one_time_links.officer_of(link, now + timedelta(hours=71)) == meera.id
    assert one_time_links.officer_of(link, now + timedelta(hours=72)) is None
    later = one_time_links.make(meera.id, now + timedelta(days=12 * 365))
    assert one_time_links.officer_of(later, now) is None


def test_a_weak_password_leaves_the_link_good(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    for weak in ("short", "password123", f"{meera.email}", "MD-0001MD-0001"):
        with pytest.raises(WeakPassword):
            one_time_links.set_password(link, weak, given.now)
    assert one_time_links.officer_of(link, given.now) == meera.id


def test_a_disabled_officer_has_no_link(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    people.disable_officer(meera.id, given.now)
    assert one_time_links.officer_of(link, given.now) is None
    with pytest.raises(LinkNotGood):
        one_time_links.set_password(link, "mango river lamp", given.now)


def test_only_a_hash_of_the_link_is_kept(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    with reading() as connection:
        assert link not in connection.execute(select(OneTimeLink.token_hash)).scalar_one()


def test_a_forgotten_password_gets_three_links_an_hour(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", password="")

    def ask(now: datetime, email: str = meera.email) -> tuple[str, str] | None:
        return one_time_links.make_for_forgotten(email, ELSEWHERE, now)

    asked = [ask(given.now) for _ in range(4)]
    assert [bool(a) for a in asked] == [True, True, True, False]
    assert asked[0] is not None
    assert asked[0][0] == meera.email
    assert one_time_links.officer_of(asked[0][1], given.now + timedelta(minutes=119)) == meera.id
    assert one_time_links.officer_of(asked[0][1], given.now + timedelta(hours=2)) is None
    assert ask(given.now + timedelta(minutes=61))
    assert ask(given.now, "nobody@model.test") is None
    assert one_time_links.make(meera.id, given.now), "an administrator can always print one"


def test_asking_for_links_at_once_does_not_get_more(app: Flask, given: Given) -> None:
    meera, now = given.officer("Meera", password=""), given.now
    answers = at_once(app, [lambda: one_time_links.make_for_forgotten(meera.email, ELSEWHERE, now)] * 10)
    assert sum(isinstance(a, tuple) for a in answers) == 3


def test_an_address_that_asks_for_links_all_the_time_must_wait(app: Flask, given: Given) -> None:
    for number in range(100):
        assert one_time_links.make_for_forgotten(f"guess{number}@model.test", ELSEWHERE, given.now) is None
    with pytest.raises(TooManyTries):
        one_time_links.make_for_forgotten("meera@model.test", ELSEWHERE, given.now)


def test_she_changes_her_password_and_stays_signed_in_here_only(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    here, there = sign_in(meera, given.now), sign_in(meera, given.now)
    viewer = accounts.viewer_of(here, given.now)
    assert viewer is not None

    def change(current: str, fresh: str) -> None:
        accounts.change_password(meera.id, viewer.sign_in_id, current, fresh, OFFICE_NETWORK, given.now)

    change(PASSWORD, "mango river lamp")
    assert accounts.viewer_of(here, given.now)
    assert accounts.viewer_of(there, given.now) is None
    assert sign_in(meera, given.now, "mango river lamp")
    with pytest.raises(WeakPassword):
        change("mango river lamp", "short")
    for _ in range(5):
        with pytest.raises(WrongPair):
            change("not the right one", "another river lamp")
    with pytest.raises(TooManyTries):
        change("mango river lamp", "another river lamp")


def test_an_account_page_shows_what_is_hers(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी"})
    ended, _open = sign_in(meera, given.now), sign_in(meera, given.now)
    accounts.sign_out(ended, given.now)
    account = accounts.account_of(meera.id, given.now)
    assert account.email == meera.email
    assert account.names == (("en", "Meera Devi"), ("hi", "मीरा देवी"))
    assert [one.device for one in account.sign_ins] == ["Firefox on a phone"]


# The access log


def test_the_access_log_tells_what_happened_and_no_secrets(app: Flask, given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    one_time_links.set_password(link, "mango river lamp", given.now)
    token = sign_in(meera, given.now, "mango river lamp")
    fails(meera, given.now)
    fails("unknown@model.test", given.now)
    accounts.note_refusal(meera.id, "/trainer", OFFICE_NETWORK, given.now)
    people.grant_role(meera.id, "trainer", None, now=given.now)
    people.disable_officer(meera.id, given.now)
    with reading() as connection:
        rows = connection.execute(select(AccessLog.event, AccessLog.detail, AccessLog.address)).all()
    told = {row.event for row in rows}
    assert {"link_made", "password_set", "sign_in", "sign_in_failed", "refused", "role_granted", "disabled"} <= told
    text = " ".join(f"{row.detail} {row.address}" for row in rows)
    for secret in (link, token, "mango", "unknown@model.test", meera.email):
        assert secret not in text


def test_nobody_forges_a_line_of_the_log(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    accounts.note_refusal(meera.id, "/x\r\n2026-11-23 sign_in admin\x1b[2J\u2028\0\ud800", "10.0.0.1\n", given.now)
    with reading() as connection:
        detail, address = connection.execute(
            select(AccessLog.detail, AccessLog.address).where(AccessLog.event == "refused")
        ).one()
    assert detail == "/x\\x0d\\x0a2026-11-23 sign_in admin\\x1b[2J\\u2028\\x00\\ud800"
    assert address == "10.0.0.1\\x0a"

"""Second factors: codes agree with another implementation, each lets in once, and what guessers and thieves meet."""

from __future__ import annotations

from base64 import b32decode
from datetime import datetime, timedelta
from itertools import count

import pyotp
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import Flask
from sqlalchemy import select, text, update

from elearn.models.database import db, reading, writing
from elearn.models.people import AccessLog, HalfSignIn, RecoveryCode, SecondFactor, SignIn
from elearn.services import accounts, people, proof, second_factor
from elearn.services.accounts import CodeNeeded, TooManyTries, WrongPair
from elearn.services.second_factor import AlreadySetUp, HalfGone, NotBegun, WrongCode
from tests.at_once import at_once
from tests.given import PASSWORD, Given, Person

HERE = "10.1.2.3"
WRONG = "not the right one"


def half(person: Person, now: datetime, address: str = HERE) -> str:
    """The password shown, the code still to come."""
    with pytest.raises(CodeNeeded) as asked:
        accounts.sign_in(person.email, PASSWORD, address, "", now)
    return asked.value.half


def finish(token: str, code: str, now: datetime, address: str = HERE) -> str:
    return second_factor.finish_sign_in(token, code, address, "Firefox on a phone", now)


def code_at(secret: str, moment: datetime) -> str:
    """What her phone shows, by an implementation that is not the one we use."""
    return TOTP(b32decode(secret), 6, SHA1(), 30).generate(int(moment.timestamp())).decode()


def other_code(secret: str, moment: datetime) -> str:
    """Six figures that are good at no moment near this one."""
    near = {code_at(secret, moment + timedelta(seconds=30 * off)) for off in range(-3, 4)}
    return next(code for n in count() if (code := f"{n:06}") not in near)


def events(officer_id: int) -> list[str]:
    with reading() as connection:
        query = select(AccessLog.event).where(AccessLog.officer_id == officer_id).order_by(AccessLog.id)
        return list(connection.execute(query).scalars())


# Codes


def test_the_test_vectors_of_the_rfc_are_met() -> None:
    """RFC 6238, appendix B, cut to six figures; and a second implementation agrees at a thousand other moments."""
    secret = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    told = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
    assert {moment: secret.at(moment) for moment in told} == told
    other = TOTP(b"12345678901234567890", 6, SHA1(), 30)
    assert all(secret.at(moment) == other.generate(moment).decode() for moment in range(0, 4 * 10**9, 4_000_037))


def test_setting_up_ends_other_sign_ins_and_asks_from_then_on(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    here, there = (accounts.sign_in(meera.email, PASSWORD, HERE, "", given.now) for _ in range(2))
    viewer = accounts.viewer_of(here, given.now)
    assert viewer
    second_factor.begin(meera.id, viewer.sign_in_id, given.now)
    setting = second_factor.setting_of(meera.id, viewer.sign_in_id, given.now)
    assert accounts.sign_in(meera.email, PASSWORD, HERE, "", given.now)  # not confirmed yet: not asked for
    with pytest.raises(WrongCode):
        second_factor.confirm(meera.id, viewer.sign_in_id, other_code(setting.secret, given.now), HERE, given.now)
    codes = second_factor.confirm(meera.id, viewer.sign_in_id, code_at(setting.secret, given.now), HERE, given.now)
    assert len(set(codes)) == 10
    assert accounts.viewer_of(here, given.now)
    assert accounts.viewer_of(there, given.now) is None
    assert second_factor.state_of(meera.id) == second_factor.State(given.now, 10)
    half(meera, given.now)
    with pytest.raises(NotBegun):
        second_factor.setting_of(meera.id, viewer.sign_in_id, given.now)
    with pytest.raises(AlreadySetUp):
        second_factor.begin(meera.id, viewer.sign_in_id, given.now)
    with pytest.raises(NotBegun):
        second_factor.confirm(meera.id, viewer.sign_in_id, code_at(setting.secret, given.now), HERE, given.now)


def test_what_waits_is_for_the_sign_in_that_began_it_alone(app: Flask, given: Given) -> None:
    """Whoever sits at another device where she is signed in neither reads her secret nor makes it count."""
    meera = given.officer("Meera")
    (_, here), (_, there) = (signed_in(meera, given.now) for _ in range(2))
    second_factor.begin(meera.id, here, given.now)
    secret = second_factor.setting_of(meera.id, here, given.now).secret
    for act in (
        lambda: second_factor.setting_of(meera.id, there, given.now),
        lambda: second_factor.confirm(meera.id, there, code_at(secret, given.now), HERE, given.now),
    ):
        with pytest.raises(NotBegun):
            act()
    second_factor.confirm(meera.id, here, code_at(secret, given.now), HERE, given.now)
    later = given.later(minutes=1)
    assert finish(half(meera, later), code_at(secret, later), later)  # hers from then on, wherever she signs in


def test_what_waits_waits_ten_minutes(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    second_factor.begin(meera.id, 1, given.now)
    secret = second_factor.setting_of(meera.id, 1, given.now + timedelta(minutes=9)).secret
    for moment in (given.now - timedelta(hours=1), given.later(minutes=10)):
        with pytest.raises(NotBegun):
            second_factor.setting_of(meera.id, 1, moment)
        with pytest.raises(NotBegun):
            second_factor.confirm(meera.id, 1, code_at(secret, moment), HERE, moment)
    second_factor.begin(meera.id, 1, given.now)
    assert second_factor.setting_of(meera.id, 1, given.now).secret != secret


def test_the_address_in_the_picture_says_whose_it_is(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    second_factor.begin(meera.id, 1, given.now)
    setting = second_factor.setting_of(meera.id, 1, given.now)
    parsed = pyotp.parse_uri(setting.address)
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.secret, parsed.name, parsed.issuer) == (
        setting.secret,
        meera.email,
        "Model District Administration",
    )
    assert (parsed.interval, parsed.digits, len(b32decode(setting.secret))) == (30, 6, 20)


def test_password_then_code_signs_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    later = given.later(minutes=1)
    waiting = half(meera, later)
    assert accounts.viewer_of(waiting, later) is None
    token = finish(waiting, code_at(secret, later), later)
    assert token != waiting
    viewer = accounts.viewer_of(token, later)
    assert viewer
    assert viewer.officer_id == meera.id
    assert events(meera.id)[-2:] == ["code_asked", "sign_in"]
    with pytest.raises(HalfGone):
        finish(waiting, code_at(secret, given.later(minutes=1)), given.now)


@pytest.mark.parametrize(("seconds", "lets_in"), [(-90, False), (-30, True), (0, True), (30, True), (90, False)])
def test_one_step_before_and_after_is_taken(sqlite_app: Flask, given: Given, seconds: int, lets_in: bool) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    later = given.later(hours=1)
    code = code_at(secret, later + timedelta(seconds=seconds))
    if lets_in:
        assert finish(half(meera, later), code, later)
    else:
        with pytest.raises(WrongCode):
            finish(half(meera, later), code, later)


@pytest.mark.parametrize("typed", ["{0}{1}", " {0} {1} ", "{0}-{1}", "{0}\u00a0{1}"])
def test_a_code_may_be_typed_in_groups(sqlite_app: Flask, given: Given, typed: str) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    code = code_at(secret, given.later(minutes=2))
    assert finish(half(meera, given.now), typed.format(code[:3], code[3:]), given.now)


def test_a_code_may_be_typed_in_the_figures_of_another_script(sqlite_app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    code = code_at(secret, given.later(minutes=2))
    assert finish(half(meera, given.now), "".join("०१२३४५६७८९"[int(figure)] for figure in code), given.now)


@pytest.mark.parametrize("code", ["", "0", "\0" * 6, "\ud800" * 16, "ﷺ" * 60, "x" * 100_000, "12345६", "-" * 16])
def test_what_is_no_code_is_a_wrong_one_and_nothing_worse(app: Flask, given: Given, code: str) -> None:
    meera = given.officer("Meera")
    given.second_factor(meera)
    with pytest.raises(WrongCode):
        finish(half(meera, given.now), code, given.now)


# Replay and races


def test_a_code_is_good_once(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    later = given.later(minutes=1)
    code = code_at(secret, later)
    assert finish(half(meera, later), code, later)
    with pytest.raises(WrongCode):
        finish(half(meera, later), code, later)
    with pytest.raises(WrongCode):  # nor the one before it, which would still be within its time
        finish(half(meera, later), code_at(secret, later - timedelta(seconds=30)), later)


def test_the_code_that_set_it_up_signs_nobody_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    with pytest.raises(WrongCode):
        finish(half(meera, given.now), code_at(secret, given.now), given.now)


def test_of_ten_at_once_with_one_code_one_is_let_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    later = given.later(minutes=1)
    code = code_at(secret, later)
    waiting = [half(meera, later) for _ in range(10)]
    answers = at_once(app, [lambda token=token: finish(token, code, later) for token in waiting])
    assert sorted(type(one) is str for one in answers) == [False] * 9 + [True]
    assert {type(one) for one in answers} <= {str, WrongCode, TooManyTries}


def test_of_ten_at_once_with_one_half_one_is_let_in(app: Flask, given: Given) -> None:
    """With ten recovery codes that are all good."""
    meera = given.officer("Meera")
    _, codes = given.second_factor(meera)
    waiting = half(meera, given.now)
    answers = at_once(app, [lambda code=code: finish(waiting, code, given.now) for code in codes])
    assert sum(type(one) is str for one in answers) == 1
    assert {type(one) for one in answers} <= {str, HalfGone}


def test_of_ten_at_once_with_one_recovery_code_one_is_let_in(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    _, codes = given.second_factor(meera)
    waiting = [half(meera, given.now) for _ in range(10)]
    answers = at_once(app, [lambda token=token: finish(token, codes[0], given.now) for token in waiting])
    assert sum(type(one) is str for one in answers) == 1
    assert second_factor.state_of(meera.id).codes_left == 9


def test_no_sign_in_slips_past_a_second_factor_that_is_just_set_up(app: Flask, given: Given) -> None:
    """Whoever signs in with the password alone while it is confirmed is either asked for a code or put out."""
    meera = given.officer("Meera")
    second_factor.begin(meera.id, 0, given.now)
    code = code_at(second_factor.setting_of(meera.id, 0, given.now).secret, given.now)

    def sign_in() -> str:
        return accounts.sign_in(meera.email, PASSWORD, HERE, "", given.now)

    acts = [sign_in] * 6
    answers = at_once(app, [*acts, lambda: second_factor.confirm(meera.id, 0, code, HERE, given.now)])
    tokens = [one for one in answers[:-1] if isinstance(one, str)]
    assert len(tokens) + sum(isinstance(one, CodeNeeded) for one in answers) == 6
    assert [token for token in tokens if accounts.viewer_of(token, given.now)] == []


# Clocks


def test_a_clock_set_back_makes_no_used_code_good_again(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, codes = given.second_factor(meera)
    seen = given.later(hours=1)
    assert finish(half(meera, seen), code_at(secret, seen), seen)
    for back in (timedelta(seconds=40), timedelta(minutes=30), timedelta(hours=1)):
        moment = seen - back
        with pytest.raises(WrongCode):
            finish(half(meera, moment, "10.9.9.9"), code_at(secret, moment), moment)
    assert finish(half(meera, seen), codes[3], seen)  # who is kept out by a wrong clock has these


def test_a_half_sign_in_made_in_the_far_future_is_worth_nothing(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    future = given.now + timedelta(days=4000)
    waiting = half(meera, future)
    now = given.later(minutes=1)
    with pytest.raises(HalfGone):
        finish(waiting, code_at(secret, now), now)


def test_a_half_sign_in_lasts_ten_minutes(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    waiting = half(meera, given.now)
    later = given.later(minutes=10)
    assert not second_factor.is_half_signed_in(waiting, later)
    with pytest.raises(HalfGone):
        finish(waiting, code_at(secret, later), later)
    half(meera, later)
    with reading() as connection:
        assert len(connection.execute(select(HalfSignIn.token_hash)).all()) == 1  # the old one is swept away


# Guessing


def test_guesses_meet_a_growing_delay_from_wherever_they_come(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    given.later(minutes=1)
    for number in range(5):
        address = f"192.0.2.{number}"
        with pytest.raises(WrongCode):
            finish(half(meera, given.now, address), other_code(secret, given.now), given.now, address)
    waits = []
    for number in range(6):
        with pytest.raises(TooManyTries) as delayed:
            finish(half(meera, given.now, "198.51.100.7"), code_at(secret, given.now), given.now, f"203.0.113.{number}")
        waits.append(delayed.value.retry_after)
        given.later(seconds=delayed.value.retry_after)
        with pytest.raises(WrongCode):
            finish(half(meera, given.now), other_code(secret, given.now), given.now)
    assert waits == [30, 60, 120, 240, 480, 960]
    given.later(hours=1)
    assert finish(half(meera, given.now), code_at(secret, given.now), given.now)
    assert "code_failed" in events(meera.id)


def test_the_right_password_again_and_again_wins_no_more_guesses(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    for _ in range(5):
        with pytest.raises(WrongCode):
            finish(half(meera, given.now), other_code(secret, given.now), given.now)
    with pytest.raises(TooManyTries):
        finish(half(meera, given.now), code_at(secret, given.now), given.now)


def test_her_own_sign_in_gives_a_guesser_half_of_his_tries_back(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    moment = given.later(minutes=1)
    for _ in range(4):
        with pytest.raises(WrongCode):
            finish(half(meera, moment), other_code(secret, moment), moment)
    assert finish(half(meera, moment), code_at(secret, moment), moment)
    for _ in range(3):  # two are remembered of the four
        with pytest.raises(WrongCode):
            finish(half(meera, moment), other_code(secret, moment), moment)
    with pytest.raises(TooManyTries):
        finish(half(meera, moment), other_code(secret, moment), moment)


def test_who_fails_on_purpose_keeps_no_recovery_code_out(app: Flask, given: Given) -> None:
    """He has the password; neither wrong codes nor wrong recovery codes of his, from elsewhere, stand in her way."""
    meera = given.officer("Meera")
    secret, codes = given.second_factor(meera)
    for wrong in (other_code(secret, given.now), "AAAA-BBBB-CCCC-DDDD"):
        for _ in range(5):
            with pytest.raises(WrongCode):
                finish(half(meera, given.now, "192.0.2.1"), wrong, given.now, "192.0.2.1")
        with pytest.raises(TooManyTries):
            finish(half(meera, given.now, "192.0.2.1"), wrong, given.now, "192.0.2.1")
    assert finish(half(meera, given.now), codes[0].lower(), given.now)
    with pytest.raises(TooManyTries):  # and his are still slowed down
        finish(half(meera, given.now, "192.0.2.1"), codes[1], given.now, "192.0.2.1")


def test_of_many_guesses_at_once_no_more_are_looked_at_than_one_after_the_other(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    wrong = other_code(secret, given.now)
    waiting = half(meera, given.now)
    answers = at_once(app, [lambda: finish(waiting, wrong, given.now)] * 16)
    assert sorted(type(one).__name__ for one in answers) == ["TooManyTries"] * 11 + ["WrongCode"] * 5


def test_the_other_door_asks_for_the_code_too(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    later = given.later(minutes=1)
    with pytest.raises(CodeNeeded) as asked:
        accounts.sign_in_vouched(meera.id, "single sign-on", HERE, "", later)
    assert accounts.viewer_of(asked.value.half, later) is None
    assert accounts.viewer_of(finish(asked.value.half, code_at(secret, later), later), later)


def test_without_the_password_no_code_is_asked_for(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.second_factor(meera)
    with pytest.raises(WrongPair):
        accounts.sign_in(meera.email, WRONG, HERE, "", given.now)
    for guessed in ("", "guessed", "\ud800"):
        with pytest.raises(HalfGone):
            finish(guessed, "000000", given.now)


# Recovery codes


def test_each_recovery_code_lets_in_once(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    _, codes = given.second_factor(meera)
    for code in (codes[0], codes[9].lower(), codes[4].replace("-", " ")):
        assert finish(half(meera, given.now), code, given.now)
        with pytest.raises(WrongCode):
            finish(half(meera, given.now), code, given.now)
    assert second_factor.state_of(meera.id).codes_left == 7
    assert events(meera.id).count("recovery_code_used") == 3


def test_recovery_codes_are_kept_as_hashes_and_are_hers_alone(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    _, codes = given.second_factor(meera)
    given.second_factor(far)
    with reading() as connection:
        rows = connection.execute(select(RecoveryCode.label, RecoveryCode.hash)).all()
    assert len(rows) == 20
    assert all(row.hash.startswith("$argon2id$") for row in rows)
    with pytest.raises(WrongCode):
        finish(half(far, given.now), codes[0], given.now)


def test_fresh_recovery_codes_make_the_old_ones_void(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    _, old = given.second_factor(meera)
    fresh = second_factor.fresh_recovery_codes(meera.id, HERE, given.now)
    with pytest.raises(WrongCode):
        finish(half(meera, given.now), old[0], given.now)
    assert finish(half(meera, given.now), fresh[0], given.now)
    with pytest.raises(NotBegun):
        second_factor.fresh_recovery_codes(given.officer("Far").id, HERE, given.now)


# What the database tells


def test_the_secret_is_sealed_for_its_owner(app: Flask, given: Given) -> None:
    """Neither a copy of the table nor somebody else's row put in her place makes codes."""
    meera, far = given.officer("Meera"), given.officer("Far")
    secret, codes = given.second_factor(meera)
    far_secret, _ = given.second_factor(far)
    with reading() as connection:
        rows = dict(connection.execute(select(SecondFactor.officer_id, SecondFactor.sealed)).all())
    assert b32decode(secret) not in rows[meera.id]
    with writing() as connection:
        mine = SecondFactor.officer_id == meera.id
        connection.execute(update(SecondFactor).where(mine).values(sealed=rows[far.id]))
    later = given.later(minutes=1)
    with pytest.raises(WrongCode):
        finish(half(meera, later), code_at(far_secret, later), later)
    assert finish(half(meera, later), codes[0], later)


def test_after_a_changed_secret_key_recovery_codes_still_let_in(
    app: Flask, given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    meera = given.officer("Meera")
    secret, codes = given.second_factor(meera)
    config = app.config["ELEARN"]
    app.config["ELEARN"] = type(config)(**{**vars(config), "secret_key": "another secret, as long as it must be"})
    later = given.later(minutes=1)
    with pytest.raises(WrongCode):
        finish(half(meera, later), code_at(secret, later), later)
    assert "ELEARN_SECRET_KEY" in caplog.text
    assert finish(half(meera, later), codes[0], later)


def test_the_database_keeps_its_promise(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    second_factor.begin(meera.id, 0, given.now)
    with pytest.raises(Exception, match="confirmed"), writing() as connection:
        connection.execute(update(SecondFactor).values(confirmed_at=given.now))
    if db.engine.dialect.name == "sqlite":
        with reading() as connection:
            plan = connection.execute(
                text("EXPLAIN QUERY PLAN SELECT officer_id FROM officer_name WHERE name >= 'Me' AND name < 'Mf'")
            ).all()
        assert "ix_officer_name_name" in str(plan)


# Turned off, reset, shut out


def test_turned_off_by_its_owner_other_sign_ins_end(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, codes = given.second_factor(meera)
    here, there = (finish(half(meera, given.now), code, given.now) for code in codes[:2])
    waiting = half(meera, given.now)
    viewer = accounts.viewer_of(here, given.now)
    assert viewer
    second_factor.turn_off(meera.id, viewer.sign_in_id, HERE, given.now)
    assert accounts.viewer_of(here, given.now)
    assert accounts.viewer_of(there, given.now) is None
    with pytest.raises(HalfGone):
        finish(waiting, code_at(secret, given.now), given.now)
    assert accounts.sign_in(meera.email, PASSWORD, HERE, "", given.now)
    assert second_factor.state_of(meera.id) == second_factor.State()
    second_factor.turn_off(meera.id, viewer.sign_in_id, HERE, given.now)
    assert events(meera.id).count("factor_off") == 1


def test_reset_by_an_administrator_ends_all_sign_ins_and_is_told(app: Flask, given: Given) -> None:
    admin, meera = given.administrator(), given.officer("Meera")
    _, codes = given.second_factor(meera)
    token = finish(half(meera, given.now), codes[0], given.now)
    assert second_factor.reset(meera.id, given.now, by=admin.id)
    assert accounts.viewer_of(token, given.now) is None
    assert accounts.sign_in(meera.email, PASSWORD, HERE, "", given.now)
    assert not second_factor.reset(meera.id, given.now, by=admin.id)
    with reading() as connection:
        query = select(AccessLog.officer_id, AccessLog.about_id).where(AccessLog.event == "factor_reset")
        assert [tuple(row) for row in connection.execute(query)] == [(admin.id, meera.id)]


def mid_way(given: Given, meera: Person, act: str) -> None:
    match act:
        case "disabled":
            people.disable_officer(meera.id, given.now)
        case "role granted":
            people.grant_role(meera.id, "trainer", None, given.now)
        case "new password":
            accounts.set_password(meera.id, "mango river lamp", given.now)
        case "all sign-ins ended":
            accounts.end_all_sign_ins(meera.id, given.now)


@pytest.mark.parametrize("act", ["disabled", "role granted", "new password", "all sign-ins ended"])
def test_what_happens_between_password_and_code_begins_it_anew(app: Flask, given: Given, act: str) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    later = given.later(minutes=1)
    waiting = half(meera, later)
    mid_way(given, meera, act)
    with pytest.raises(HalfGone):
        finish(waiting, code_at(secret, later), later)
    with reading() as connection:
        assert connection.execute(select(SignIn.id).where(SignIn.ended_at.is_(None))).all() == []


def test_an_administrators_sign_in_by_code_is_as_short_as_any_of_hers(app: Flask, given: Given) -> None:
    admin = given.administrator()
    _, codes = given.second_factor(admin)
    token = finish(half(admin, given.now), codes[0], given.now)
    assert accounts.viewer_of(token, given.now + timedelta(minutes=14))
    assert accounts.viewer_of(token, given.now + timedelta(minutes=40)) is None


# Proof before dangerous acts


def signed_in(person: Person, now: datetime) -> tuple[str, int]:
    token = accounts.sign_in(person.email, PASSWORD, HERE, "", now)
    viewer = accounts.viewer_of(token, now)
    assert viewer
    return token, viewer.sign_in_id


def test_a_sign_in_is_proved_for_ten_minutes_and_then_again(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    _, here = signed_in(meera, given.now)
    assert proof.is_fresh(here, given.now + timedelta(minutes=9))
    later = given.later(minutes=10)
    assert not proof.is_fresh(here, later)
    with pytest.raises(proof.NotProved):
        proof.prove(meera.id, here, WRONG, "", HERE, later)
    assert not proof.is_fresh(here, later)
    proof.prove(meera.id, here, PASSWORD, "", HERE, later)
    assert proof.is_fresh(here, later)
    assert not proof.is_fresh(here, later - timedelta(hours=1))  # the clock set back
    assert events(meera.id)[-2:] == ["sign_in_failed", "proved"]


def test_proof_takes_the_code_too_and_uses_it_up(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    secret, codes = given.second_factor(meera)
    token = finish(half(meera, given.now), codes[0], given.now)
    viewer = accounts.viewer_of(token, given.now)
    assert viewer
    here, later = viewer.sign_in_id, given.later(minutes=11)
    for code in ("", other_code(secret, later)):
        with pytest.raises(proof.NotProved):
            proof.prove(meera.id, here, PASSWORD, code, HERE, later)
    with pytest.raises(proof.NotProved):
        proof.prove(meera.id, here, WRONG, code_at(secret, later), HERE, later)
    proof.prove(meera.id, here, PASSWORD, code_at(secret, later), HERE, later)
    with pytest.raises(proof.NotProved):
        proof.prove(meera.id, here, PASSWORD, code_at(secret, later), HERE, later)


def test_a_thief_of_a_sign_in_guesses_no_more_freely_than_at_the_door(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    _, here = signed_in(meera, given.now)
    later = given.later(minutes=11)
    for _ in range(5):
        with pytest.raises(proof.NotProved):
            proof.prove(meera.id, here, WRONG, "", HERE, later)
    with pytest.raises(TooManyTries):
        proof.prove(meera.id, here, PASSWORD, "", HERE, later)


def test_nobody_proves_for_somebody_elses_sign_in_or_an_ended_one(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far")
    token, hers = signed_in(far, given.now)
    later = given.later(minutes=11)
    with pytest.raises(proof.NotProved):
        proof.prove(meera.id, hers, PASSWORD, "", HERE, later)
    assert not proof.is_fresh(hers, later)
    accounts.sign_out(token, later)
    with pytest.raises(proof.NotProved):
        proof.prove(far.id, hers, PASSWORD, "", HERE, later)
    assert not proof.is_fresh(hers, later)
    assert "proved" not in events(far.id) + events(meera.id)

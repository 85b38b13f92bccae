"""A whole office signs in at once; and a sign-in that was ended is ended everywhere.

What may be lost: nothing. Everybody is let in, in her turn.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import perf_counter

from elearn.models.people import SignIn
from elearn.services import people
from tests import records
from tests.faults.house import MEGABYTE, House, at_once, held_by, report
from tests.faults.officers import signed_in, token_on
from tests.given import PASSWORD
from tests.server import Browser

OFFICE_AT_ONE_ADDRESS = 200
MOST_MEMORY = 1024 * MEGABYTE


def test_an_office_of_two_hundred_signs_in_from_one_address(house: House) -> None:
    """May be lost: nothing. All are let in, and the server with all its processes keeps below a gigabyte."""
    browsers = [house.server.browser() for _ in range(OFFICE_AT_ONE_ADDRESS)]
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda one: token_on(one.get("/sign-in")), browsers))
    crowd = house.crowd(OFFICE_AT_ONE_ADDRESS)
    forms = [
        {"email": person.email, "password": PASSWORD, "csrf_token": token}
        for person, token in zip(crowd, tokens, strict=True)
    ]
    before, begun = held_by(house.server), perf_counter()
    answers = at_once([lambda b=b, f=f: b.post("/sign-in", f) for b, f in zip(browsers, forms, strict=True)])
    took, after = perf_counter() - begun, held_by(house.server)
    assert {(answer.status, answer.location) for answer in answers} == {(302, "/")}
    assert {records.count(SignIn, officer_id=one.id) for one in crowd} == {1}
    # Within a minute on two cores; counted as the processor's time, since a test machine has other work too.
    assert after.seconds - before.seconds < 2 * 60
    assert after.most_memory < MOST_MEMORY
    used = after.seconds - before.seconds
    report(f"{len(answers)} sign-ins: {took:.1f} s, {used:.1f} s of CPU, {after.most_memory // MEGABYTE} MB at most")


def test_signing_out_ends_a_copied_cookie_too(house: House) -> None:
    (meera,) = signed_in(house, 1)
    copied = Browser(house.server.url, dict(meera.browser.cookies))
    assert copied.get("/account").status == 200
    assert meera.browser.post("/sign-out", {"csrf_token": meera.token}).status == 302
    answer = copied.get("/account")
    assert (answer.status, answer.location) == (302, "/sign-in?next=/account")


def test_disabling_an_officer_ends_her_sign_in_at_once(house: House) -> None:
    """In every process of the server."""
    (meera,) = signed_in(house, 1)
    assert meera.browser.get("/account").status == 200
    people.disable_officer(meera.person.id, datetime.now(UTC))
    assert {meera.browser.get("/account").status for _ in range(8)} == {302}
    form = {"email": meera.person.email, "password": PASSWORD, "csrf_token": token_on(meera.browser.get("/sign-in"))}
    assert meera.browser.post("/sign-in", form).status == 200

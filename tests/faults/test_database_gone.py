"""PostgreSQL is stopped as hard as by a power cut, one of its processes is killed, its connections are ended: under
load. And what visitors are told while it is away.

What may be lost: an act that was answered by 503, or whose answer never came. Nothing that was acknowledged.

DATABASE_ROUNDS says how often each of it is done; 1 without it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from html import escape
from uuid import uuid4

import pytest

from tests.faults.house import House, report, wait_until
from tests.faults.officers import JSON, Officer, judge, signed_in, token_on, working
from tests.given import COURSE, PASSWORD
from tests.server import Answer

pytestmark = pytest.mark.postgres

WRITERS = 30
BACK_WITHIN = 30
"""Seconds in which the system must serve again by itself, once its database does."""

DATABASE_ROUNDS = int(os.environ.get("DATABASE_ROUNDS", "1"))


def stopped_and_started(house: House, probe: Officer) -> None:
    """A power cut: nothing is written any more, and what was written is recovered."""
    assert house.cluster
    house.cluster.stop("immediate")
    assert told_to_come_again(probe) == []
    house.cluster.start()


def one_backend_killed(house: House, _probe: Officer) -> None:
    """PostgreSQL then ends all its other processes too, and recovers."""
    wait_until(lambda: bool(house.backends()), 30, "nobody is served")
    os.kill(house.backends()[0], signal.SIGKILL)


def all_connections_ended(house: House, _probe: Officer) -> None:
    """As by an administrator, a fail-over or a restarted pooler."""
    wait_until(lambda: house.end_backends() > 0, 30, "nobody is served")


@pytest.mark.parametrize("blow", [stopped_and_started, one_backend_killed, all_connections_ended])
def test_it_serves_again_by_itself_and_has_lost_nothing(
    house_on_a_cluster: House, blow: Callable[[House, Officer], None]
) -> None:
    """May be lost: the acts that were answered by 503. Sent again, they are kept once. Nobody sees a 500 or a trace,
    and no connection of a visitor is dropped."""
    house = house_on_a_cluster
    *officers, probe = signed_in(house, WRITERS + 1)
    longest = 0.0
    for _ in range(DATABASE_ROUNDS):
        with working(house, officers) as current:
            current.wait_for(300, acknowledged=60)
            blow(house, probe)
            longest = max(longest, current.wait_for(BACK_WITHIN, acknowledged=2 * WRITERS))
        for officer in officers:
            officer.send_the_doubtful_again()
        verdict = judge(house, officers)
        assert verdict.is_clean, verdict
    assert "Traceback" not in house.server.log
    total = sum(officer.acknowledged for officer in officers)
    report(
        f"{blow.__name__}, {DATABASE_ROUNDS} times: {total} writes acknowledged, lost 0, doubled 0; "
        f"{2 * WRITERS} more acknowledged within {longest:.1f} s"
    )


def test_while_it_is_away_everybody_is_told_to_come_again(house_on_a_cluster: House) -> None:
    """May be lost: nothing; what was typed is on the page that says so."""
    house = house_on_a_cluster
    assert house.cluster
    (meera,) = signed_in(house, 1)
    house.cluster.stop("immediate")
    assert told_to_come_again(meera) == []
    health = house.server.browser()
    assert health.get("/health/live").status == 200
    # One look stands for two seconds, so that many who ask cost little.
    wait_until(lambda: health.get("/health/ready").status == 503, BACK_WITHIN, "still ready without its database")
    house.cluster.start()
    wait_until(lambda: health.get("/health/ready").status == 200, BACK_WITHIN, "not ready again")
    assert meera.browser.get("/account").status == 200
    assert "Traceback" not in house.server.log


def told_to_come_again(meera: Officer) -> list[str]:
    """What somebody is told by every kind of page and form while nothing can be looked up: every answer that is not
    503 with the time to come again, or that has lost what was typed."""
    lesson, act = f"/courses/{COURSE}/plain-words/four-kinds", uuid4().hex
    typed = 'Four of "them" & <more>'
    shown = [
        (path, meera.browser.get(path), [])
        for path in ("/", "/account", lesson, f"/courses/{COURSE}", f"/courses/{COURSE}/quizzes/plain-words")
    ]
    sent = [
        (path, meera.browser.post(path, {**fields, "csrf_token": meera.token}), list(fields.values()))
        for path, fields in (
            (f"{lesson}/checks/any", {"any": "one", "act_id": act}),
            (f"{lesson}/done", {}),
            (f"/courses/{COURSE}/report", {"about": "", "text": typed}),
            ("/attempts/0123456789abcdef", {"first": "0123", "second": "42"}),
        )
    ]
    by_script = meera.browser.post("/attempts/0123456789abcdef/answers", {"csrf_token": meera.token}, **JSON)
    stranger = type(meera.browser)(meera.browser.url)
    page = stranger.get("/sign-in")
    fields = {"email": meera.person.email, "password": PASSWORD, "csrf_token": token_on(page)}
    at_the_door = stranger.post("/sign-in", fields)
    found = [
        line
        for path, answer, fields in [*shown, *sent, ("by script", by_script, []), ("/sign-in", at_the_door, [])]
        for line in _not_told(path, answer, fields)
    ]
    if meera.browser.get("/nowhere").status != 404:
        found.append("a page that is not there is something else while the database is away")
    if PASSWORD in at_the_door.text:
        found.append("a password on the page that says: come again")
    if by_script.headers.get_content_type() != "application/json":
        found.append("a script is told in HTML")
    return found


def _not_told(path: str, answer: Answer, typed: list[str]) -> list[str]:
    found = []
    if answer.status != 503:
        found.append(f"{path}: {answer.status}")
    if not answer.headers.get("Retry-After", "").isdigit():
        found.append(f"{path}: not told when to come again")
    if "Traceback" in answer.text:
        found.append(f"{path}: a trace")
    kept = answer.text.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
    found += [f"{path}: lost {value!r}" for value in typed if value and escape(value) not in kept]
    return found

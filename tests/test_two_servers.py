"""Two servers on one database behind nginx are one: whoever is in is in everywhere, an act counts once wherever it
arrives, and when one of them dies the other goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from threading import Barrier

import pytest

from config import from_environment
from elearn import create_app
from elearn.models.database import db
from elearn.models.learning import Answer, Attempt, LessonRecord
from elearn.services import library, throttle
from tests import nginx, records
from tests.given import COURSE, Given
from tests.learner import Learner
from tests.records import broken_at
from tests.server import Browser, Server, served_from, serving

pytestmark = [pytest.mark.postgres, pytest.mark.nginx]

AT_ONCE = 20


@dataclass
class House:
    """Two servers, the address of the nginx before them, and the same database from inside."""

    one: Server
    other: Server
    front: str
    given: Given

    @property
    def servers(self) -> tuple[Server, Server]:
        return self.one, self.other

    def learner(self, through: str = "") -> Learner:
        return Learner(self.given.officer("Meera"), Browser(through or self.front))

    def signed_in(self, through: str = "") -> Learner:
        learner = self.learner(through)
        assert learner.sign_in().status == 302
        return learner


@pytest.fixture
def house(sqlite_template: Path, postgres_url: str, tmp_path: Path, now: datetime) -> Iterator[House]:
    servers = []
    for name in ("one", "other"):
        folder = tmp_path / name
        shutil.copytree(sqlite_template, folder)  # the same keys; they share nothing but the database
        server = served_from(folder, postgres_url)
        server.settings = {**server.settings, "ELEARN_TRUSTED_PROXIES": "1"}
        servers.append(server)
    app = create_app(from_environment(servers[0].settings))
    one, other = servers
    with app.app_context(), serving(one), serving(other), nginx.before([one.port, other.port]) as front:
        yield House(one, other, front, Given(app, now))
        db.engine.dispose()


def at_once(learner: Learner, path: str, fields: dict[str, str], urls: list[str]) -> list[tuple[int, str]]:
    """Sends a form at the same moment from copies of her browser, to each of the addresses."""
    together = Barrier(len(urls))
    form = {**fields, "csrf_token": learner.token}

    def send(url: str) -> tuple[int, str]:
        browser = Browser(url, dict(learner.browser.cookies))
        together.wait()
        answer = browser.post(path, form)
        return answer.status, answer.location

    with ThreadPoolExecutor(len(urls)) as pool:
        return list(pool.map(send, urls))


def test_two_servers_are_one(house: House) -> None:
    """One house for the whole story: its start is dearer than all of it."""
    a_sign_in_made_through_one_opens_the_other(house)
    a_sign_out_ends_it_on_both_at_once(house)
    everything_works_whichever_server_is_met(house)
    twenty_submissions_of_one_attempt_through_both_are_one_result(house)
    failures_at_one_delay_at_the_other(house)
    when_one_is_killed_the_other_goes_on(house)
    for server in house.servers:
        assert "Traceback" not in server.log


def a_sign_in_made_through_one_opens_the_other(house: House) -> None:
    meera = house.signed_in(house.one.url)
    assert meera.is_in(house.other.url)
    assert meera.is_in(house.front)
    meera.browser.url = house.other.url  # the CSRF token of one holds at the other
    assert meera.take_lesson(library.course(COURSE).lessons()[0])[-1].status == 303


def a_sign_out_ends_it_on_both_at_once(house: House) -> None:
    meera = house.signed_in(house.one.url)
    copied = Learner(meera.person, Browser(house.other.url, dict(meera.browser.cookies)))
    assert copied.is_in()
    assert meera.sign_out().status == 302
    assert not copied.is_in()
    assert not copied.is_in(house.one.url)
    assert not copied.is_in(house.front)


def everything_works_whichever_server_is_met(house: House) -> None:
    meera = house.signed_in()
    for lesson in library.course(COURSE).lessons()[:2]:
        assert {answer.status for answer in meera.take_lesson(lesson)} == {303}
    assert meera.take_quiz(library.course(COURSE).modules[0].id).status == 303
    who = meera.person.id
    assert records.count(LessonRecord, officer_id=who) == 2
    assert broken_at(records.chain(who)) is None
    assert records.chain(who)[-1].hash == records.head(who)


def twenty_submissions_of_one_attempt_through_both_are_one_result(house: House) -> None:
    meera = house.signed_in()
    urls = [server.url for _, server in zip(range(AT_ONCE), cycle(house.servers), strict=False)]
    quiz = f"/courses/{COURSE}/quizzes/{library.course(COURSE).modules[0].id}"
    started = at_once(meera, quiz, {}, urls)
    assert len(set(started)) == 1
    address, fields = meera.start_quiz(library.course(COURSE).modules[0].id)
    assert started[0] == (303, address)
    assert at_once(meera, address, dict(fields), urls) == [(303, address)] * AT_ONCE  # type: ignore[arg-type]
    who = meera.person.id
    (attempt,) = records.rows(Attempt, officer_id=who)
    assert records.count(Answer, attempt_id=attempt.id) == attempt.possible
    assert records.kinds(who).count("attempt_submitted") == 1
    assert broken_at(records.chain(who)) is None


def failures_at_one_delay_at_the_other(house: House) -> None:
    meera = house.learner(house.one.url)
    for _ in range(throttle.PAIR.free):
        assert meera.sign_in("not this one").status == 200
    other = Learner(meera.person, Browser(house.other.url))
    assert other.sign_in().status == 429
    assert Learner(meera.person, Browser(house.front)).sign_in().status == 429


def when_one_is_killed_the_other_goes_on(house: House) -> None:
    meera = house.signed_in()
    lessons = library.course(COURSE).lessons()
    house.one.kill()
    for _ in range(4):  # nginx takes turns
        assert meera.is_in()
    assert meera.take_lesson(lessons[0])[-1].status == 303
    house.one.start()
    house.other.kill()
    for _ in range(4):
        assert meera.is_in()
    assert meera.take_lesson(lessons[1])[-1].status == 303
    assert records.count(LessonRecord, officer_id=meera.person.id) == 2

"""What a lesson page, a lesson done and an answer saved cost, as multiples of a bare Flask "hello".

Both sides go through Flask's test client, in rounds that take turns, so that a noisy machine disturbs both alike.
CPU time of this process; the median of the rounds.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event

from config import Config
from elearn import create_app
from elearn.models.database import db
from elearn.services import demo, learning, library, quizzes
from tests.given import COURSE, right_answer
from tests.pages import Visitor

ROUNDS = 15
OFFICER = "officer@demo.test"
PASSWORD = "ai-for-governance"


def hello() -> Flask:
    app = Flask("bare")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


@contextmanager
def demo_app() -> Iterator[Flask]:
    """The application as `make run` serves it, on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(
            secret_key="only-for-measuring-" + "0123456789abcdef" * 2,
            data_dir=Path(folder),
            database_url=f"sqlite:///{folder}/bench.sqlite3",
            signing_keys=Path(folder) / "keys.json",
            content_dir=Path("content").resolve(),
        )
        app = create_app(config)
        with app.app_context():
            upgrade()
            demo.seed(datetime.now(UTC))
        yield app
        with app.app_context():
            db.engine.dispose()


def cost(act: Callable[[], object], times: int) -> float:
    """Seconds of CPU for one call."""
    start = process_time()
    for _ in range(times):
        act()
    return (process_time() - start) / times


def in_turns(acts: dict[str, Callable[[], object]], times: int = 40) -> dict[str, float]:
    for act in acts.values():
        cost(act, 5)  # caches filled, statements compiled
    rounds = [{name: cost(act, times) for name, act in acts.items()} for _ in range(ROUNDS)]
    return {name: median(one[name] for one in rounds) for name in acts}


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def main() -> None:
    bare = hello().test_client()
    with demo_app() as app:
        visitor = Visitor(app)
        visitor.sign_in(OFFICER, PASSWORD)
        client = visitor.client
        with app.app_context():
            course = library.course(COURSE)
        lesson = course.lessons()[0]
        address = f"/courses/{COURSE}/{lesson.path}"
        page = client.get(address)
        token = csrf(page.get_data(as_text=True))
        with statements(app) as seen:
            client.get(address)
        print(f"lesson page: {len(page.data):,} bytes, {len(seen)} SQL statements (budget 3)")

        with app.app_context():
            officer_id = demo_officer(app)
            for each in course.lessons():
                for check in each.checks:
                    learning.answer_check(officer_id, course, each, check, right_answer(check), datetime.now(UTC))
            attempt = quizzes.start_attempt(officer_id, course, course.quizzes[0], datetime.now(UTC))
            view = quizzes.attempt_view(officer_id, attempt, datetime.now(UTC))
        question = next(q for q in view.questions if hasattr(q, "options"))
        value = question.offered(view.seed)[0][0]

        def forget_done() -> None:
            with app.app_context(), db.engine.begin() as connection:
                connection.exec_driver_sql("DELETE FROM lesson_record")

        def done() -> object:
            return client.post(f"{address}/done", data={"csrf_token": token})

        def saved() -> object:
            return client.post(f"/attempts/{attempt}/answers", data={"csrf_token": token, question.id: value})

        def fresh_done() -> float:
            forget_done()
            return cost(done, 1)

        done_first = median(fresh_done() for _ in range(60))
        found = in_turns(
            {
                "bare Flask": lambda: bare.get("/"),
                "lesson page": lambda: client.get(address),
                "lesson done (again)": done,
                "answer saved": saved,
            }
        )
        found["lesson done (first)"] = done_first
    budgets = {"lesson page": 5, "lesson done (again)": 6, "lesson done (first)": 6, "answer saved": 6}
    base = found.pop("bare Flask")
    print(f"bare Flask by the test client: {base * 1e6:,.0f} µs")
    for name, seconds in found.items():
        print(f"{name:22} {seconds * 1e6:7,.0f} µs  {seconds / base:5.1f} × bare Flask   (budget {budgets[name]} ×)")


def csrf(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found is not None, "no form on the page"
    return found.group(1)


def demo_officer(app: Flask) -> int:
    with db.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT id FROM officer WHERE email = 'officer@demo.test'").scalar_one())


if __name__ == "__main__":
    main()

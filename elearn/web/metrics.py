"""/metrics: how much is asked, how it is answered and what it costs, in figures that are never about one person.

Only where ELEARN_METRICS=1, and only to a reader on this machine or with the token. Each worker counts in files of
its own under DATA_DIR/tmp/metrics-PID, where PID is the server's, which are summed up when somebody asks.
"""

from __future__ import annotations

import hmac
import os
import re
import resource
import shutil
import threading
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from time import monotonic, time
from typing import Any

from flask import Blueprint, Flask, abort, current_app, request
from werkzeug.wrappers import Response

from elearn.services import counting, library, traffic
from elearn.web.access import open_to
from elearn.web.addresses import by_any_name
from elearn.web.watching import Answered, add_watcher

bp = Blueprint("metrics", __name__)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the name that prometheus-client asks the environment for
LOOKS_EVERY = 5.0  # seconds between two looks at memory and pool
RESERVED = {"counter": 256 * 1024, "histogram": 256 * 1024, "gauge_livesum": 32 * 1024, "gauge_liveall": 32 * 1024}
"""Bytes of each of a worker's files: some fifty pages with their statuses and times take a third of it."""

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
WAIT_SECONDS = (0.001, 0.01, 0.1, 0.5, 1, 5, 20)
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

# A fact of the access log or the ledger -> (counter, its label).
COUNTED = {
    "sign_in": ("sign_ins", "good"),
    "sign_in_failed": ("sign_ins", "bad"),
    "completed": ("completions", ""),
    "certificate_issued": ("certificates", "issued"),
    "statement_issued": ("certificates", "statement_issued"),
    "certificate_withheld": ("certificates", "withheld"),
    "certificate_revoked": ("certificates", "revoked"),
    "certificate_superseded": ("certificates", "superseded"),
    "list_exported": ("exports", ""),
    "refused": ("refusals", ""),
}


class Figures:
    """The counters of this process."""

    def __init__(self, prometheus: Any) -> None:
        counter, histogram, gauge = prometheus.Counter, prometheus.Histogram, prometheus.Gauge
        none = prometheus.CollectorRegistry()  # not the global one: an application in a test is made many times
        self.requests = counter("elearn_requests", "Requests answered.", ["route", "method", "status"], registry=none)
        self.seconds = histogram(
            "elearn_request_seconds", "Seconds to an answer.", ["route"], buckets=ANSWER_SECONDS, registry=none
        )
        self.write_waits = histogram(
            "elearn_write_lock_wait_seconds",
            "Seconds a write waited for the lock it begins with.",
            buckets=WAIT_SECONDS,
            registry=none,
        )
        self.counters = {
            "sign_ins": counter("elearn_sign_ins", "Tries to sign in.", ["result"], registry=none),
            "completions": counter("elearn_completions", "Courses completed.", registry=none),
            "certificates": counter(
                "elearn_certificates", "Certificates by what became of them.", ["act"], registry=none
            ),
            "exports": counter("elearn_exports", "Completion lists handed out.", registry=none),
            "refusals": counter("elearn_refusals", "Pages refused to somebody signed in.", registry=none),
        }
        self.pool = gauge(
            "elearn_database_connections", "Connections of the pool.", ["state"],
            multiprocess_mode="livesum", registry=none,
        )  # fmt: skip
        self.memory = gauge(
            "elearn_memory_bytes", "Resident memory of each process.", multiprocess_mode="liveall", registry=none
        )
        self.looked_at = 0.0
        self._look()  # the first answer may be the figures themselves

    def answered(self, one: Answered) -> None:
        method = one.method if one.method in METHODS else "OTHER"
        self.requests.labels(one.route, method, str(one.status)).inc()
        self.seconds.labels(one.route).observe(one.seconds)
        if monotonic() - self.looked_at > LOOKS_EVERY:
            self._look()

    def _look(self) -> None:
        self.looked_at = monotonic()
        self.memory.set(resident_bytes())
        for state, number in traffic.pool().items():
            self.pool.labels(state).set(number)

    def happened(self, what: str) -> None:
        name, label = COUNTED.get(what, ("", ""))
        if name:
            counter = self.counters[name]
            (counter.labels(label) if label else counter).inc()

    def statement(self, text: str, seconds: float) -> None:
        if text == "BEGIN IMMEDIATE" or "FOR UPDATE" in text[-40:]:
            self.write_waits.observe(seconds)


class Contents:
    """How long the courses have been as they are served; asked of this process when somebody reads the figures."""

    def __init__(self, ages: Iterable[tuple[str, float]]) -> None:
        self.ages = list(ages)

    def collect(self) -> Iterable[Any]:
        # Imported where it is enabled only.
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(
            "elearn_content_age_seconds", "Since the content that is served last changed.", labels=["course"]
        )
        for course, age in self.ages:
            family.add_metric([course], age)
        yield family


class Counting:
    """Counts from the first request on that a process answers: commands of a shell answer none and leave no file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, 0
        self.figures: Figures | None = None
        self.lock = threading.Lock()

    def begin(self) -> None:
        if self.process == os.getpid():
            return
        with self.lock:
            if self.process != os.getpid():
                # Imported where it is enabled only, and after the folder is named, which it looks for once.
                import prometheus_client

                _reserve(self.folder)
                self.figures = Figures(prometheus_client)
                self.process = os.getpid()

    def answered(self, one: Answered) -> None:
        if self.figures:
            self.figures.answered(one)

    def happened(self, what: str) -> None:
        if self.figures:
            self.figures.happened(what)

    def statement(self, text: str, seconds: float) -> None:
        if self.figures:
            self.figures.statement(text, seconds)


def open_metrics(app: Flask, data_dir: Path) -> None:
    """Begins to count, and opens the page."""
    # A folder for each server: several may share the data folder, on one database.
    folder = data_dir / "tmp" / f"metrics-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.parent.glob("metrics-*"):
        if not _lives(earlier.name):
            shutil.rmtree(earlier, ignore_errors=True)
    os.environ[FOLDER] = str(folder)
    mine = Counting(folder)
    app.before_request(mine.begin)
    add_watcher(app, mine.answered)
    with app.app_context():
        counting.count_on(traffic.engine(), mine.happened)
        traffic.watch(mine.statement)
    app.register_blueprint(bp)


@bp.get("/metrics")
@open_to("anyone")  # to nobody who is neither on this machine nor has the token: see _may_read
@by_any_name
def metrics_page() -> Response:
    if not _may_read():
        abort(404)
    # Imported where it is enabled only.
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

    _forget_the_dead(Path(os.environ[FOLDER]))
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(Contents((course, time() - since) for course, since in library.served_since()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read() -> bool:
    """With the token, from anywhere; without one, only straight from this machine. What came through a proxy shows
    the proxy's own address, so it is not from this machine even where the proxy is."""
    token = current_app.config["ELEARN"].metrics_token
    if token:
        sent = request.headers.get("Authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
    if any(
        name in request.headers for name in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via")
    ):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def resident_bytes() -> int:
    """Memory of this process; where the system does not tell, the most it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _reserve(folder: Path) -> None:
    """Takes the disk that this process's files will need. Their pages are written through memory, and where the disk
    is full by then, the system ends the process for it."""
    for kind, size in RESERVED.items():
        with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def _forget_the_dead(folder: Path) -> None:
    """Connections and memory of workers that are gone count no more; what they answered goes on counting."""
    for path in folder.glob("gauge_live*_*.db"):
        if not _lives(path.stem):
            path.unlink(missing_ok=True)


def _lives(name: str) -> bool:
    """Whether the process is there whose number a file's name ends with."""
    try:
        os.kill(int(re.split("[-_]", name)[-1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    return True

"""Serves the pages: for a reverse proxy, or to try everything out on this machine."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import flask_migrate
from flask import Flask

from config import from_environment, is_loopback
from elearn.commands.terminal import create, now
from elearn.logs import open_log
from elearn.services import demo, federation

log = logging.getLogger(__name__)

MOST_WORKERS = 8
WORKER_BYTES = 120 * 1024 * 1024
"""What one more process takes at most; half of the machine's memory is left to the database and the system."""

STOPS_WITHIN = 30
"""Seconds for what is under way when the server is told to stop; the service unit waits a little longer."""

GROUP = Path("/sys/fs/cgroup")
# What the demo takes over from the shell; never a database, a key or a mail server that may be somebody's real one.
DEMO_KEEPS = frozenset(
    {"ELEARN_CONTENT_DIR", "ELEARN_PRIVATE_CONTENT_DIR", "ELEARN_ORGANISATION", "ELEARN_TIMEZONE"}
    | {"ELEARN_DEFAULT_LANGUAGE"}
)


@click.command("demo")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--data", default="instance", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address than loopback is refused.")
def demo_command(port: int, data: Path, host: str) -> None:
    """Tries everything out on this machine: a database of its own, demo people, and the pages."""
    if not is_loopback(host):
        raise click.UsageError(f"The demo has known passwords, so it is served on this machine only, not on {host}.")
    _refuse_taken_port(host, port)
    _set_demo_environment(port, data)
    open_log(from_environment().log_format, logging.WARNING)
    app = create()
    with app.app_context():
        flask_migrate.upgrade()
        demo.seed(now())
    click.echo(
        f"\nServing http://127.0.0.1:{port}  (stop with Ctrl+C)\n\nSign in as one of these, password {demo.PASSWORD}"
    )
    for line in demo.sign_in_lines():
        click.echo(f"  {line}")
    click.echo()
    _serve(lambda: app, f"{host}:{port}", workers=1, threads=16, log_level="warning")


@click.command("serve")
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="host:port, or unix:/path/to/socket")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; computed from the machine, 1 on SQLite.")
@click.option("--threads", type=click.IntRange(1, 64), help="Requests at once in each; computed like the processes.")
def serve_command(bind: str, workers: int | None, threads: int | None) -> None:
    """Serves the pages, for a reverse proxy in front of it. Settings come from the environment. SIGTERM stops it when
    what is under way is answered; SIGHUP reads the content anew, and no request is lost over it."""
    config = from_environment()
    size = size_for(config.database_url, Machine.here())
    open_log(config.log_format)
    _serve(create, bind, workers or size.workers, threads or size.threads, log_level="info")


@dataclass(frozen=True)
class Machine:
    """What this process may use: whole cores, and bytes of memory."""

    cores: int
    memory: int

    @classmethod
    def here(cls, group: Path = GROUP) -> Machine:
        """Of a container only the share that it was given: counting the whole machine, its memory would run out."""
        cores, memory = len(os.sched_getaffinity(0)), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        quota, _, period = _line(group / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            cores = min(cores, max(1, int(quota) // int(period)))
        most = _line(group / "memory.max")
        return cls(cores, min(memory, int(most)) if most.isdigit() else memory)


@dataclass(frozen=True)
class Size:
    """How many processes, and how many requests at once in each of them."""

    workers: int
    threads: int


def size_for(database_url: str, machine: Machine) -> Size:
    """One process on SQLite, where a second one would only wait for the first one's lock.

    Else two for each core and one more, since a request waits for the database half of its time. With 8 threads in each
    of at most 8 processes, no more than 64 connections are open at once: PostgreSQL allows 100 as it comes.
    """
    if database_url.startswith("sqlite"):
        return Size(workers=1, threads=16)
    fit = machine.memory // 2 // WORKER_BYTES
    return Size(workers=max(1, min(2 * machine.cores + 1, fit, MOST_WORKERS)), threads=8)


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _serve(load: Callable[[], Flask], bind: str, workers: int, threads: int, log_level: str) -> None:
    # Heavy, and there is no gunicorn on Windows, where trainers check their files with this same command.
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            settings = {
                "bind": bind,
                "workers": workers,
                # Named, not imported: gunicorn loads it, and only where something is served.
                "worker_class": "elearn.web.gathering.GatheringWorker",
                "logger_class": "elearn.web.server_log.ServerLog",
                "threads": threads,
                "preload_app": True,  # compiled content is shared between the workers' memory
                "graceful_timeout": STOPS_WITHIN,
                "control_socket_disable": True,
                "loglevel": log_level,
                "proc_name": "elearn",
            }
            if Path("/dev/shm").is_dir():  # noqa: S108 # gunicorn makes its own file, which nobody else can open
                # A worker shows by this file that it lives; on a disk that is busy it would look dead.
                settings["worker_tmp_dir"] = "/dev/shm"  # noqa: S108
            assert self.cfg is not None
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            app = load()
            federation.make_room(app, threads)
            with app.app_context():
                # A connection must not be shared across the fork that follows.
                for engine in app.extensions["sqlalchemy"].engines.values():
                    engine.dispose()
            return app

        def reload(self) -> None:
            """By itself gunicorn would start new workers with the application it has loaded before."""
            super().reload()  # type: ignore[no-untyped-call]
            try:
                self.callable = self.load()
            except Exception:
                log.exception("could not be loaded anew; what was served before is served on")

    Server().run()  # type: ignore[no-untyped-call] # gunicorn carries no types


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.UsageError(
                f"Port {port} cannot be used ({error.strerror}). Choose another with --port."
            ) from error


def _set_demo_environment(port: int, data: Path) -> None:
    for name in [name for name in os.environ if name.startswith("ELEARN_") and name not in DEMO_KEEPS]:
        del os.environ[name]
    data.mkdir(parents=True, exist_ok=True)
    os.environ["ELEARN_DATA_DIR"] = str(data)
    os.environ["ELEARN_LOG_FORMAT"] = "text"
    os.environ["ELEARN_SECRET_KEY"] = _kept_secret(data / "secret-key")
    os.environ["ELEARN_BASE_URL"] = f"http://127.0.0.1:{port}"
    # Its people sign in with a password that is printed; whoever wants to try a second factor sets one up.
    os.environ["ELEARN_SECOND_FACTOR"] = "offered"


def _kept_secret(path: Path) -> str:
    """A secret that stays the same from one demo to the next, so that nobody is signed out by a restart."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()

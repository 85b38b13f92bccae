"""Serves the pages: for a reverse proxy, or to try everything out on this machine."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import click
import flask_migrate
from flask import Flask

from config import Config, from_environment
from elearn.commands.terminal import create, now
from elearn.services import demo

THREADS = 16
MOST_WORKERS = 8
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
    if not _is_loopback(host):
        raise click.UsageError(f"The demo has known passwords, so it is served on this machine only, not on {host}.")
    _refuse_taken_port(host, port)
    _set_demo_environment(port, data)
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
    _serve(lambda: app, f"{host}:{port}", workers=1, log_level="warning")


@click.command("serve")
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="host:port, or unix:/path/to/socket")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; computed from the cores, 1 on SQLite.")
def serve_command(bind: str, workers: int | None) -> None:
    """Serves the pages, for a reverse proxy in front of it. Settings come from the environment."""
    config = from_environment()
    _serve(create, bind, workers or _workers(config), log_level="info")


def _serve(load: Callable[[], Flask], bind: str, workers: int, log_level: str) -> None:
    # Heavy, and there is no gunicorn on Windows, where trainers check their files with this same command.
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            settings = {
                "bind": bind,
                "workers": workers,
                # Named, not imported: gunicorn loads it, and only where something is served.
                "worker_class": "elearn.web.gathering.GatheringWorker",
                "threads": THREADS,
                "preload_app": True,  # compiled content is shared between the workers' memory
                "control_socket_disable": True,
                "loglevel": log_level,
                "proc_name": "elearn",
            }
            assert self.cfg is not None
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            app = load()
            with app.app_context():
                # A connection must not be shared across the fork that follows.
                for engine in app.extensions["sqlalchemy"].engines.values():
                    engine.dispose()
            return app

    Server().run()  # type: ignore[no-untyped-call] # gunicorn carries no types


def _workers(config: Config) -> int:
    """One on SQLite, where a second process would only wait for the first one's lock."""
    return 1 if config.database_url.startswith("sqlite") else min(2 * (os.cpu_count() or 1) + 1, MOST_WORKERS)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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

"""What an operator is given: each example is valid, has the program's own limits, and does what its comments say."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from html import unescape
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from threading import Event
from time import monotonic
from urllib.parse import urlencode

import pytest
from ruamel.yaml import YAML

from config import Config, from_environment
from deploy import walk
from elearn import LARGEST_BODY
from elearn.commands.serving import STOPS_WITHIN
from elearn.web.gathering import LONGEST_HEAD
from tests.conftest import ROOT, SECRET
from tests.server import ANSWERS_WITHIN, ENDS_WITHIN, Server, free_port, served_from, serving
from tests.short_course import short_course
from tests.tls import certificate_in

DEPLOY = ROOT / "deploy"
NAME = "learn.example.gov.in"
SCRIPTS = ("install", "rehearse", "elearn-command")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of the example's name and its key."""
    return certificate_in(tmp_path_factory.mktemp("ssl"), NAME)


def example(name: str, certificate: Path, **more: str) -> str:
    text = (DEPLOY / name).read_text().replace("/etc/ssl/elearn", str(certificate))
    for before, after in more.items():
        text = text.replace(before, after)
    return text


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=120)


# Proxies


def nginx_folder(folder: Path, site: str) -> Path:
    """A whole configuration around the example; returns its path."""
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; include {folder}/site.conf; {places(folder)} }}\n"
    )
    return folder / "nginx.conf"


def places(folder: Path) -> str:
    return " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )


@pytest.mark.proxy
def test_the_nginx_example_is_valid(certificate: Path, tmp_path: Path) -> None:
    conf = nginx_folder(tmp_path, example("nginx.conf", certificate))
    checked = ran("nginx", "-t", "-e", tmp_path / "error.log", "-c", conf)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


@pytest.mark.proxy
def test_the_caddy_example_is_valid(certificate: Path, tmp_path: Path) -> None:
    path = tmp_path / "Caddyfile"
    path.write_text(example("Caddyfile", certificate))
    checked = ran("caddy", "validate", "--config", path, "--adapter", "caddyfile")
    assert checked.returncode == 0, checked.stderr
    assert ran("caddy", "fmt", path).stdout == path.read_text()


def test_proxies_have_the_limits_of_the_program() -> None:
    nginx, caddy = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "Caddyfile").read_text()
    body = re.search(r"client_max_body_size (\d+)m;", nginx)
    assert body
    assert int(body[1]) * 1024**2 == LARGEST_BODY
    assert f"max_size {LARGEST_BODY // 1024**2}MiB" in caddy
    assert f"max_header_size {LONGEST_HEAD // 1024}KiB" in caddy
    head = re.search(r"large_client_header_buffers (\d+) (\d+)k;", nginx)
    assert head
    assert int(head[1]) * int(head[2]) * 1024 == LONGEST_HEAD
    for text in (nginx, caddy):
        assert not re.search(r"^\s*(add_)?header \+?(Strict|Content-Sec)", text, re.M | re.I), "the program sends those"


@contextmanager
def proxied(server: Server, command: list[str], port: int, certificate: Path) -> Iterator[Proxy]:
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    visitor = Proxy(port, certificate / "fullchain.pem")
    try:
        end, pause = monotonic() + ANSWERS_WITHIN, Event()
        while not visitor.is_there():
            assert monotonic() < end, "the proxy did not begin to answer"
            assert proxy.poll() is None, "the proxy ended by itself"
            pause.wait(0.05)
        yield visitor
    finally:
        proxy.send_signal(signal.SIGTERM)
        proxy.wait(ENDS_WITHIN)


class Proxy:
    """A browser that comes in over TLS, under the example's name, which it finds on this machine."""

    def __init__(self, port: int, authority: Path) -> None:
        self.port, self.trust = port, ssl.create_default_context(cafile=str(authority))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[HTTPResponse, bytes]:
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=ANSWERS_WITHIN, context=self.trust)
        connection._create_connection = lambda *_: socket.create_connection(
            ("127.0.0.1", self.port), timeout=ANSWERS_WITHIN
        )  # type: ignore[attr-defined]
        connection.host = NAME  # what is asked for, and what the certificate must say
        try:
            sent = {"Host": NAME, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def is_there(self) -> bool:
        try:
            return self.ask("GET", "/health/ready")[0].status == 200
        except (OSError, HTTPException):
            return False


def sign_in_wrongly(visitor: Proxy, **headers: str) -> None:
    page, text = visitor.ask("GET", "/sign-in", Accept_Encoding="identity")
    token = re.search(rb'name="csrf_token" value="([^"]+)"', text)
    assert token
    form = urlencode({"csrf_token": unescape(token[1].decode()), "email": "x@model.test", "password": "wrong"}).encode()
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    kind = "application/x-www-form-urlencoded"
    answer, _ = visitor.ask("POST", "/sign-in", form, Cookie=cookie, Content_Type=kind, **headers)
    assert answer.status == 200


def addresses_refused(house: Server) -> set[str]:
    """Where the access log says that wrong passwords came from."""
    with closing(sqlite3.connect(house.folder / "house.sqlite3")) as connection:
        return {address for (address,) in connection.execute("SELECT address FROM access_log")}


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that believes itself to be behind one proxy, at the example's address."""
    folder = tmp_path_factory.mktemp("behind")
    shutil.copytree(sqlite_template, folder, dirs_exist_ok=True)
    server = served_from(folder, f"sqlite:///{folder / 'house.sqlite3'}")
    server.settings = {
        **server.settings,
        "ELEARN_CONTENT_DIR": str(short_course(folder / "content")),
        "ELEARN_BASE_URL": f"https://{NAME}",
        "ELEARN_TRUSTED_PROXIES": "1",
    }
    with serving(server):
        yield server


@pytest.mark.proxy
@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_pages_come_through_the_proxy_as_the_program_sends_them(
    kind: str, house: Server, certificate: Path, tmp_path: Path
) -> None:
    port, plain = free_port(), free_port()
    here = {"127.0.0.1:8000": f"127.0.0.1:{house.port}"}
    if kind == "nginx":
        ports = {"[::]:443": f"[::1]:{port}", "[::]:80": f"[::1]:{plain}", "listen 443": f"listen {port}"}
        conf = nginx_folder(
            tmp_path, example("nginx.conf", certificate, **here, **ports, **{"listen 80": f"listen {plain}"})
        )
        command = ["nginx", "-e", str(tmp_path / "error.log"), "-c", str(conf), "-g", "daemon off;"]
    else:
        path, name = tmp_path / "Caddyfile", {f"{NAME} {{": f"https://{NAME}:{port} {{"}
        text = example("Caddyfile", certificate, **here, **name)
        path.write_text(text.replace("admin off", "admin off\n\tauto_https disable_redirects"))
        command = ["caddy", "run", "--config", str(path), "--adapter", "caddyfile"]
    with proxied(house, command, port, certificate) as visitor:
        sign_in_wrongly(visitor, X_Forwarded_For="203.0.113.9", Forwarded="for=203.0.113.9")
        page, text = visitor.ask("GET", "/sign-in", Accept_Encoding="identity")
        assert page.status == 200
        assert b"csrf_token" in text
        for name in ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options"):
            assert len(page.headers.get_all(name, [])) == 1, name
        cookie = page.headers["Set-Cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
        assert not re.search(r"\d", page.headers.get("Server", "")), "a banner with a version"
        form = "application/x-www-form-urlencoded"
        within, _ = visitor.ask("POST", "/verify", b"x" * (LARGEST_BODY - 1), Content_Type=form)
        beyond, _ = visitor.ask("POST", "/verify", b"x" * (LARGEST_BODY + 1), Content_Type=form)
        assert within.status in (400, 413)  # the program has judged it: no CSRF token, or too much for a form
        assert beyond.status == 413 or (kind == "caddy" and beyond.status == 502)  # so Caddy 2.6 says it
        assert visitor.ask("GET", "/nowhere", X_Forwarded_For="203.0.113.9")[0].status == 404
    seen = addresses_refused(house)
    assert seen == {"127.0.0.1"}, "a visitor's own word about where she comes from was believed"


# Units, scripts, settings, containers


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_the_units_are_valid_and_let_the_server_do_little(tmp_path: Path) -> None:
    for unit in [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.socket"), *DEPLOY.glob("*.timer")]:
        text = unit.read_text()
        # The program is not there while tests run; what it is given is checked below.
        (tmp_path / unit.name).write_text(re.sub(r"/opt/elearn/current/\.venv/bin/elearn", "/bin/true", text))
    checked = ran("systemd-analyze", "verify", *sorted(tmp_path.iterdir()))
    complaints = [line for line in checked.stderr.splitlines() if "elearn" in line]
    assert complaints == []
    score = ran("systemd-analyze", "security", "--offline=true", "--threshold=20", tmp_path / "elearn.service")
    assert score.returncode == 0, score.stdout.splitlines()[-1:]


def test_units_run_the_program_where_the_install_script_puts_it() -> None:
    found = [
        line for unit in DEPLOY.glob("*.service") for line in unit.read_text().splitlines() if "/opt/elearn" in line
    ]
    assert found
    assert [line for line in found if "/opt/elearn/current" not in line] == []


def test_the_service_waits_as_long_as_the_server_takes() -> None:
    unit = (DEPLOY / "elearn.service").read_text()
    waits = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)
    assert waits
    assert int(waits[1]) > STOPS_WITHIN
    assert re.search(r"^ListenStream=127\.0\.0\.1:8000$", (DEPLOY / "elearn.socket").read_text(), re.M)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_shell_and_can_be_run(name: str) -> None:
    path = DEPLOY / name
    assert os.access(path, os.X_OK)
    assert ran("sh", "-n", path).returncode == 0


def test_the_settings_file_reads_alike_in_a_shell_and_as_settings() -> None:
    path = DEPLOY / "elearn.env"
    shown = ran("sh", "-c", f"set -a; . {path}; env -0")
    pairs = dict(line.split("=", 1) for line in shown.stdout.split("\0") if line.startswith("ELEARN_"))
    settings = {k: v for k, v in pairs.items() if k not in os.environ}
    config = from_environment({**settings, "ELEARN_SECRET_KEY": SECRET})
    assert (config.base_url, config.trusted_proxies, config.https) == (f"https://{NAME}", 1, True)
    known = {f"ELEARN_{one.name.upper()}" for one in fields(Config)}
    named = set(re.findall(r"^#? ?(ELEARN_[A-Z_]+)=", path.read_text(), re.M))
    assert named <= known, "settings that there are not"


def test_the_container_takes_what_is_there_and_runs_without_rights() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M)
    assert copied
    assert [word for line in copied for word in line.split() if not (ROOT / word).exists()] == []
    assert re.search(r"^USER (?!0|root)", text, re.M)
    assert "HEALTHCHECK" in text
    assert "--require-hashes" in text


def test_the_compose_file_keeps_the_database_inside() -> None:
    services = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())["services"]
    assert set(services) == {"database", "server"}
    assert "ports" not in services["database"]
    assert services["database"]["networks"] == ["inside"]
    assert all(port.startswith("127.0.0.1:") for port in services["server"]["ports"])
    assert services["server"]["read_only"]
    assert (
        ROOT / "deploy" / services["server"]["build"]["context"] / services["server"]["build"]["dockerfile"]
    ).exists()


def test_the_containers_health_is_that_of_the_server(house: Server, tmp_path: Path) -> None:
    script = tmp_path / "healthcheck.py"
    script.write_text((DEPLOY / "healthcheck.py").read_text().replace("PORT = 8000", f"PORT = {house.port}"))
    environment = {**os.environ, "ELEARN_BASE_URL": f"https://{NAME}"}
    assert subprocess.run([sys.executable, script], env=environment, check=False).returncode == 0
    script.write_text((DEPLOY / "healthcheck.py").read_text().replace("PORT = 8000", "PORT = 9"))
    assert subprocess.run([sys.executable, script], env=environment, check=False, capture_output=True).returncode == 1


def test_the_walk_through_the_guide_knows_its_commands() -> None:
    """Whether they do what they say is shown by the walk itself, which takes minutes and a system of its own."""
    guide = walk.GUIDE.read_text()
    steps = list(walk.steps(guide))
    assert len(steps) > 80
    assert {"Install it, as root on the server", "Upgrading"} <= {step.heading.lstrip("0123456789. ") for step in steps}
    assert not [step.text for step in steps if step.command == "false"], "an editor is opened more often than is known"
    said = [start for start, _ in walk.SAYS if not any(step.text.startswith(start) for step in steps)]
    assert said == [], "the guide has no command that begins so"
    with pytest.raises(ValueError, match="no command that begins: ln -sfn"):
        list(walk.steps(guide.replace("ln -sfn", "ln -s")))

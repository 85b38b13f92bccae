"""The doctor finds what is wrong with an installation, one line each with its mend, and never breaks down itself."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, text

from elearn.domain.checkup import Finding
from elearn.exports import certificate_pdf
from elearn.services import checkup, database_checkup
from tests import postgres
from tests.conftest import ROOT, SECRET
from tests.server import environment, free_port
from tests.short_course import short_course
from tests.tls import certificate_in

MIGRATIONS = ROOT / "migrations"


@dataclass
class Patient:
    """An installation that a test breaks in one place, and the doctor's word on it."""

    folder: Path
    settings: dict[str, str]

    def findings(self, now: datetime | None = None) -> list[Finding]:
        return list(checkup.examine(self.settings, MIGRATIONS, now or datetime.now(UTC)))

    def wrong(self, about: str, severity: str = "error", now: datetime | None = None) -> str:
        """What it says of this; there must be exactly one such finding, and it must have a mend."""
        found = [one for one in self.findings(now) if (one.about, one.severity) == (about, severity)]
        assert len(found) == 1, found
        assert found[0].mend
        return str(found[0])

    def errors(self) -> list[str]:
        return [str(one) for one in self.findings() if one.severity == "error"]


@pytest.fixture(scope="module")
def course_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return short_course(tmp_path_factory.mktemp("course") / "content")


@pytest.fixture
def patient(sqlite_template: Path, tmp_path: Path, course_folder: Path) -> Patient:
    """A sound one, as `elearn init` leaves it."""
    data = tmp_path / "data"
    shutil.copytree(sqlite_template, data)
    data.chmod(0o700)
    (data / "house.sqlite3").rename(data / "elearn.sqlite3")
    return Patient(
        tmp_path,
        {
            "ELEARN_SECRET_KEY": "fQ7-Zp2mW9_xLc4vT8nRyHs3kJd6gBaEuXi0oNqMtCw5lVhU",
            "ELEARN_DATA_DIR": str(data),
            "ELEARN_CONTENT_DIR": str(course_folder),
        },
    )


def data_of(patient: Patient) -> Path:
    return Path(patient.settings["ELEARN_DATA_DIR"])


# The whole


def test_a_sound_installation_has_no_errors_and_nothing_is_changed(patient: Patient) -> None:
    before = {path: path.read_bytes() for path in patient.folder.rglob("*") if path.is_file()}
    findings = patient.findings()
    assert [one for one in findings if one.severity == "error"] == []
    looked_at = {one.about for one in findings}
    assert looked_at >= {
        *("secret", "data folder", "keys", "disk", "clock", "database", "content", "fonts", "mail", "address", "way in")
    }
    assert {path: path.read_bytes() for path in patient.folder.rglob("*") if path.is_file()} == before


def doctor(settings: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "elearn.cli", "doctor", *words]
    return subprocess.run(command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=False)


def test_warnings_alone_exit_with_0_errors_with_1(patient: Patient) -> None:
    sound = doctor(patient.settings)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert "0 errors" in sound.stdout
    data_of(patient).chmod(0o755)
    broken = doctor(patient.settings, "--quiet")
    assert broken.returncode == 1
    assert "error    data folder:" in broken.stdout
    assert "fine  " not in broken.stdout


def test_an_application_that_cannot_start_is_examined_all_the_same(tmp_path: Path) -> None:
    bad = {
        "ELEARN_SECRET_KEY": "short",
        "ELEARN_DATA_DIR": str(tmp_path / "nowhere"),
        "ELEARN_BASE_URL": "learn.model.test",
        "ELEARN_DATABASE_URL": "mysql://x",
        "ELEARN_TIMEZONE": "Imphal",
        "ELEARN_MAIL_URL": "mail.model.test",
        "ELEARN_TRUSTED_PROXIES": "one",
        "ELEARN_CONTENT_DIR": str(tmp_path),
        "ELEARN_OIDC_ISSUER": "https://sign-in.model.test",
    }
    result = doctor(bad)
    assert (result.returncode, result.stderr) == (1, "")
    for name in ("SECRET_KEY", "BASE_URL", "DATABASE_URL", "TIMEZONE", "MAIL_URL", "TRUSTED_PROXIES", "OIDC_"):
        assert f"error    settings: ELEARN_{name}" in result.stdout
    assert "error    data folder:" in result.stdout
    assert "error    keys:" in result.stdout
    assert "error    content:" in result.stdout
    assert "fine     fonts:" in result.stdout
    assert not (tmp_path / "nowhere").exists()


def test_with_no_settings_at_all_it_looks_at_what_it_can() -> None:
    result = doctor({})
    assert result.returncode == 1
    assert "error    settings: ELEARN_SECRET_KEY is missing" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_setting_that_is_misspelt_is_told(patient: Patient) -> None:
    patient.settings["ELEARN_BASEURL"] = "https://learn.model.test"
    assert "Did you mean ELEARN_BASE_URL?" in patient.wrong("settings", "warning")


# Secrets, files


def test_a_secret_that_is_no_secret(patient: Patient) -> None:
    patient.settings["ELEARN_SECRET_KEY"] = SECRET
    assert SECRET not in patient.wrong("secret")


def test_settings_that_everybody_may_read(tmp_path: Path) -> None:
    path = tmp_path / "elearn.env"
    assert list(checkup.settings_file(path)) == []
    path.write_text("ELEARN_SECRET_KEY=x")
    path.chmod(0o644)
    assert [one.severity for one in checkup.settings_file(path)] == ["error"]
    path.chmod(0o640)
    assert [one.severity for one in checkup.settings_file(path)] == ["fine"]


def test_a_data_folder_that_others_may_enter(patient: Patient) -> None:
    data_of(patient).chmod(0o750)
    assert "chmod 0700" in patient.wrong("data folder")


def test_a_data_folder_that_is_not_there(patient: Patient) -> None:
    shutil.rmtree(data_of(patient))
    assert "elearn init" in patient.wrong("data folder")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_that_somebody_else_made(patient: Patient) -> None:
    os.chown(data_of(patient) / "elearn.sqlite3", 65534, 65534)
    assert "elearn.sqlite3 and 0 more belong to somebody else" in patient.wrong("data folder")


def test_keys_that_others_may_read(patient: Patient) -> None:
    (data_of(patient) / "signing-keys.json").chmod(0o640)
    assert "chmod 0600" in patient.wrong("keys")


def test_keys_that_are_gone_damaged_or_only_public(patient: Patient) -> None:
    path = data_of(patient) / "signing-keys.json"
    path.write_text("{")
    assert "not JSON" in patient.wrong("keys")
    path.write_text('{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "' + "A" * 43 + '"}]}')
    assert "backup" in patient.wrong("keys")
    path.unlink()
    assert "is not there" in patient.wrong("keys")


# Clock and disk


def test_a_clock_that_was_set_back_behind_the_records(patient: Patient, now: datetime) -> None:
    with closing(sqlite3.connect(data_of(patient) / "elearn.sqlite3")) as connection:
        at = (now + timedelta(days=30)).replace(tzinfo=None).isoformat(" ")
        connection.execute("INSERT INTO access_log (at, event, detail, address) VALUES (?, 'signed_in', '', '')", (at,))
        connection.commit()
    assert "the newest record in the database is 2" in patient.wrong("clock")


def test_a_clock_that_was_set_back_behind_the_files(patient: Patient, now: datetime) -> None:
    ahead = (now + timedelta(days=30)).timestamp()
    os.utime(data_of(patient) / "signing-keys.json", (ahead, ahead))
    assert "signing-keys.json is" in patient.wrong("clock")


def test_whether_a_time_server_keeps_the_clock_is_what_the_system_says() -> None:
    shown = subprocess.run(
        ["timedatectl", "show", "-p", "NTPSynchronized", "--value"], capture_output=True, text=True, check=False
    )
    if shown.returncode == 0 and shown.stdout.strip():
        assert checkup.kept_by_ntp() == (shown.stdout.strip() == "yes")
    else:
        assert checkup.kept_by_ntp() in (True, False)  # no service manager to ask; the kernel answers all the same


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    """A real one of two megabytes, in a name space of its own."""
    script = (
        "import pathlib, sys; from elearn.services import checkup; "
        "print(*checkup.disk(pathlib.Path(sys.argv[1]) / 'not' / 'made' / 'yet'))"
    )
    mounted = 'mount -t tmpfs -o size=2m none "$1" && exec "$2" -c "$3" "$1"'
    shown = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounted, "sh", str(tmp_path), sys.executable, script],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode and "unshare" in shown.stderr:
        pytest.skip("no name space of its own is allowed here")
    assert f"error    disk: 0.0 GB free in {tmp_path}" in shown.stdout, shown.stderr


# The database


def test_a_database_that_is_not_there_is_not_made(patient: Patient) -> None:
    path = data_of(patient) / "elearn.sqlite3"
    path.unlink()
    assert "elearn init" in patient.wrong("database")
    assert not path.exists()


def test_a_file_that_is_no_database(patient: Patient) -> None:
    (data_of(patient) / "elearn.sqlite3").write_bytes(b"no database" * 1000)
    assert "not a database" in patient.wrong("database")


def test_a_database_without_tables_or_of_another_version(patient: Patient) -> None:
    path = data_of(patient) / "elearn.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
        connection.commit()
    assert "newer version" in patient.wrong("database")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    assert "elearn db upgrade" in patient.wrong("database")
    path.unlink()
    sqlite3.connect(path).close()
    path.touch()
    assert "it has no tables" in patient.wrong("database")


def test_a_database_that_somebody_has_locked(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elearn.models.database.BUSY_SECONDS", 0)
    with closing(sqlite3.connect(data_of(patient) / "elearn.sqlite3")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert "takes no write" in patient.wrong("database")


def test_sqlite_on_a_network_disk() -> None:
    mounts = "28 1 254:0 / / rw - ext4 /dev/vda rw\n90 28 0:50 / /srv rw - nfs4 store:/export rw\n"
    assert [one.severity for one in database_checkup.on_a_disk_of_its_own(Path("/srv/e.sqlite3"), mounts)] == ["error"]
    assert list(database_checkup.on_a_disk_of_its_own(Path("/var/e.sqlite3"), mounts)) == []


@pytest.mark.postgres
def test_postgresql_sound_and_not(patient: Patient, postgres_url: str) -> None:
    patient.settings["ELEARN_DATABASE_URL"] = postgres_url
    assert "fsync off" in patient.wrong("database")  # as the tests' own server is run
    assert "fine     database: it takes a write." in map(str, patient.findings())
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    engine.dispose()
    assert any("takes no write" in line for line in patient.errors())
    patient.settings["ELEARN_DATABASE_URL"] = "postgresql://elearn:hidden-word@127.0.0.1:9/elearn"
    line = patient.wrong("database")
    assert "cannot be used" in line
    assert "hidden-word" not in line


@pytest.mark.postgres
def test_a_database_elsewhere_that_anybody_on_the_line_could_pose_as(patient: Patient) -> None:
    name, port = "db.example.gov.in", free_port()
    folder = certificate_in(Path(mkdtemp(prefix="elearn-pg-")), name)
    (folder / "key.pem").chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(folder / "key.pem", "postgres")
    settings = ("listen_addresses=127.0.0.1", f"port={port}", "ssl=on")
    files = (f"ssl_cert_file={folder}/fullchain.pem", f"ssl_key_file={folder}/key.pem")
    with postgres.cluster(tuple(f"-c {one}" for one in (*settings, *files)), folder):
        elsewhere = f"postgresql://elearn@{name}:{port}/postgres?hostaddr=127.0.0.1"
        patient.settings["ELEARN_DATABASE_URL"] = elsewhere
        assert f"{name} is another machine, and sslmode is prefer" in patient.wrong("database", "warning")
        patient.settings["ELEARN_DATABASE_URL"] = f"{elsewhere}&sslmode=verify-full&sslrootcert={folder}/fullchain.pem"
        assert f"fine     database: {name} shows a certificate of its name." in map(str, patient.findings())
        patient.settings["ELEARN_DATABASE_URL"] = f"postgresql://elearn@127.0.0.1:{port}/postgres"
        assert not [one for one in patient.findings() if (one.about, one.severity) == ("database", "warning")]


# Content and fonts


def test_content_that_does_not_compile(patient: Patient) -> None:
    content = patient.folder / "content"
    shutil.copytree(patient.settings["ELEARN_CONTENT_DIR"], content)
    patient.settings["ELEARN_CONTENT_DIR"] = str(content)
    lesson = next(content.glob("*/01-*/01-*.en.md"))
    lesson.write_text(lesson.read_text("utf-8").replace("\ntitle:", "\nno_such_key: 1\ntitle:", 1), "utf-8")
    line = patient.wrong("content")
    assert str(lesson) in line
    assert "elearn check" in line
    private = patient.folder / "private"
    patient.settings["ELEARN_PRIVATE_CONTENT_DIR"] = str(private)
    assert any(f"{private} is not there" in line for line in patient.errors())


def test_content_that_is_mended_by_what_is_laid_over_it_is_valid(patient: Patient) -> None:
    content, private = patient.folder / "content", patient.folder / "private"
    shutil.copytree(patient.settings["ELEARN_CONTENT_DIR"], content)
    lesson = next(content.glob("*/01-*/01-*.en.md"))
    over = private / lesson.relative_to(content)
    over.parent.mkdir(parents=True)
    shutil.copy(lesson, over)
    lesson.write_text("nothing of a lesson", "utf-8")
    patient.settings |= {"ELEARN_CONTENT_DIR": str(content), "ELEARN_PRIVATE_CONTENT_DIR": str(private)}
    assert patient.errors() == []


def test_a_font_that_is_gone(tmp_path: Path) -> None:
    """In a copy of the program, since a font that was read once stays in memory."""
    house = tmp_path / "house"
    shutil.copytree(ROOT / "elearn", house / "elearn", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "config.py", house)
    (house / "elearn" / "exports" / certificate_pdf.FONT_FOLDER.name / "NotoSansMeeteiMayek-Regular.ttf").unlink()
    script = "from elearn.services import checkup; print(*checkup.fonts(), sep='\\n')"
    shown = subprocess.run(
        [sys.executable, "-c", script],
        cwd=house,
        env={**environment({}), "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("error    fonts:"), shown.stdout
    assert "Install the program again" in shown.stdout


# What is around


class Box:
    """A mail server's hands: they note that somebody began a letter."""

    letters = 0

    async def handle_MAIL(self, *_: object) -> str:
        self.letters += 1
        return "250 OK"


@pytest.fixture
def mail_port() -> Iterator[Callable[[], tuple[int, Box]]]:
    running: list[Controller] = []

    def start() -> tuple[int, Box]:
        box = Box()
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        controller = Controller(box, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        return port, box

    yield start
    for controller in running:
        controller.stop()


def test_a_mail_server_is_only_looked_in_at(patient: Patient, mail_port: Callable[[], tuple[int, Box]]) -> None:
    assert "hand out" in patient.wrong("mail", "warning")
    port, box = mail_port()
    patient.settings |= {"ELEARN_MAIL_URL": f"smtp://127.0.0.1:{port}", "ELEARN_MAIL_FROM": "elearn@model.test"}
    assert "fine     mail: the mail server answers; nothing was sent." in map(str, patient.findings())
    assert box.letters == 0
    patient.settings["ELEARN_MAIL_FROM"] = ""
    assert "@localhost" in patient.wrong("mail", "warning")
    patient.settings["ELEARN_MAIL_URL"] = "smtp://someone:hidden-word@127.0.0.1:9"
    assert "hidden-word" not in patient.wrong("mail")


def test_an_address_that_fits_nothing(patient: Patient) -> None:
    patient.settings["ELEARN_BASE_URL"] = "https://learn.example.gov.in"
    assert "is an example" in patient.wrong("address")
    assert "ELEARN_TRUSTED_PROXIES" in patient.wrong("proxy")


@contextmanager
def answering(status: int, headers: list[tuple[str, str]]) -> Iterator[str]:
    """A proxy that answers so; gives its address."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_way_in_through_the_proxy() -> None:
    def found(status: int, *headers: tuple[str, str]) -> str:
        with answering(status, list(headers)) as url:
            (one,) = checkup.way_in(url)
        return str(one)

    csp = ("Content-Security-Policy", "default-src 'none'")
    assert found(200, csp).startswith("fine")
    assert "sends Content-Security-Policy a second time" in found(200, csp, csp)
    assert "answers 502" in found(502)
    (nobody,) = checkup.way_in("http://127.0.0.1:9")
    assert "cannot be reached" in str(nobody)

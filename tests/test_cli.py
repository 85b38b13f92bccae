"""The `elearn` command as an operator types it: what it prints, what it keeps, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import is_zipfile

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import text

from elearn.cli import main
from elearn.models.database import writing
from elearn.services import accounts, certificates, one_time_links, people
from tests.conftest import CONTENT, SECRET
from tests.given import COURSE, PASSWORD, Given

Run = Callable[..., Result]

HEADER = "name,email,employee_number,office,designation"
MEERA = "Meera Devi,meera@model.test,MD-0142,MD-COL,Section Officer"


@pytest.fixture
def settings(sqlite_template: Path, sqlite_url: str, tmp_path: Path) -> dict[str, str | None]:
    """The environment of an installation with an empty, migrated database: the one that `sqlite_app` opens."""
    shutil.copytree(sqlite_template / "compiled", tmp_path / "compiled", dirs_exist_ok=True)
    kept = {name: None for name in os.environ if name.startswith("ELEARN_")}
    return kept | {
        "ELEARN_SECRET_KEY": SECRET,
        "ELEARN_DATA_DIR": str(tmp_path),
        "ELEARN_DATABASE_URL": sqlite_url,
        "ELEARN_CONTENT_DIR": str(CONTENT),
        "ELEARN_BASE_URL": "https://learn.model.test",
    }


@pytest.fixture
def run(settings: dict[str, str | None]) -> Run:
    def run(*words: object, without: str = "", **more: object) -> Result:
        env = settings | ({without: None} if without else {})
        # In a context of its own: Flask would take the application that the test has open.
        return Context().run(CliRunner().invoke, main, [str(word) for word in words], env=env, **more)  # type: ignore[arg-type]

    return run


@pytest.fixture
def roster_file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, header: str = HEADER) -> Path:
        path = tmp_path / "roster.csv"
        path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
        return path

    return write


def link_in(result: Result) -> str:
    found = re.search(r"^https://learn\.model\.test/first-password/(\S+)$", result.output, re.M)
    assert found, result.output
    return found[1]


# The whole


def test_help_and_content_checks_need_no_settings(run: Run) -> None:
    for words in (["--help"], ["demo", "--help"], ["db", "--help"], ["import", "officers", "--help"]):
        assert run(*words, without="ELEARN_SECRET_KEY").exit_code == 0
    assert run("check", CONTENT, without="ELEARN_SECRET_KEY").exit_code in (0, 1)


def test_flasks_own_commands_are_there(run: Run) -> None:
    assert "/sign-in" in run("routes").output
    assert run("db", "upgrade").exit_code == 0


@pytest.mark.parametrize("words", [("routes",), ("serve",), ("officer", "link", "x"), ("init",)])
def test_settings_that_cannot_be_used_are_told_in_one_sentence(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, without="ELEARN_SECRET_KEY")
    assert result.exit_code == 2
    assert result.output.startswith("Error: ELEARN_SECRET_KEY is missing")
    assert len(result.output.strip().splitlines()) == 1


def test_a_database_without_tables_says_what_to_do(run: Run, settings: dict[str, str | None], tmp_path: Path) -> None:
    settings["ELEARN_DATABASE_URL"] = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    result = run("officer", "link", "x@model.test")
    assert result.exit_code == 2
    assert "elearn db upgrade" in result.output


# People


def test_init_sets_up_and_gives_the_first_administrator_a_link(
    run: Run, settings: dict[str, str | None], sqlite_app: Flask, tmp_path: Path
) -> None:
    result = run("init", "--email", "admin@model.test", "--name", "अरुण प्रकाश")
    assert result.exit_code == 0, result.output
    officer_id = one_time_links.officer_of(link_in(result), datetime.now(UTC))
    assert officer_id is not None
    found = people.person(officer_id, datetime.now(UTC))
    assert (found.names, found.roles) == ((("hi", "अरुण प्रकाश"),), (("administrator", ""),))
    again = run("init")
    assert again.exit_code == 0
    assert "already" in again.output


def test_init_asks_for_what_was_not_said(run: Run) -> None:
    result = run("init", input="admin@model.test\nArun Prakash\n")
    assert result.exit_code == 0
    assert link_in(result)


def test_one_officer_from_the_shell(run: Run, sqlite_app: Flask) -> None:
    now = datetime.now(UTC)
    people.add_office("MD", "Model District", now=now)
    added = run(
        "officer",
        "add",
        "meera@model.test",
        "--name",
        "Meera Devi",
        "--name-in",
        "hi=मीरा देवी",
        "--number",
        "md-1",
        "--office",
        "MD",
    )
    meera = one_time_links.officer_of(link_in(added), now)
    assert meera is not None
    assert dict(people.person(meera, now).names) == {"en": "Meera Devi", "hi": "मीरा देवी"}
    one_time_links.set_password(link_in(run("officer", "link", "MD-1")), PASSWORD, now)

    assert "supervisor in MD" in run("officer", "role", "meera@model.test", "supervisor", "--office", "md").output
    assert "without further roles" in run("officer", "role", "MD-1", "supervisor", "--office", "MD", "--end").output

    token = accounts.sign_in("meera@model.test", PASSWORD, "10.0.0.1", "", datetime.now(UTC))
    assert "was not linked with any single sign-on" in run("officer", "unlink-sso", "MD-1").output
    assert run("officer", "disable", "meera@model.test").exit_code == 0
    assert accounts.viewer_of(token, datetime.now(UTC)) is None
    assert run("officer", "enable", "meera@model.test").exit_code == 0
    assert accounts.sign_in("meera@model.test", PASSWORD, "10.0.0.1", "", datetime.now(UTC))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("officer", "link", "nobody@model.test"), "no officer with the e-mail or employee number nobody@model.test"),
        (("officer", "add", "meera", "--name", "Meera"), "must look like"),
        (("officer", "add", "m@model.test", "--name", "Me\u202era"), "cannot be seen"),
        (
            ("officer", "add", "m@model.test", "--name", "Meera", "--office", "NOWHERE"),
            "no office with the code NOWHERE",
        ),
        (("officer", "add", "boss@model.test", "--name", "Meera"), "Another officer has the e-mail"),
        (("officer", "role", "boss@model.test", "trainer", "--end"), "not held there"),
        (("officer", "role", "boss@model.test", "administrator", "--office", "MD"), "holds everywhere"),
        (("export", "completions", "no-course", "-o", "x.csv"), "No course no-course"),
        (("certificate", "revoke", "0" * 26, "--why", "x"), "There is no certificate"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(
    run: Run, sqlite_app: Flask, words: tuple[str, ...], said: str
) -> None:
    people.add_officer("boss@model.test", {"en": "Boss"}, now=datetime.now(UTC))
    result = run(*words)
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


# Lists


def test_a_roster_comes_in_with_a_verdict_for_each_row(
    run: Run, sqlite_app: Flask, roster_file: Callable[..., Path]
) -> None:
    path = roster_file(MEERA, "Far,far@model.test,MD-2,MD-BLK,")
    dry = run("import", "officers", path, "--dry-run", "--create-offices")
    assert (dry.exit_code, f"{path}:2: added New officer." in dry.output) == (0, True)
    assert "Nothing was written" in dry.output
    assert run("import", "officers", path, "--create-offices").exit_code == 0
    again = run("import", "officers", path)
    assert (again.exit_code, "0 added, 0 changed, 2 unchanged, 0 refused" in again.output) == (0, True)


def test_a_refused_row_ends_with_1_and_nothing_is_written_unless_asked(
    run: Run, sqlite_app: Flask, roster_file: Callable[..., Path]
) -> None:
    path = roster_file(MEERA, "Far,far,MD-2,MD-COL,")
    result = run("import", "officers", path, "--create-offices")
    assert result.exit_code == 1
    assert f"{path}:3: refused[bad-email] The e-mail must look like" in result.output
    with pytest.raises(people.NoSuchOfficer):
        people.find_officer("MD-0142")
    assert run("import", "officers", path, "--create-offices", "--skip-bad").exit_code == 1
    assert people.find_officer("MD-0142")


def test_an_unreadable_roster_ends_with_2(run: Run, sqlite_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(f"{HEADER}\n{MEERA}\n".encode("utf-16"))
    result = run("import", "officers", path)
    assert (result.exit_code, "UTF-16" in result.output) == (2, True)
    assert run("import", "officers", tmp_path / "missing.csv").exit_code == 2


def test_a_file_does_not_steer_the_terminal(run: Run, sqlite_app: Flask, roster_file: Callable[..., Path]) -> None:
    result = run("import", "officers", roster_file(MEERA, header=f"{HEADER},\x1b[2Jevil"))
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "\\x1b[2jevil" in result.output


def test_a_completion_list_is_written(run: Run, sqlite_app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera")
    path = tmp_path / "list.csv"
    result = run("export", "completions", COURSE, "--office", "collectorate", "-o", path)
    assert result.exit_code == 0, result.output
    assert "1 rows" in result.output
    assert "MD-0001" in path.read_text(encoding="utf-8-sig")
    assert run("export", "completions", COURSE, "--as-of", "yesterday", "-o", path).exit_code == 2
    assert run("export", "completions", COURSE, "--as-of", "2020-01-01", "-o", path).exit_code == 0


# Content and certificates


def test_content_is_checked_in_three_formats(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    shutil.copytree(CONTENT / COURSE, folder / COURSE)
    lesson = next((folder / COURSE).glob("01-*/01-*.en.md"))
    lesson.write_text(lesson.read_text().replace("\ntitle:", "\nno_such_key: 1\ntitle:", 1))
    text = run("check", folder)
    assert text.exit_code == 1
    assert re.search(rf"^{re.escape(str(lesson))}:\d+:\d+: error\[[a-z-]+\] ", text.output, re.M)
    found = json.loads(run("check", folder, "--format", "json").output)
    assert {"path", "line", "column", "severity", "code", "message", "hint"} <= set(found[0])
    assert "::error" in run("check", folder, "--format", "github").output
    assert run("check", tmp_path / "nowhere").exit_code == 2


def test_certificates_are_verified_and_revoked(run: Run, sqlite_app: Flask, given: Given, tmp_path: Path) -> None:
    meera = given.officer("Meera")
    accounts.sign_in(meera.email, PASSWORD, "10.0.0.1", "", given.now)
    given.completed(meera, minutes_a_lesson=12)
    serial = certificates.of_officer(meera.id)[0].serial
    document = tmp_path / "certificate.json"
    document.write_text(json.dumps(certificates.document(serial)))

    good = run("certificate", "verify", serial.lower(), document)
    assert (good.exit_code, good.output) == (0, f"valid  {serial}\n" * 2)
    document.write_text(document.read_text().replace("Meera", "Maria"))
    bad = run("certificate", "verify", serial, document, "0" * 26)
    assert bad.exit_code == 1
    assert [line.split()[0] for line in bad.output.splitlines()] == ["valid", "altered", "unknown"]
    assert run("certificate", "revoke", serial, "--why", "Issued to the wrong person").exit_code == 0
    assert run("certificate", "verify", serial).output == f"revoked  {serial}\n"
    assert run("certificate", "revoke", serial, "--why", "again").exit_code == 1


def test_a_withheld_certificate_is_issued_once_the_name_is_mended(run: Run, sqlite_app: Flask, given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera \U00013000"})
    given.completed(meera, minutes_a_lesson=12)
    old = certificates.of_officer(meera.id)[0].serial
    waiting = run("reconcile")
    assert waiting.exit_code == 1
    assert f"withheld  {old}" in waiting.output
    assert "U+13000" in waiting.output
    assert run("officer", "name", meera.email, "en").exit_code == 2
    assert run("officer", "name", meera.email, "en=Meera Devi", "hi=मीरा देवी", "--primary").exit_code == 0
    mended = run("reconcile")
    assert mended.exit_code == 0
    assert f"Meera Devi  (supersedes {old})" in mended.output
    assert run("reconcile").output == ""
    (line,) = [line for line in mended.output.splitlines() if old in line]
    serial = line.split()[1]
    again = run("certificate", "reissue", serial)
    assert again.output.startswith("valid  ")
    assert run("certificate", "reissue", serial).exit_code == 1
    assert run("certificate", "verify", serial).output == f"superseded  {serial}\n"


# Records


def test_a_backup_is_made_verified_and_restored(
    run: Run, sqlite_app: Flask, given: Given, settings: dict[str, str | None], tmp_path: Path
) -> None:
    given.officer("Meera")
    path = tmp_path / "one.backup"
    made = run("backup", path)
    assert (made.exit_code, "signing keys are not in it" in made.output) == (0, True), made.output
    again = run("backup", path)
    assert (again.exit_code, "--replace" in again.output) == (1, True)
    assert run("backup", path, "--replace", "--with-signing-keys").exit_code == 0
    verified = run("restore", path, "--verify")
    assert verified.exit_code == 0, verified.output
    assert re.search(r"^officer +1 +1$", verified.output, re.M)
    assert "1 officers, 2 ledger entries" in verified.output
    assert verified.output.endswith("nothing was changed.\n")
    taken = run("restore", path)
    assert (taken.exit_code, "--replace-records" in taken.output) == (1, True)
    settings["ELEARN_DATABASE_URL"] = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    restored = run("restore", path)
    assert (restored.exit_code, "Restored. Start the server." in restored.output) == (0, True), restored.output
    assert run("audit", "--deep").exit_code == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data[:-1], "cut off"),
        (lambda data: data[:999] + b"x" + data[1000:], "not as it was written"),
        (lambda data: b"-- a dump\n" + data, "not a backup"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_in_one_sentence(
    run: Run, sqlite_app: Flask, tmp_path: Path, change: Callable[[bytes], bytes], sentence: str
) -> None:
    path = tmp_path / "one.backup"
    assert run("backup", path).exit_code == 0
    path.write_bytes(change(path.read_bytes()))
    for words in (["restore", path], ["restore", path, "--verify"]):
        result = run(*words)
        assert result.exit_code == 1
        assert result.output.startswith("Error: This backup is not restored.")
        assert sentence in result.output


def test_an_audit_names_a_row_and_ends_with_1(run: Run, sqlite_app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera")
    heads = tmp_path / "heads"
    clean = run("audit", "--deep", "--checkpoint", heads)
    assert (clean.exit_code, "all hold" in clean.output) == (0, True), clean.output
    assert run("audit", "--against", heads).exit_code == 0
    with writing() as connection:
        connection.execute(text("UPDATE enrolment SET route = 'other'"))
    found = run("audit", "--deep", "--checkpoint", tmp_path / "more")
    assert found.exit_code == 1
    assert found.output.startswith("enrolment 1/ai-for-good-governance: is not in the ledger on this route\n")
    assert "1 do not hold" in found.output
    assert not (tmp_path / "more").exists()
    assert run("audit").exit_code == 0, "only a deep audit looks at enrolments"
    heads.write_text("nothing\n")
    refused = run("audit", "--against", heads)
    assert (refused.exit_code, refused.output.startswith("Error: ")) == (1, True)


# Serving


def test_an_officer_is_given_her_data_and_erased(run: Run, sqlite_app: Flask, given: Given, tmp_path: Path) -> None:
    meera, path = given.officer("Meera"), tmp_path / "meera.zip"
    done = run("privacy", "export", meera.email, "-o", path)
    assert done.exit_code == 0, done.output
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_zipfile(path)
    refused = run("privacy", "erase", meera.email, input="yes\n")
    assert (refused.exit_code, "Nothing was erased." in refused.output) == (1, True)
    assert people.find_officer(meera.email) == meera.id
    erased = run("privacy", "erase", meera.email, input="erase\n")
    assert f"Officer {meera.id} is erased: " in erased.output
    again = run("privacy", "erase", meera.email, "--yes")
    assert again.exit_code == 1
    assert again.output == f"Error: There is no officer with the e-mail or employee number {meera.email}.\n"


def test_the_last_administrator_is_not_erased(run: Run, sqlite_app: Flask, given: Given) -> None:
    done = run("privacy", "erase", given.administrator().email, "--yes")
    assert (done.exit_code, done.output) == (1, "Error: She is the last administrator: make another one first.\n")


def test_a_breach_report_is_written(run: Run, sqlite_app: Flask, given: Given, tmp_path: Path) -> None:
    meera, path = given.officer("Meera"), tmp_path / "affected.csv"
    window = ("--since", given.now - timedelta(hours=1), "--until", given.now + timedelta(hours=1))
    done = run("privacy", "affected", *window, "-o", path)
    assert (done.exit_code, done.output) == (0, f"{path}: officers affected: 1\n")
    assert meera.email in path.read_text("utf-8-sig")
    assert path.stat().st_mode & 0o777 == 0o600
    assert run("privacy", "affected", *window, "--by", "nobody@model.test", "-o", path).exit_code == 1
    other_way = run("privacy", "affected", "--since", "2026-11-02", "--until", "2026-11-01", "-o", path)
    assert "--until must be later than --since." in other_way.output
    assert "--since needs a moment" in run("privacy", "affected", "--since", "x", "--until", "y", "-o", path).output


def test_the_retention_rule_is_told_and_kept(run: Run, sqlite_app: Flask) -> None:
    dry = run("retention", "--dry-run")
    assert (dry.exit_code, dry.output.splitlines()[-1]) == (0, "Nothing was written.")
    done = run("retention")
    assert [line.split(maxsplit=1)[1] for line in done.output.splitlines()] == [
        "access log lines",
        "one-time links",
        "ended sign-ins",
        "sign-ins without their code",
        "throttle rows",
        "addresses of erased officers",
        "stored questions",
        "stored pictures",
    ]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "learn.example", "::"])
def test_the_demo_is_served_on_this_machine_only(run: Run, tmp_path: Path, host: str) -> None:
    result = run("demo", "--host", host, "--data", tmp_path / "demo")
    assert result.exit_code == 2
    assert not (tmp_path / "demo").exists()


def test_a_port_that_is_taken_is_told_before_anything_is_made(run: Run, tmp_path: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        result = run("demo", "--port", port, "--data", tmp_path / "demo")
    assert result.exit_code == 2
    assert "--port" in result.output
    assert not (tmp_path / "demo").exists()


def test_the_demo_serves_and_keeps_clear_of_a_real_installation(
    settings: dict[str, str | None], tmp_path: Path, port: int, sqlite_url: str
) -> None:
    """It takes no database, key or mail server from the shell it is started in."""
    environment = os.environ | {name: value for name, value in settings.items() if value}
    command = [sys.executable, "-c", "from elearn.cli import main; main()", "demo", "--port", str(port)]
    for _ in range(2):  # the second start finds everything there
        server = subprocess.Popen(
            [*command, "--data", str(tmp_path / "demo")], env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            page = _page_of(server, f"http://127.0.0.1:{port}/sign-in")
        finally:
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate(timeout=60)
        assert 'name="password"' in page
        assert "officer2@demo.test" in output
        assert "ai-for-governance" in output
    secret = tmp_path / "demo" / "secret-key"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text() != SECRET
    assert b"demo.test" not in Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()


def _page_of(server: subprocess.Popen[str], url: str) -> str:
    """The page, as soon as the server answers."""
    for _ in range(600):
        assert server.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return str(response.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not begin to answer")

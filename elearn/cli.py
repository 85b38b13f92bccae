"""The `elearn` command: what an operator, an administrator or a trainer does from a shell."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import click
import flask_migrate
import flask_migrate.cli
from flask import Flask, current_app
from flask.cli import FlaskGroup, NoAppException, routes_command, shell_command
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from config import BadSetting, Config, from_environment
from elearn import create_app
from elearn.domain.problems import has_errors
from elearn.domain.roles import ROLES
from elearn.services import accounts, certificates, demo, library, people, reports, roster

THREADS = 16
MOST_WORKERS = 8
# What the demo takes over from the shell; never a database, a key or a mail server that may be somebody's real one.
DEMO_KEEPS = frozenset(
    {"ELEARN_CONTENT_DIR", "ELEARN_PRIVATE_CONTENT_DIR", "ELEARN_ORGANISATION", "ELEARN_TIMEZONE"}
    | {"ELEARN_DEFAULT_LANGUAGE"}
)

# What services raise at whoever types a command, and what to say then; {} is the error's own text.
SENTENCES: Mapping[type[Exception], str] = {
    people.BadName: "{}",
    people.BadEmail: "{}",
    people.BadNumber: "{}",
    people.BadCode: "{}",
    people.EmailTaken: "Another officer has the e-mail {}.",
    people.NumberTaken: "Another officer has the employee number {}.",
    people.NoSuchOffice: "There is no office with the code {}.",
    people.NoSuchOfficer: "There is no officer with the e-mail or employee number {}.",
    people.NoSuchRole: "{}.",
    library.NotServed: "No course {} is being served.",
    reports.NoSuchOffice: "There is no office with the code {}.",
    certificates.UnknownCertificate: "There is no certificate {}.",
    certificates.NotCurrent: "{}: only a valid or withheld certificate can be revoked or issued again.",
    demo.NotForDemo: "{} The demo adds accounts with a known password: give it another --data folder.",
}


class Unusable(NoAppException):
    """The settings do not allow the application to start."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {self.format_message()}", file=file, err=file is None)


class Commands(FlaskGroup):
    """Flask's own commands beside ours; a failure that has a name is told in one sentence."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        # Flask would start the application here, which asks for settings that help and content checks do not need.
        return click.Group.get_command(self, ctx, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return click.Group.list_commands(self, ctx)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except tuple(SENTENCES) as error:
            sentence = next(text for kind, text in SENTENCES.items() if isinstance(error, kind))
            raise click.ClickException(sentence.format(error)) from error
        except BadSetting as error:
            raise Unusable(str(error)) from error
        except ProgrammingError as error:
            raise Unusable(
                f"The database is not set up for this version: run `elearn db upgrade`. ({error.orig})"
            ) from error
        except (OperationalError, InterfaceError) as error:
            hint = "run `elearn db upgrade`" if "no such table" in str(error.orig) else "is it running and writable?"
            raise Unusable(f"The database cannot be used; {hint} ({error.orig})") from error


def _create() -> Flask:
    try:
        return create_app()
    except (BadSetting, OSError) as error:
        raise Unusable(str(error)) from error


@click.group(cls=Commands, create_app=_create, add_default_commands=False, load_dotenv=False, set_debug_flag=False)
def main() -> None:
    """Runs and looks after an e-learning system. Settings come from the environment (ELEARN_…)."""


main.params = []  # Flask's own: which application, debugging, a file of settings
for command in (flask_migrate.cli.db, routes_command, shell_command):
    main.add_command(command)


# Serving


@main.command("demo", with_appcontext=False)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--data", default="instance", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address than loopback is refused.")
def demo_command(port: int, data: Path, host: str) -> None:
    """Tries everything out on this machine: a database of its own, demo people, and the pages."""
    if not _is_loopback(host):
        raise click.UsageError(f"The demo has known passwords, so it is served on this machine only, not on {host}.")
    _refuse_taken_port(host, port)
    _set_demo_environment(port, data)
    app = _create()
    with app.app_context():
        flask_migrate.upgrade()
        demo.seed(_now())
    click.echo(
        f"\nServing http://127.0.0.1:{port}  (stop with Ctrl+C)\n\nSign in as one of these, password {demo.PASSWORD}"
    )
    for line in demo.sign_in_lines():
        click.echo(f"  {line}")
    click.echo()
    _serve(lambda: app, f"{host}:{port}", workers=1, log_level="warning")


@main.command("serve", with_appcontext=False)
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="host:port, or unix:/path/to/socket")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; computed from the cores, 1 on SQLite.")
def serve_command(bind: str, workers: int | None) -> None:
    """Serves the pages, for a reverse proxy in front of it. Settings come from the environment."""
    config = from_environment()
    _serve(_create, bind, workers or _workers(config), log_level="info")


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


def _kept_secret(path: Path) -> str:
    """A secret that stays the same from one demo to the next, so that nobody is signed out by a restart."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()


# Setting up, and one person from the shell


@main.command("init")
@click.option("--email", help="Of the first administrator.")
@click.option("--name", help="Of the first administrator, as it is to be shown.")
def init_command(email: str | None, name: str | None) -> None:
    """Sets up an installation: folders, signing keys, database, and the first administrator."""
    flask_migrate.upgrade()
    config: Config = current_app.config["ELEARN"]
    click.echo(f"Data are in {config.data_dir}, signing keys in {config.signing_keys}.")
    if people.has_administrator(_now()):
        click.echo("There is an administrator already. For a fresh link: elearn officer link E-MAIL")
        return
    email = email or click.prompt("E-mail of the first administrator")
    name = name or click.prompt("Name of the first administrator")
    officer_id = people.add_officer(email, {people.language_of(name): name}, now=_now())
    people.grant_role(officer_id, "administrator", None, now=_now())
    _print_link(officer_id)


@main.group("officer")
def officer_group() -> None:
    """One person: add, print a sign-in link, shut out, grant or take a role."""


@officer_group.command("add")
@click.argument("email")
@click.option("--name", required=True, help="As it stands on certificates.")
@click.option("--name-in", "more_names", multiple=True, metavar="TAG=NAME", help="The name in another language: hi=…")
@click.option("--number", default="", help="Employee number.")
@click.option("--office", default="", help="Code of the office.")
@click.option("--designation", default="")
@click.option("--route", default="", help="Route through the courses; without it the first.")
@click.option("--language", default="en", show_default=True, help="Of letters and pages.")
def officer_add(
    email: str,
    name: str,
    more_names: tuple[str, ...],
    number: str,
    office: str,
    designation: str,
    route: str,
    language: str,
) -> None:
    """Adds an officer, enrolled in every course, and prints the link for the first password."""
    names = {people.language_of(name): name}
    names.update(_pairs(more_names))
    officer_id = people.add_officer(
        email,
        names,
        employee_number=number,
        office=office,
        designation=designation,
        courses=library.courses(),
        route=route,
        language=language,
        now=_now(),
    )
    _print_link(officer_id)


@officer_group.command("link")
@click.argument("officer")
def officer_link(officer: str) -> None:
    """Prints a fresh link with which OFFICER (e-mail or employee number) sets a password, once."""
    _print_link(people.find_officer(officer))


@officer_group.command("disable")
@click.argument("officer")
def officer_disable(officer: str) -> None:
    """Ends all sign-ins of OFFICER and lets nobody in as her any more. Her records stay."""
    people.disable_officer(people.find_officer(officer), _now())
    click.echo(f"{officer} is shut out. To undo: elearn officer enable {officer}")


@officer_group.command("enable")
@click.argument("officer")
def officer_enable(officer: str) -> None:
    """Lets OFFICER in again."""
    people.enable_officer(people.find_officer(officer), _now())
    click.echo(f"{officer} may sign in again.")


@officer_group.command("name")
@click.argument("officer")
@click.argument("names", nargs=-1, required=True, metavar="TAG=NAME…")
@click.option("--primary", is_flag=True, help="The first one given stands first on certificates from now on.")
def officer_name(officer: str, names: tuple[str, ...], primary: bool) -> None:
    """Gives OFFICER a name in a language, or another one there. A certificate issued before keeps the old name until
    it is issued again."""
    officer_id = people.find_officer(officer)
    for number, (tag, text) in enumerate(_pairs(names)):
        people.set_name(officer_id, tag, text, _now(), primary=primary and number == 0)
        click.echo(f"{officer}: {tag} {text}")


@officer_group.command("role")
@click.argument("officer")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--office", help="Code of the office it holds in, with all below; without it everywhere.")
@click.option("--end", is_flag=True, help="Takes the role away.")
def officer_role(officer: str, role: str, office: str | None, end: bool) -> None:
    """Gives OFFICER a role, or takes it away; all her sign-ins end."""
    officer_id = people.find_officer(officer)
    if end:
        people.end_role(officer_id, role, office, _now())
    else:
        people.grant_role(officer_id, role, office, _now())
    roles = people.person(officer_id, _now()).roles
    held = ", ".join(f"{name} in {code}" if code else f"{name} everywhere" for name, code in roles)
    click.echo(f"{officer} is now {held or 'an officer without further roles'}.")


def _pairs(given: tuple[str, ...]) -> list[tuple[str, str]]:
    """(language tag, name) from hi=…"""
    for pair in given:
        if "=" not in pair:
            raise click.UsageError(f"A name is given as TAG=NAME, such as hi=…, not {pair!r}.")
    return [(pair.partition("=")[0], pair.partition("=")[2]) for pair in given]


def _print_link(officer_id: int) -> None:
    token = accounts.one_time_link(officer_id, _now())
    config: Config = current_app.config["ELEARN"]
    click.echo(f"Good once, for {accounts.FIRST_LINK_HOURS} hours; give it to nobody but the officer:")
    click.echo(f"{config.base_url}/first-password/{token}")


# Lists in and out


@main.group("import")
def import_group() -> None:
    """Brings lists in from files."""


@import_group.command("officers")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Judges every row and writes nothing.")
@click.option("--create-offices", is_flag=True, help="Adds offices whose codes are not known, at the top.")
@click.option("--skip-bad", is_flag=True, help="Takes the good rows even where others are refused.")
@click.pass_context
def import_officers(ctx: click.Context, file: Any, dry_run: bool, create_offices: bool, skip_bad: bool) -> None:
    """Imports a roster: a verdict per row, all or nothing unless --skip-bad; again = no change.

    Exit status: 0 all accepted, 1 something refused, 2 the file cannot be read.
    """
    options = {"dry_run": dry_run, "create_offices": create_offices, "skip_bad": skip_bad}
    try:
        report = roster.import_officers(file, library.courses(), _now(), **options)
    except roster.Unreadable as error:
        click.echo(f"{file.name}: {error}", err=True)
        ctx.exit(2)
    except roster.ChangedMeanwhile as error:
        raise click.ClickException("Somebody else added the same officers just now. Import the file again.") from error
    for verdict in report.verdicts:
        code = f"[{verdict.code}]" if verdict.outcome == "refused" else ""
        click.echo(_one_line(f"{file.name}:{verdict.line}: {verdict.outcome}{code} {verdict.sentence}"))
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in roster.OUTCOMES)
    click.echo(counts + (f"; offices added: {', '.join(report.offices_made)}" if report.offices_made else "") + ".")
    if not report.written:
        click.echo(
            "Nothing was written." if dry_run or not report.refused else "Nothing was written: mend the refused rows."
        )
    ctx.exit(1 if report.refused else 0)


@main.group("export")
def export_group() -> None:
    """Writes lists to files."""


@export_group.command("completions")
@click.argument("course")
@click.option("--format", "file_format", default="csv", show_default=True, type=click.Choice(list(reports.FORMATS)))
@click.option("--office", "offices", multiple=True, help="Code of an office, with all below it; may be repeated.")
@click.option("--as-of", help="A moment such as 2026-11-23 or 2026-11-23T14:00: the list as it was then.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def export_completions(
    course: str, file_format: str, offices: tuple[str, ...], as_of: str | None, output: Path
) -> None:
    """Writes the list a supervisor downloads, for all or some offices, and its SHA-256 beside it."""
    library.course(course)
    made = reports.write_completions(course, offices, _moment(as_of), output, file_format, _now())
    click.echo(f"{output}: {made.rows} rows, SHA-256 {made.sha256}")


# Content and certificates


@main.command("check", with_appcontext=False)
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "file_format", default="text", show_default=True, type=click.Choice(list(library.FORMATS)))
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.pass_context
def check_command(ctx: click.Context, path: Path | None, file_format: str, strict: bool) -> None:
    """Names every problem of the content under PATH. Exit status: 0 clean, 1 problems, 2 could not read."""
    place = path or Path(os.environ.get("ELEARN_CONTENT_DIR") or "content")
    try:
        problems = library.check(place, date.today())
    except OSError as error:
        click.echo(f"{place}: {error.strerror or error}", err=True)
        ctx.exit(2)
    text = library.FORMATS[file_format](problems)
    if text:
        click.echo(text, nl=not text.endswith("\n"))
    ctx.exit(1 if has_errors(problems) or (strict and problems) else 0)


@main.group("certificate")
def certificate_group() -> None:
    """Checks certificates, revokes them, and issues them again."""


@certificate_group.command("verify")
@click.argument("certificates_given", metavar="FILE|SERIAL…", nargs=-1, required=True)
@click.pass_context
def certificate_verify(ctx: click.Context, certificates_given: tuple[str, ...]) -> None:
    """Says of each signed record or serial whether it is valid. Exit status 0 only when all are."""
    states = [_verified(given) for given in certificates_given]
    ctx.exit(0 if all(state == "valid" for state in states) else 1)


@certificate_group.command("revoke")
@click.argument("serial")
@click.option("--why", required=True, help="Shown on the certificate's page.")
def certificate_revoke(serial: str, why: str) -> None:
    """Revokes a certificate for good."""
    revoked = certificates.revoke(serial, why, _now())
    click.echo(f"{revoked.state}  {revoked.serial}")


@certificate_group.command("reissue")
@click.argument("serial")
def certificate_reissue(serial: str) -> None:
    """Issues a certificate again, with the officer's names as they are now; the old one becomes superseded."""
    old = certificates.find(serial).serial
    new = certificates.reissue(serial, _now())
    click.echo(_one_line(f"{new.state}  {new.serial}  {new.record.name}  (supersedes {old})"))


@main.command("reconcile")
@click.pass_context
def reconcile_command(ctx: click.Context) -> None:
    """Issues the certificates that are owed: withheld ones whose names can be set by now. Exit status 0 only when none
    is left waiting."""
    for old, new in certificates.reissue_withheld(_now()):
        click.echo(_one_line(f"issued    {new.serial}  {new.record.name}  (supersedes {old.serial})"))
    waiting = certificates.withheld()
    for one in waiting:
        click.echo(_one_line(f"withheld  {one.serial}  {one.record.name}  (no font has {one.why})"))
    ctx.exit(1 if waiting else 0)


def _verified(given: str) -> str:
    path = Path(given)
    if path.is_file():
        state, record = certificates.check_document(path.read_bytes())
    else:
        state, record = certificates.check_serial(given)
    of_module = f"  (statement about the module {record.module})" if record and record.module else ""
    click.echo(_one_line(f"{state}  {record.serial if record else given}{of_module}"))
    return state


def _moment(text: str | None) -> datetime | None:
    """A moment as typed; without a zone, in that of the site."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--as-of needs a moment such as 2026-11-23T14:00, not {text!r}.") from None
    config: Config = current_app.config["ELEARN"]
    return (moment if moment.tzinfo else moment.replace(tzinfo=config.timezone)).astimezone(UTC)


def _one_line(text: str) -> str:
    """Keeps a file's own words from steering the terminal they are printed on."""
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else ascii(c)[1:-1] for c in text)


def _now() -> datetime:
    return datetime.now(UTC)

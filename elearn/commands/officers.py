"""People from the shell: the first administrator, and any one officer."""

from __future__ import annotations

import click
import flask_migrate
from flask.cli import AppGroup, with_appcontext

from elearn.commands.terminal import now, print_link, settings
from elearn.domain.roles import ROLES
from elearn.services import federation, library, people, second_factor


@click.command("init")
@click.option("--email", help="Of the first administrator.")
@click.option("--name", help="Of the first administrator, as it is to be shown.")
@with_appcontext
def init_command(email: str | None, name: str | None) -> None:
    """Sets up an installation: folders, signing keys, database, and the first administrator."""
    flask_migrate.upgrade()
    config = settings()
    click.echo(f"Data are in {config.data_dir}, signing keys in {config.signing_keys}.")
    if people.has_administrator(now()):
        click.echo("There is an administrator already. For a fresh link: elearn officer link E-MAIL")
        return
    email = email or click.prompt("E-mail of the first administrator")
    name = name or click.prompt("Name of the first administrator")
    officer_id = people.add_officer(email, {people.language_of(name): name}, now=now())
    people.grant_role(officer_id, "administrator", None, now=now())
    print_link(officer_id)
    click.echo("Whether anything else is missing, `elearn doctor` tells.")


@click.group("officer", cls=AppGroup)
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
        now=now(),
    )
    print_link(officer_id)


@officer_group.command("link")
@click.argument("officer")
def officer_link(officer: str) -> None:
    """Prints a fresh link with which OFFICER (e-mail or employee number) sets a password, once."""
    print_link(people.find_officer(officer))


@officer_group.command("disable")
@click.argument("officer")
def officer_disable(officer: str) -> None:
    """Ends all sign-ins of OFFICER and lets nobody in as her any more. Her records stay."""
    people.disable_officer(people.find_officer(officer), now())
    click.echo(f"{officer} is shut out. To undo: elearn officer enable {officer}")


@officer_group.command("unlink-sso")
@click.argument("officer")
def officer_unlink(officer: str) -> None:
    """Forgets which single sign-on OFFICER comes in with, and ends all her sign-ins: her next one links anew."""
    if federation.unlink(people.find_officer(officer), now()):
        click.echo(f"{officer} is linked with no single sign-on any more.")
    else:
        click.echo(f"{officer} was not linked with any single sign-on.")


@officer_group.command("enable")
@click.argument("officer")
def officer_enable(officer: str) -> None:
    """Lets OFFICER in again."""
    people.enable_officer(people.find_officer(officer), now())
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
        people.set_name(officer_id, tag, text, now(), primary=primary and number == 0)
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
        people.end_role(officer_id, role, office, now())
    else:
        people.grant_role(officer_id, role, office, now())
    roles = people.person(officer_id, now()).roles
    held = ", ".join(f"{name} in {code}" if code else f"{name} everywhere" for name, code in roles)
    click.echo(f"{officer} is now {held or 'an officer without further roles'}.")


@officer_group.command("factor")
@click.argument("officer")
@click.option("--reset", is_flag=True, help="For a lost device: takes it away, and ends all sign-ins.")
def officer_factor(officer: str, reset: bool) -> None:
    """Tells whether OFFICER has a second factor, or resets it; until another one is set up the password alone lets
    her in."""
    officer_id = people.find_officer(officer)
    if reset and second_factor.reset(officer_id, now()):
        click.echo(f"The second factor of {officer} is reset, and all sign-ins have ended.")
        return
    state = second_factor.state_of(officer_id)
    if state.set_up_at:
        left = f"{state.codes_left} recovery codes are left"
        click.echo(f"{officer} has had a second factor since {state.set_up_at:%Y-%m-%d}; {left}.")
    else:
        click.echo(f"{officer} has no second factor.")


def _pairs(given: tuple[str, ...]) -> list[tuple[str, str]]:
    """(language tag, name) from hi=…"""
    for pair in given:
        if "=" not in pair:
            raise click.UsageError(f"A name is given as TAG=NAME, such as hi=…, not {pair!r}.")
    return [(pair.partition("=")[0], pair.partition("=")[2]) for pair in given]

"""Personal data from the shell: what is kept about one officer, erasing her, a breach, what is kept no longer."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext

from elearn.commands.terminal import moment, now
from elearn.services import affected, people, privacy, retention

CONFIRMATION = "erase"


@click.group("privacy", cls=AppGroup)
def privacy_group() -> None:
    """What the law gives an officer, and what it asks for after a breach."""


@privacy_group.command("export")
@click.argument("officer")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def privacy_export(officer: str, output: Path) -> None:
    """Writes everything that is kept about OFFICER (e-mail or employee number) as a ZIP: JSON, and a page to read."""
    made = privacy.export(people.find_officer(officer), now())
    _make_private(output)
    output.write_bytes(made)
    click.echo(f"{output}: {len(made):,} bytes. It holds personal data: give it to nobody but the officer.")


@privacy_group.command("erase")
@click.argument("officer")
@click.option("--yes", is_flag=True, help="Does not ask again.")
def privacy_erase(officer: str, yes: bool) -> None:
    """Erases who OFFICER is, for good. What she did stays under a bare number; certificates can still be checked."""
    officer_id = people.find_officer(officer)
    if not yes and click.prompt(f"This cannot be undone. Type {CONFIRMATION} to erase {officer}") != CONFIRMATION:
        raise click.ClickException("Nothing was erased.")
    done = privacy.erase(officer_id, now())
    touched = ", ".join(f"{number} in {table}" for table, number in done.touched.items() if number)
    click.echo(f"Officer {done.officer_id} is erased: {touched}. Backups made before still hold her data.")


@privacy_group.command("affected")
@click.option("--since", required=True, help="A moment such as 2026-11-23 or 2026-11-23T14:00.")
@click.option("--until", required=True, help="Likewise; what happened before it counts.")
@click.option("--by", help="Only what the account of this officer (e-mail or employee number) did.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def privacy_affected(since: str, until: str, by: str | None, output: Path) -> None:
    """Writes whose data could have been seen or changed in a window of time, why, and whom to write to, as CSV."""
    first, last = moment(since, "--since"), moment(until, "--until")
    if not first or not last or first >= last:
        raise click.UsageError("--until must be later than --since.")
    _make_private(output)
    window = affected.Window(first, last, people.find_officer(by) if by else None)
    click.echo(f"{output}: officers affected: {affected.write_affected(window, output, now())}")


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Counts what would go, and writes nothing.")
@with_appcontext
def retention_command(dry_run: bool) -> None:
    """Deletes what the rule no longer keeps: old lines of the access log, spent links and sign-ins, and so on."""
    for kind in retention.keep_to_the_rule(now(), dry_run):
        click.echo(f"{kind.count:9,}  {kind.name}")
    if dry_run:
        click.echo("Nothing was written.")


def _make_private(path: Path) -> None:
    """Before anything personal stands in it."""
    path.touch(0o600)
    path.chmod(0o600)

"""Lists in and out: rosters, completions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from elearn.commands.terminal import moment, now, one_line
from elearn.services import library, reports, roster


@click.group("import", cls=AppGroup)
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
        report = roster.import_officers(file, library.courses(), now(), **options)
    except roster.Unreadable as error:
        click.echo(f"{file.name}: {error}", err=True)
        ctx.exit(2)
    except roster.ChangedMeanwhile as error:
        raise click.ClickException("Somebody else added the same officers just now. Import the file again.") from error
    for verdict in report.verdicts:
        code = f"[{verdict.code}]" if verdict.outcome == "refused" else ""
        click.echo(one_line(f"{file.name}:{verdict.line}: {verdict.outcome}{code} {verdict.sentence}"))
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in roster.OUTCOMES)
    click.echo(counts + (f"; offices added: {', '.join(report.offices_made)}" if report.offices_made else "") + ".")
    if not report.written:
        click.echo(
            "Nothing was written." if dry_run or not report.refused else "Nothing was written: mend the refused rows."
        )
    ctx.exit(1 if report.refused else 0)


@click.group("export", cls=AppGroup)
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
    made = reports.write_completions(course, offices, moment(as_of), output, file_format, now())
    click.echo(f"{output}: {made.rows} rows, SHA-256 {made.sha256}")

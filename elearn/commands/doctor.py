"""Says what is wrong with an installation, each finding in one line with its mend."""

from __future__ import annotations

import os
from pathlib import Path

import click

from elearn.commands.terminal import now, one_line
from elearn.services import checkup

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"


@click.command("doctor")
@click.option("--quiet", is_flag=True, help="Only what is not fine.")
@click.pass_context
def doctor_command(ctx: click.Context, quiet: bool) -> None:
    """Looks at settings, files, keys, clock, disk, database, content, fonts, mail and the way in; changes nothing.
    Exit status: 0 nothing wrong or warnings only, 1 errors."""
    severities = []
    for finding in checkup.examine(os.environ, MIGRATIONS, now()):
        severities.append(finding.severity)
        if not quiet or finding.severity != "fine":
            click.echo(one_line(str(finding)))
    errors, warnings = severities.count("error"), severities.count("warning")
    if not quiet or errors or warnings:
        click.echo(f"{errors} errors, {warnings} warnings, {severities.count('fine')} fine")
    ctx.exit(1 if errors else 0)

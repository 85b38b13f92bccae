"""All records at once: kept in one file, put back from it, and looked through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click
from flask.cli import with_appcontext

from elearn.commands.terminal import now, one_line
from elearn.services import audit, backup, restore

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup")
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="An older FILE goes once the new one is whole.")
@click.option(
    "--with-signing-keys", is_flag=True, help="Also the private keys: whoever has the file can issue certificates."
)
@with_appcontext
def backup_command(file: Path, replace: bool, with_signing_keys: bool) -> None:
    """Writes records, content and public keys into FILE, while the server goes on, and reads it back."""
    try:
        made = backup.make_backup(file, now(), replace=replace, with_signing_keys=with_signing_keys)
    except backup.BackupExists:
        raise
    except OSError as error:
        raise click.ClickException(f"{file} was not written, and nothing was left behind: {error}") from error
    _print_counts(made.rows, {})
    click.echo(
        f"{file}: {made.size:,} bytes, {sum(made.rows.values()):,} rows of {len(made.rows)} tables at "
        f"{made.manifest['revision']}, from {made.manifest['engine']}."
    )
    if not with_signing_keys:
        click.echo("The private signing keys are not in it; keep a copy of them elsewhere.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--verify", is_flag=True, help="Restores into a database of its own, audits that, and changes nothing.")
@click.option("--replace-records", is_flag=True, help="Also over a database that holds people.")
@click.pass_context
@with_appcontext
def restore_command(ctx: click.Context, file: Path, verify: bool, replace_records: bool) -> None:
    """Makes an installation of FILE again: records, content, keys; all of it, or nothing. Stop the server first.

    Exit status: 0 restored and everything holds, 1 something does not hold or nothing was restored.
    """
    if verify:
        made = restore.verify_backup(file, now())
    else:
        made = restore.restore(file, now(), replace_records=replace_records)
    promised = {table["name"]: int(table["rows"]) for table in made.manifest["tables"]}
    _print_counts(promised, made.rows)
    differs = [name for name, rows in promised.items() if made.rows.get(name, rows) != rows]
    click.echo(f"Made at {one_line(str(made.manifest['made_at']))}, from {one_line(str(made.manifest['engine']))}.")
    if made.upgraded:
        click.echo("Brought from {} to {}.".format(*made.upgraded))
    for line in made.kept:
        click.echo(one_line(line))
    for finding in made.report.findings:
        click.echo(one_line(str(finding)))
    _print_looked_at(made.report.counts, len(made.report.findings))
    click.echo("It can be restored; nothing was changed." if verify else "Restored. Start the server.")
    ctx.exit(1 if differs or made.report.findings else 0)


@click.command("audit")
@click.option("--deep", is_flag=True, help="Also standings, scores, the facts of certificates, and the database.")
@click.option("--checkpoint", type=_FILE, help="Writes where all ledgers end, signed, into this file, if all holds.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A checkpoint of before.")
@click.pass_context
@with_appcontext
def audit_command(ctx: click.Context, deep: bool, checkpoint: Path | None, against: Path | None) -> None:
    """Recomputes ledgers and certificates, and names each row that does not hold. Exit status 0 only when all hold."""
    counts: Counter[str] = Counter()
    found = 0
    for finding in audit.findings(counts, now(), deep=deep, against=against, checkpoint=checkpoint):
        found += 1
        click.echo(one_line(str(finding)))
    _print_looked_at(counts, found)
    if checkpoint:
        click.echo(f"{checkpoint}: not written, since something does not hold." if found else f"{checkpoint}: written.")
    ctx.exit(1 if found else 0)


def _print_counts(promised: Mapping[str, int], counted: Mapping[str, int]) -> None:
    """A line for each table; the second number is what is there after a restore."""
    for name, rows in sorted(promised.items()):
        after = f" {counted[name]:>12,}" if name in counted else ""
        click.echo(f"{one_line(name):20} {rows:>12,}{after}")


def _print_looked_at(counts: Mapping[str, int], found: int) -> None:
    looked_at = ", ".join(f"{number:,} {what}" for what, number in counts.items())
    click.echo(f"{looked_at}: {'all hold' if not found else f'{found:,} do not hold'}.")

"""Everything is moved from SQLite to PostgreSQL, once an installation has grown up."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from config import database_url
from elearn.commands.terminal import settings
from elearn.services import moving

HASH_SHOWN = 16


@click.command("move")
@click.option(
    "--to", "url", envvar="ELEARN_MOVE_TO", metavar="URL", help="postgresql://…, empty; or say it by ELEARN_MOVE_TO."
)
@click.option("--reopen", is_flag=True, help="Lets a database that was moved be changed again.")
@with_appcontext
def move_command(url: str | None, reopen: bool) -> None:
    """Moves everything to an empty PostgreSQL database and proves that it arrived; this one can only be read then.

    Whatever goes wrong, both databases are as they were.
    """
    if reopen:
        click.echo(f"{moving.reopen()} tables can be changed again in {settings().database_url}.")
        return
    if not url:
        raise click.UsageError("Say where to: --to postgresql://user@host/database.")
    proof = moving.move(database_url(url, settings().data_dir))
    _print_tables(proof.tables)
    click.echo(", ".join(f"{number:,} {what}" for what, number in proof.audited.items()) + ": audited there, all hold")
    click.echo(
        "\nMoved. The old database can still be read, but takes no change any more.\n"
        "Now set ELEARN_DATABASE_URL to the new address and start the servers again."
    )


def _print_tables(moved: tuple[moving.MovedTable, ...]) -> None:
    width = max(len(one.name) for one in moved)
    hashes = f"{'SHA-256, old':<{HASH_SHOWN}}  {'SHA-256, new':<{HASH_SHOWN}}"
    click.echo(f"{'table':<{width}}  {'rows, old':>10}  {'rows, new':>10}  {hashes}")
    for one in moved:
        shown = f"{one.sha256[:HASH_SHOWN]}  {one.sha256_there[:HASH_SHOWN]}"
        verdict = "equal" if one.equal else "DIFFERENT"
        click.echo(f"{one.name:<{width}}  {one.rows:>10}  {one.rows_there:>10}  {shown}  {verdict}")

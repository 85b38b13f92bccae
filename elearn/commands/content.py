"""Content as trainers write it, looked through."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import click

from elearn.domain.problems import has_errors
from elearn.services import library


@click.command("check")
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

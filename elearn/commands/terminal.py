"""What all commands share: the moment, the application, and how something is said on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import IO, Any

import click
from flask import Flask, current_app
from flask.cli import NoAppException

from config import BadSetting, Config
from elearn import create_app
from elearn.services import one_time_links


class Unusable(NoAppException):
    """The settings do not allow the application to start."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {self.format_message()}", file=file, err=file is None)


def create() -> Flask:
    """The application behind the environment. Raises Unusable with one sentence."""
    try:
        return create_app()
    except (BadSetting, OSError) as error:
        raise Unusable(str(error)) from error


def settings() -> Config:
    """Of the application a command runs in."""
    config: Config = current_app.config["ELEARN"]
    return config


def now() -> datetime:
    """The moment a command counts as; services take it as an argument."""
    return datetime.now(UTC)


def moment(text: str | None, option: str = "--as-of") -> datetime | None:
    """A moment as typed; without a zone, in that of the site."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} needs a moment such as 2026-11-23T14:00, not {text!r}.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=settings().timezone)).astimezone(UTC)


def one_line(text: str) -> str:
    """Keeps a file's own words from steering the terminal they are printed on."""
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else ascii(c)[1:-1] for c in text)


def print_link(officer_id: int) -> None:
    token = one_time_links.make(officer_id, now())
    click.echo(f"Good once, for {one_time_links.FIRST_HOURS} hours; give it to nobody but the officer:")
    click.echo(f"{settings().base_url}/first-password/{token}")

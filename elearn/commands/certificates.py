"""Certificates from the shell: checked, revoked, issued again, issued where they are owed."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext

from elearn.commands.terminal import now, one_line
from elearn.services import certificates


@click.group("certificate", cls=AppGroup)
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
    revoked = certificates.revoke(serial, why, now())
    click.echo(f"{revoked.state}  {revoked.serial}")


@certificate_group.command("reissue")
@click.argument("serial")
def certificate_reissue(serial: str) -> None:
    """Issues a certificate again, with the officer's names as they are now; the old one becomes superseded."""
    old = certificates.find(serial).serial
    new = certificates.reissue(serial, now())
    click.echo(one_line(f"{new.state}  {new.serial}  {new.record.name}  (supersedes {old})"))


@click.command("reconcile")
@click.pass_context
@with_appcontext
def reconcile_command(ctx: click.Context) -> None:
    """Issues the certificates that are owed: withheld ones whose names can be set by now. Exit status 0 only when none
    is left waiting."""
    for old, new in certificates.reissue_withheld(now()):
        click.echo(one_line(f"issued    {new.serial}  {new.record.name}  (supersedes {old.serial})"))
    waiting = certificates.withheld()
    for one in waiting:
        click.echo(one_line(f"withheld  {one.serial}  {one.record.name}  (no font has {one.why})"))
    ctx.exit(1 if waiting else 0)


def _verified(given: str) -> str:
    path = Path(given)
    if path.is_file():
        state, record = certificates.check_document(path.read_bytes())
    else:
        state, record = certificates.check_serial(given)
    of_module = f"  (statement about the module {record.module})" if record and record.module else ""
    click.echo(one_line(f"{state}  {record.serial if record else given}{of_module}"))
    return state

"""The `elearn` command: what an operator, an administrator or a trainer does from a shell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import flask_migrate.cli
from flask.cli import FlaskGroup, routes_command, shell_command
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from config import BadSetting
from elearn.commands import certificates as certificate_commands
from elearn.commands import content, doctor, lists, moving, officers, privacy, records, serving
from elearn.commands.terminal import Unusable, create
from elearn.services import backup, certificates, checkpoint, demo, ledger, library, people, reports, restore, retention
from elearn.services import privacy as privacy_services
from elearn.services.moving import NotMoved

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
    people.RoleWithoutOffice: "The role {} holds everywhere: give it without --office.",
    library.NotServed: "No course {} is being served.",
    reports.NoSuchOffice: "There is no office with the code {}.",
    certificates.UnknownCertificate: "There is no certificate {}.",
    certificates.NotCurrent: "{}: only a valid or withheld certificate can be revoked or issued again.",
    NotMoved: "{} Nothing was moved.",
    backup.NotSetUp: "{} Run: elearn init",
    backup.UnreadableRow: "No backup was written: somebody changed a row by hand. {}",
    backup.UnfitName: "No backup was written: rename {}; no colon or backslash can stand in a name.",
    backup.BackupExists: "{} is there already. With --replace it goes once the new backup is whole.",
    restore.BackupRefused: "This backup is not restored. {}",
    checkpoint.BadCheckpoint: "{}",
    restore.HoldsPeople: "The database holds people. Nothing was changed; with --replace-records they go.",
    restore.SomethingElse: "The database holds tables that are not ours ({}). Nothing was changed.",
    restore.StillInUse: "The database is in use: stop the server. Nothing was changed. ({})",
    restore.NoRoom: "{}",
    ledger.OfficerErased: "Officer {} is erased: nothing can be issued to her, nor changed about her, any more.",
    certificates.NoName: "Officer {} has no name to certify.",
    privacy_services.LastAdministrator: "She is the last administrator: make another one first.",
    privacy_services.AlreadyErased: "Officer {} is erased already.",
    retention.ClockAhead: "Nothing was deleted: nothing was noted since {}. Is the clock right? See `elearn doctor`.",
    demo.NotForDemo: "{} The demo adds accounts with a known password: give it another --data folder.",
}


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
        except DatabaseError as error:
            if "malformed" not in str(error.orig) and "not a database" not in str(error.orig):
                raise
            raise Unusable(
                f"The database is damaged: restore a backup with --replace-records. ({error.orig})"
            ) from error


@click.group(cls=Commands, create_app=create, add_default_commands=False, load_dotenv=False, set_debug_flag=False)
def main() -> None:
    """Runs and looks after an e-learning system. Settings come from the environment (ELEARN_…)."""


main.params = []  # Flask's own: which application, debugging, a file of settings
for command in (
    *(serving.demo_command, serving.serve_command),
    *(officers.init_command, officers.officer_group),
    doctor.doctor_command,
    *(lists.import_group, lists.export_group),
    content.check_command,
    *(records.backup_command, records.restore_command, records.audit_command),
    *(certificate_commands.certificate_group, certificate_commands.reconcile_command),
    moving.move_command,
    *(privacy.privacy_group, privacy.retention_command),
    *(flask_migrate.cli.db, routes_command, shell_command),
):
    main.add_command(command)

if __name__ == "__main__":
    main()

"""Examines an installation: settings, folders, keys, clock, disk, content, fonts, mail and the way in from outside.

It changes nothing, sends nothing, and needs no application that starts: settings that cannot be used are findings too.
"""

from __future__ import annotations

import ctypes
import difflib
import os
import re
import smtplib
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from config import BadSetting, Config, from_environment
from elearn.domain.checkup import (
    Finding,
    error,
    fine,
    judge_address,
    judge_disk,
    judge_moment,
    judge_secret,
    warning,
)
from elearn.domain.problems import has_errors
from elearn.exports.certificate_pdf import missing_glyphs
from elearn.exports.certificate_token import BadKeys, NoSigningKey, load_key_set, signing_key
from elearn.services import database_checkup, library, mail

SETTINGS_FILE = Path("/etc/elearn/elearn.env")
STAND_IN = "a secret in place of one that cannot be used"
EVERY_SCRIPT = "Meera Devi, मीरा देवी, মীরা দেবী, ꯃꯤꯔꯥ ꯗꯦꯕꯤ"
OUTSIDE_SECONDS = 5
ONCE_ONLY = ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of adjtimex(2)


def examine(environment: Mapping[str, str], migrations: Path, now: datetime) -> Iterator[Finding]:
    """Everything that was looked at, as it is found. What cannot even be looked at is a finding, and no end."""
    config, found = usable_settings(environment)
    yield from found
    checks = (
        lambda: (judge_secret(config.secret_key),) if config.secret_key != STAND_IN else (),
        lambda: settings_file(SETTINGS_FILE),
        lambda: folders(config),
        lambda: keys(config.signing_keys),
        lambda: disk(config.data_dir),
        lambda: clock(config.data_dir, now),
        lambda: database_checkup.examine(config.database_url, migrations, now),
        lambda: content(config, now),
        fonts,
        lambda: mail_server(config.mail_url, config.mail_from),
        lambda: judge_address(config.base_url, config.trusted_proxies),
        lambda: way_in(config.base_url),
    )
    for check in checks:
        try:
            yield from check()
        except Exception as problem:
            yield error("doctor", f"{type(problem).__name__}: {problem}", "Look at what this names; then run it again.")


def usable_settings(environment: Mapping[str, str]) -> tuple[Config, list[Finding]]:
    """The settings with each bad one left out, and what is wrong with those."""
    left = dict(environment)
    found: list[Finding] = []
    while True:
        try:
            # Never empty, or the process's own would be read instead.
            return from_environment(left or {"ELEARN_": ""}), [*found, *_unknown_settings(environment)]
        except BadSetting as problem:
            named = re.search(r"ELEARN_[A-Z_]+", str(problem))
            name = named[0] if named else ""
            if name == "ELEARN_SECRET_KEY" and left.get(name) != STAND_IN:
                left[name] = STAND_IN
            elif left.pop(name, None) is None:
                # One that is missing, where others of its kind are set (ELEARN_OIDC_…): without those it is not missed.
                kind = "_".join(name.split("_")[:2])
                rest = {n: value for n, value in left.items() if not n.startswith(f"{kind}_")}
                left = rest if kind and len(rest) < len(left) else {"ELEARN_SECRET_KEY": STAND_IN}
            found.append(error("settings", str(problem), f"Correct {name} and run this again."))


def _unknown_settings(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = [f"ELEARN_{field.name.upper()}" for field in fields(Config)]
    for name in sorted(environment):
        # config.py itself refuses what is none of the provider's settings.
        if name.startswith("ELEARN_") and name not in known and not name.startswith("ELEARN_OIDC_"):
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            mend = f"Did you mean {close[0]}?" if close else "Take it out; docs/operate.md lists all there are."
            yield warning("settings", f"{name} is no setting of this version, so it does nothing.", mend)


# Files


def settings_file(path: Path) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # settings came from elsewhere
    if mode & stat.S_IRWXO:
        yield error("settings", f"{path} can be read by everybody on this machine.", f"chmod 0640 {path}")
    else:
        yield fine("settings", f"{path} is for the server alone.")


def folders(config: Config) -> Iterator[Finding]:
    """Who may read and write the data; whether all of them belong to one user."""
    data = config.data_dir
    try:
        about = data.stat()
    except OSError as problem:
        yield error("data folder", f"{data}: {problem.strerror}.", "Run `elearn init` as the server's user.")
        return
    if about.st_mode & _OTHERS_MAY:
        yield error("data folder", f"{data} is open to others on this machine.", f"chmod 0700 {data}")
    if not os.access(data, os.W_OK | os.X_OK):
        yield error(
            "data folder", f"{data} is not writable.", f"Mount it writable; chown it to the server's user: {data}"
        )
    else:
        yield fine("data folder", f"{data} can be written.")
    strange = [path for path in _files(data) if path.lstat().st_uid != about.st_uid]
    if strange:
        yield error(
            "data folder",
            f"{strange[0]} and {len(strange) - 1} more belong to somebody else: a command was run by the wrong user.",
            f"chown -R --reference={data} {data}",
        )
    if os.geteuid() == 0 and about.st_uid != 0:
        yield warning("user", "This runs as root, which may do more than the server may.", "Use the `elearn` command.")


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and in those right under it."""
    for pattern in ("*", "*/*"):
        for path in folder.glob(pattern):
            if path.exists():
                yield path


def keys(path: Path) -> Iterator[Finding]:
    """Whether certificates can be signed, and by nobody else."""
    backup = "Put the file back from the backup. Without one, `elearn init` makes new keys; old certificates fail."
    try:
        key = signing_key(load_key_set(path))
        mode = path.stat().st_mode
    except FileNotFoundError:
        yield error("keys", f"{path} is not there.", f"New installation: run `elearn init`. Else: {backup}")
        return
    except (OSError, BadKeys, NoSigningKey) as problem:
        yield error("keys", f"{path}: {problem}", backup)
        return
    if mode & _OTHERS_MAY:
        yield error("keys", f"{path} can be read by others, who could issue certificates.", f"chmod 0600 {path}")
    else:
        yield fine("keys", f"certificates are signed with key {key.kid}.")


def disk(folder: Path) -> Iterator[Finding]:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    about = os.statvfs(there)
    yield judge_disk(str(there), about.f_bavail * about.f_frsize, about.f_favail if about.f_files else None)


# Time


def clock(data: Path, now: datetime) -> Iterator[Finding]:
    """Against the files that are there, and whether somebody keeps it right. The database judges for itself."""
    program = Path(__file__).parent.parent
    stamps = [(path.stat().st_mtime, path) for folder in (data, program) if folder.is_dir() for path in _files(folder)]
    newest, path = max(stamps, default=(0.0, program))
    ahead = judge_moment(now, datetime.fromtimestamp(newest, UTC), str(path))
    if ahead:
        yield ahead
    kept = kept_by_ntp()
    if kept:
        yield fine("clock", f"{now:%Y-%m-%d %H:%M} UTC, kept by a time server.")
    elif kept is None:
        yield warning("clock", "Whether a time server keeps it cannot be told here.", "Look with timedatectl.")
    else:
        yield warning(
            "clock",
            "No time server keeps it: none is set, or none can be reached.",
            "Set one of your network in chrony or systemd-timesyncd (CERT-In asks for NIC's or NPL's), allow UDP 123.",
        )


def kept_by_ntp() -> bool | None:
    """What the kernel says, as timedatectl shows it; None where there is no such kernel."""
    try:
        state = ctypes.create_string_buffer(512)  # struct timex is smaller; `modes` 0 only reads
        if ctypes.CDLL(None, use_errno=True).adjtimex(state) < 0:
            return None
    except (AttributeError, OSError):
        return None
    # modes (int, padded), offset, freq, maxerror, esterror (long each), status (int)
    long = ctypes.sizeof(ctypes.c_long)
    return not ctypes.c_int.from_buffer(state, 5 * long).value & _UNSYNCHRONISED


# What is shown


def content(config: Config, now: datetime) -> Iterator[Finding]:
    found = library.course_folders(config.content_dir)
    if not found:
        yield error("content", f"{config.content_dir} holds no course.", "Set ELEARN_CONTENT_DIR to where they are.")
    private = config.private_content_dir
    if private and not private.is_dir():
        yield error("content", f"{private} is not there.", "Correct ELEARN_PRIVATE_CONTENT_DIR, or mount it.")
    for folder in found:
        problems = library.problems_of(folder, private, now.date())
        errors = [problem for problem in problems if problem.severity == "error"]
        if has_errors(problems):
            message = f"{folder.name} does not compile ({len(errors)} errors); the first: {errors[0]}"
            yield error("content", message, f"elearn check {folder} names them all.")
        else:
            yield fine("content", f"{folder.name} is valid ({len(problems)} remarks for its trainers).")


def fonts() -> Iterator[Finding]:
    mend = "Install the program again: elearn/exports/fonts is not complete."
    try:
        missing = missing_glyphs(EVERY_SCRIPT)
    except Exception as problem:  # whatever a damaged font file makes its reader say
        yield error("fonts", f"a font of the certificates cannot be read: {problem}", mend)
        return
    if missing:
        yield error("fonts", f"no font has {' '.join(missing)}.", mend)
    else:
        yield fine("fonts", "certificates can be set in all four scripts.")


# What is around


def mail_server(mail_url: str, sender: str) -> Iterator[Finding]:
    if not mail_url:
        yield warning("mail", "None is set up: you hand out one-time links yourself.", "Set ELEARN_MAIL_URL.")
        return
    try:
        mail.look_in(mail_url)
    except (OSError, smtplib.SMTPException, ValueError) as problem:
        mend = "Is ELEARN_MAIL_URL right, the server up, its port open and its certificate trusted here?"
        yield error("mail", f"the mail server does not answer: {type(problem).__name__}: {problem}", mend)
    except mail.PasswordInTheOpen as problem:
        yield error("mail", f"{problem}: no password is sent in the open.", "Use smtps://, or a server with STARTTLS.")
    else:
        yield fine("mail", "the mail server answers; nothing was sent.")
    if sender.endswith("@localhost"):
        yield warning("mail", f"Letters come from {sender}.", "Set ELEARN_MAIL_FROM to an address that takes answers.")


def way_in(base_url: str) -> Iterator[Finding]:
    """Comes in as officers do, through the proxy."""
    address = f"{base_url}/health/live"
    asked = urllib.request.Request(address, headers={"User-Agent": "elearn doctor"})  # noqa: S310 # http or https, by config.py
    try:
        with urllib.request.urlopen(asked, timeout=OUTSIDE_SECONDS) as answer:  # noqa: S310 # as above
            headers = answer.headers
    except urllib.error.HTTPError as problem:
        yield warning("way in", f"{address} answers {problem.code}.", "Is the server up? Does the proxy lead to it?")
        return
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        mend = "Start the server; look at the proxy, its certificate, the firewall, and the name in this machine's DNS."
        yield warning("way in", f"{address} cannot be reached from here: {reason}.", mend)
        return
    twice = [name for name in ONCE_ONLY if len(headers.get_all(name, [])) > 1]
    if twice:
        mend = "Take add_header (nginx) or header (Caddy) for it out: the program sends it on every answer."
        yield warning("way in", f"the proxy sends {', '.join(twice)} a second time.", mend)
    else:
        yield fine("way in", f"{base_url} leads here.")

"""What an installation needs to be sound: the rules by which `elearn doctor` judges what it finds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

Severity = Literal["fine", "warning", "error"]

GIGABYTE = 1024**3
LEAST_FREE = GIGABYTE
COMFORTABLY_FREE = 5 * GIGABYTE
LEAST_FREE_FILES = 10_000
LEAST_BITS = 128
"""ASVS 5.0, 11.5.1: what must not be guessed has 128 bits at least."""

CLOCK_SLACK = timedelta(minutes=2)

# Locks that several machines share are slow or not there, and SQLite's WAL needs shared memory (sqlite.org/wal.html).
ON_THE_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs", "lustre", "gpfs", "gfs2"}
    | {"ocfs2", "beegfs", "orangefs", "davfs", "virtiofs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.davfs2"}
)

EXAMPLE_HOSTS = ("example", "example.com", "example.org", "example.net", "example.gov.in", "example.in", "test")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TELLTALE = ("secret", "changeme", "change-me", "password", "example", "only-for-tests", "put here", "0123456789")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is about, what was found, and how to mend it unless it is fine."""

    severity: Severity
    about: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{self.severity:<7}  {self.about}: {self.message}"
        return f"{line} Mend: {self.mend}" if self.mend else line


def fine(about: str, message: str) -> Finding:
    return Finding("fine", about, message)


def warning(about: str, message: str, mend: str) -> Finding:
    return Finding("warning", about, message, mend)


def error(about: str, message: str, mend: str) -> Finding:
    return Finding("error", about, message, mend)


def judge_secret(secret: str) -> Finding:
    """Shannon's entropy of the letters themselves: an upper bound, so whatever fails it is weak for certain."""
    mend = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))' makes one; a new one signs everybody out."
    told = next((word for word in TELLTALE if word in secret.lower()), None)
    if told:
        return error("secret", f"ELEARN_SECRET_KEY has {told!r} in it: it was written, not drawn by lot.", mend)
    if bits_at_most(secret) < LEAST_BITS:
        return error("secret", f"ELEARN_SECRET_KEY holds {bits_at_most(secret):.0f} bits at most, not 128.", mend)
    return fine("secret", "ELEARN_SECRET_KEY is long and mixed enough.")


def bits_at_most(text: str) -> float:
    counts = Counter(text).values()
    return -sum(n * math.log2(n / len(text)) for n in counts)


def judge_disk(place: str, free: int, free_files: int | None) -> Finding:
    """`free_files` is None where the file system counts none."""
    mend = "Delete what is not needed there (old backups, logs) or give it a larger disk."
    if free_files is not None and free_files < LEAST_FREE_FILES:
        return error("disk", f"{place} has room for {free_files} more files only.", mend)
    size = f"{free / GIGABYTE:.1f} GB free in {place}"
    if free < LEAST_FREE:
        return error("disk", f"{size}: a full disk refuses every act.", mend)
    if free < COMFORTABLY_FREE:
        return warning("disk", f"{size}.", mend)
    return fine("disk", f"{size}.")


def judge_moment(now: datetime, newest: datetime, of: str) -> Finding | None:
    """Nothing that was written can be younger than now."""
    if newest - now <= CLOCK_SLACK:
        return None
    ahead = str(newest - now).partition(".")[0]
    return error(
        "clock",
        f"It shows {now:%Y-%m-%d %H:%M} UTC, but {of} is {ahead} ahead of that.",
        "Set the clock (timedatectl set-ntp true). If it was ahead before: stop the server until the time is reached.",
    )


def judge_address(base_url: str, trusted_proxies: int) -> Iterator[Finding]:
    """Whether the address that stands on certificates, the cookies and the proxy in front fit together."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if any(host == example or host.endswith(f".{example}") for example in EXAMPLE_HOSTS):
        yield error(
            "address",
            f"ELEARN_BASE_URL is {base_url}, which is an example.",
            "Set the address under which officers reach the server: it is printed on every certificate.",
        )
    elif parts.scheme == "http" and host not in LOOPBACK:
        yield error(
            "address",
            f"With {base_url} passwords and cookies cross the network unencrypted.",
            "Put nginx or Caddy with a certificate in front (deploy/) and set ELEARN_BASE_URL to https://…",
        )
    elif host in LOOPBACK:
        yield warning(
            "address",
            f"{base_url} can be reached from this machine only, and certificates would carry it.",
            "Set ELEARN_BASE_URL to the address under which officers reach the server.",
        )
    else:
        yield fine("address", f"{base_url} is what certificates carry.")
    if parts.scheme == "https" and trusted_proxies == 0:
        yield error(
            "proxy",
            "With https a proxy stands in front; but with ELEARN_TRUSTED_PROXIES=0 everybody seems to come from it, "
            "and a few wrong passwords slow down all.",
            "Set ELEARN_TRUSTED_PROXIES to the number of proxies, 1 for one nginx or Caddy.",
        )
    elif parts.scheme == "http" and trusted_proxies > 0:
        yield warning(
            "proxy",
            f"ELEARN_TRUSTED_PROXIES={trusted_proxies} without https: whoever reaches the port can claim any address.",
            "Set it to 0, or put the proxy with TLS in front and set ELEARN_BASE_URL to https://…",
        )
    elif trusted_proxies > 3:
        yield warning(
            "proxy",
            f"ELEARN_TRUSTED_PROXIES={trusted_proxies}: a visitor can claim any address if there are fewer.",
            "Count the proxies between a browser and this server.",
        )


def file_system_of(path: str, mounts: str) -> str:
    """The kind of file system that `path` lies on, from the text of /proc/self/mountinfo; "" if that does not tell."""
    best, kind = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if not after or len(before.split()) < 5:
            continue
        point = before.split()[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # of two mounts on one place, the later one lies on top
            best, kind = point, after.split()[0]
    return kind

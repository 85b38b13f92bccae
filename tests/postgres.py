"""A real PostgreSQL for the tests: its own cluster in a temporary folder, on a socket only, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)


def is_here() -> bool:
    return bool(BINARIES) or shutil.which("initdb") is not None


@contextmanager
def running(settings: tuple[str, ...] = ()) -> Iterator[str]:
    """Starts a cluster and gives the URL of its server, without a database name; stops it at the end.

    PostgreSQL refuses to run as root, so there it runs as the system's own `postgres`.
    """
    folder = Path(tempfile.mkdtemp(prefix="elearn-pg-"))
    binaries = BINARIES[0] if BINARIES else Path(str(shutil.which("initdb"))).parent
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    as_user = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, user, user)
    folder.chmod(0o755)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL, env=_environment())

    as_utf8 = ("-E", "UTF8", "--locale=C.UTF-8")
    run(str(binaries / "initdb"), "-D", str(data), "-U", "elearn", "-A", "trust", *as_utf8, "-N")
    options = " ".join((f"-k {folder}", "-c listen_addresses=''", "-c max_connections=200", *settings))
    try:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        yield f"postgresql+psycopg://elearn@/{{database}}?host={folder}"
    finally:
        subprocess.run(
            [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop"],
            check=False,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        shutil.rmtree(folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

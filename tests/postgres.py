"""A real PostgreSQL for the tests: its own cluster in a temporary folder, on a socket only, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
USER = "elearn"


def is_here() -> bool:
    return bool(BINARIES) or shutil.which("initdb") is not None


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL server with its data, which may be stopped hard and started again.

    PostgreSQL refuses to run as root, so there it runs as the system's own `postgres`.
    """

    folder: Path
    settings: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The URL of the server, without a database name."""
        return f"postgresql+psycopg://{USER}@/{{database}}?host={self.folder}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def make(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.folder.chmod(0o755)
        as_utf8 = ("-E", "UTF8", "--locale=C.UTF-8")
        self.run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", *as_utf8, "-N")

    def start(self) -> None:
        options = " ".join((f"-k {self.folder}", "-c listen_addresses=''", "-c max_connections=200", *self.settings))
        self.run("pg_ctl", "-D", str(self._data), "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is as hard as a power cut: nothing is written any more, and the next start recovers."""
        self.run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def is_running(self) -> bool:
        return self.run("pg_ctl", "-D", str(self._data), "status", check=False).returncode == 0

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's own programs."""
        binaries = BINARIES[0] if BINARIES else Path(str(shutil.which("initdb"))).parent
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        as_user = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if os.geteuid() == 0 else []
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        # Into a file: a server that is started here would keep a pipe open for as long as it runs.
        with tempfile.TemporaryFile("w+") as said:
            ended = subprocess.run(
                [*as_user, str(binaries / program), *arguments],
                check=False,
                cwd=self.folder,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            said.seek(0)
            told = said.read()
        if check and ended.returncode:
            raise RuntimeError(f"{program} ended with {ended.returncode}: {told}")
        return subprocess.CompletedProcess(ended.args, ended.returncode, told)

    @property
    def _data(self) -> Path:
        return self.folder / "data"


@contextmanager
def cluster(settings: tuple[str, ...] = (), folder: Path | None = None) -> Iterator[Cluster]:
    """A cluster that runs, in a folder of its own or the given one; stopped and removed at the end."""
    made = Cluster(folder or Path(tempfile.mkdtemp(prefix="elearn-pg-")), settings)
    made.folder.mkdir(exist_ok=True)
    made.make()
    try:
        made.start()
        yield made
    finally:
        made.run("pg_ctl", "-D", str(made.folder / "data"), "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(made.folder, ignore_errors=True)


@contextmanager
def running(settings: tuple[str, ...] = ()) -> Iterator[str]:
    """Starts a cluster and gives the URL of its server, without a database name; stops it at the end."""
    with cluster(settings) as made:
        yield made.url

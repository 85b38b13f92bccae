"""A real PgBouncer for the tests, in transaction mode as the operator's guide has it, on a socket of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.postgres import USER, Cluster
from tests.server import ENDS_WITHIN, ROOT, free_port

PROGRAM = Path("/usr/sbin/pgbouncer")
GUIDE = ROOT / "docs" / "operate.md"
STARTS_WITHIN = 30


def in_the_guide(first_line: str) -> str:
    """The block of the operator's guide that begins with this line: what is written there is what is tested."""
    found = re.findall(rf"^```\w*\n({re.escape(first_line)}\n.*?)^```", GUIDE.read_text(), re.M | re.S)
    assert len(found) == 1, f"{len(found)} blocks of {GUIDE.name} begin with {first_line!r}"
    return str(found[0])


@dataclass
class Bouncer:
    """PgBouncer before a cluster. It refuses to run as root, so there it runs as PostgreSQL's own user."""

    folder: Path
    cluster: Cluster
    pool: int
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Like Cluster.url, through PgBouncer."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{{database}}"

    @property
    def log(self) -> str:
        return (self.folder / "pgbouncer.log").read_text(errors="replace")

    def start(self) -> None:
        (self.folder / "pgbouncer.ini").write_text(self._settings())
        (self.folder / "users").write_text(f'"{USER}" ""\n')
        as_user = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        self.folder.chmod(0o755)
        with (self.folder / "pgbouncer.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*as_user, str(PROGRAM), str(self.folder / "pgbouncer.ini")], cwd=self.folder, stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)  # at once, whoever is connected
            self.process.wait(ENDS_WITHIN)

    def _settings(self) -> str:
        """The guide's, but for where things are and how many connections there may be."""
        text = in_the_guide("[databases]")
        for name, value in {
            "elearn = host": f"* = host={self.cluster.folder}",
            "listen_port": f"listen_port = {self.port}",
            "auth_type": "auth_type = trust",
            "auth_file": f"auth_file = {self.folder / 'users'}",
            "default_pool_size": f"default_pool_size = {self.pool}",
            "unix_socket_dir": f"unix_socket_dir = {self.folder}",
        }.items():
            text, found = re.subn(rf"^{re.escape(name)}\b.*$", lambda _, line=value: line, text, flags=re.M)
            assert found == 1, f"{name} stands {found} times in the guide's settings"
        return text


@contextmanager
def bouncing(cluster: Cluster, pool: int) -> Iterator[Bouncer]:
    """PgBouncer with so many connections to the cluster for each database; stopped and removed at the end."""
    bouncer = Bouncer(Path(tempfile.mkdtemp(prefix="elearn-bouncer-")), cluster, pool)
    try:
        bouncer.start()
        yield bouncer
    finally:
        bouncer.stop()
        shutil.rmtree(bouncer.folder, ignore_errors=True)

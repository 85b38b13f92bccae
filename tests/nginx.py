"""A real nginx for the tests, before two servers as the operator's guide has it, on loopback and a port of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from time import monotonic

from tests.pgbouncer import in_the_guide
from tests.server import ENDS_WITHIN, LOOKS_AGAIN_AFTER, Browser, free_port

PROGRAM = Path("/usr/sbin/nginx")
STARTS_WITHIN = 60

AROUND = """
daemon off;
pid {folder}/pid;
error_log stderr;
{user}
worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


@contextmanager
def before(ports: Sequence[int]) -> Iterator[str]:
    """nginx before `elearn serve` on these two ports; gives its address. Certificates are not what is tested here, so
    it speaks plain HTTP."""
    folder, port = Path(tempfile.mkdtemp(prefix="elearn-nginx-")), free_port()
    folder.chmod(0o755)
    servers = in_the_guide("upstream elearn {")
    changed = {
        "127.0.0.1:8001": f"127.0.0.1:{ports[0]}",
        "127.0.0.1:8002": f"127.0.0.1:{ports[1]}",
        "listen 443 ssl;": f"listen 127.0.0.1:{port};",
    }
    for old, new in changed.items():
        assert old in servers, f"{old} is not in the guide"
        servers = servers.replace(old, new)
    servers = "\n".join(line for line in servers.splitlines() if not line.strip().startswith("ssl_"))
    user = "user nobody nogroup;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, servers=servers, user=user))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAM), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        end = monotonic() + STARTS_WITHIN
        while not _answers(url):
            assert monotonic() < end, (folder / "log").read_text()
            assert process.poll() is None, (folder / "log").read_text()
            try:
                process.wait(LOOKS_AGAIN_AFTER)
            except subprocess.TimeoutExpired:
                continue
        yield url
    finally:
        process.terminate()
        process.wait(ENDS_WITHIN)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        return Browser(url).get("/health/live").status == 200
    except (OSError, HTTPException):
        return False

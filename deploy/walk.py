"""Walks through docs/operate.md: runs every command of it, in order and as it stands there, in a clean Debian with
systemd, nginx, PostgreSQL and PgBouncer that reaches no network but its own loopback.

    python3 deploy/walk.py dist/elearn-0.1.0.tar.gz [FOLDER]        # as root

FOLDER holds the clean system; it is made with debootstrap where it is not there (that needs the network), and used
again the next time. Stops at the first command that fails or does not say what the guide promises.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "operate.md"
SUITE = "bookworm"
PACKAGES = (
    "python3,python3-venv,systemd,systemd-sysv,dbus,iproute2,procps,sudo,curl,jq,openssl,ca-certificates,"
    "nginx-light,postgresql,pgbouncer"
)
HOST = "learn.model.internal"
"""What stands for the guide's learn.example.gov.in: elearn doctor knows that for an example."""

# Done elsewhere, by whoever called this.
ELSEWHERE = ("make bundle", "deploy/rehearse", "python3 deploy/walk.py")

# What a fence of this language holds belongs into this file.
FILES = {"ini": "/etc/pgbouncer/pgbouncer.ini", "nginx": "/etc/nginx/conf.d/elearn.conf"}

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PGPASSWORD": "a long one",  # psql asks for it
    "ELEARN_METRICS_TOKEN": "only-for-this-walk-0123456789",
}


def _until_ready(url: str) -> str:
    return f"until curl -sf {url}/health/ready >/dev/null; do sleep 0.2; done"


_SET = "sed -i 's|^[# ]*{0}=.*|{0}={1}|' /etc/elearn/elearn.env"
_DATABASE = _SET.format("ELEARN_DATABASE_URL", "postgresql://elearn@127.0.0.1:{}/elearn")
_EMPTY = (
    "runuser -u postgres -- dropdb --force elearn; "
    "runuser -u postgres -- createdb --owner elearn --encoding UTF8 --template template0 elearn"
)
_STOP, _START = "systemctl stop elearn.socket elearn.service", "systemctl start elearn.socket elearn.service"
_SERIAL = (
    "cd /; runuser -u postgres -- psql -Atc \"SELECT serial FROM certificate WHERE state = 'valid' LIMIT 1\" elearn"
)

# What an operator types into an editor, one for each time that the guide opens one.
EDITED = [
    "; ".join(
        (
            _SET.format("ELEARN_BASE_URL", f"https://{HOST}"),
            _SET.format("ELEARN_ORGANISATION", '"Model District Administration"'),
        )
    ),
    f"sed -i 's/learn.example.gov.in/{HOST}/' /etc/nginx/conf.d/elearn.conf",
    _DATABASE.format(5432),
    _DATABASE.format(5432),
]

# What has come about before a command that begins so, in the order in which the guide comes to them: certificates of
# TLS, people, a disaster.
BEFORE = [
    (
        "cp /opt/elearn/current/deploy/nginx.conf",
        f"""
        mkdir -p /etc/ssl/elearn && cd /etc/ssl/elearn
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={HOST} -addext subjectAltName=DNS:{HOST} \\
            -keyout key.pem -out fullchain.pem 2>/dev/null
        cp fullchain.pem /usr/local/share/ca-certificates/walk.crt && update-ca-certificates >/dev/null 2>&1
        """,
    ),
    (
        "elearn serve --bind 127.0.0.1:8001",
        f"""
        echo '"elearn" "a long one"' >/etc/pgbouncer/userlist.txt
        chown postgres /etc/pgbouncer/userlist.txt && chmod 600 /etc/pgbouncer/userlist.txt
        systemctl restart pgbouncer
        {_DATABASE.format(6432)}
        systemctl restart elearn.service && {_until_ready(f"https://{HOST}")}
        """,
    ),
    (
        "elearn move",
        f"""
        nginx -t && systemctl reload nginx && {_until_ready(f"https://{HOST}")}
        pkill -f '^/opt/elearn/[^ ]*python [^ ]* serve --bind 127.0.0.1:800[12]'
        sed 's/learn.example.gov.in/{HOST}/' /opt/elearn/current/deploy/nginx.conf >/etc/nginx/conf.d/elearn.conf
        systemctl reload nginx
        sed -i '/^ELEARN_DATABASE_URL/d' /etc/elearn/elearn.env
        echo '# ELEARN_DATABASE_URL=' >>/etc/elearn/elearn.env
        systemctl restart elearn.service
        {_EMPTY}
        """,
    ),
    (
        "elearn import officers",
        f"""
        install -d -o elearn /tmp/demo && cd /opt/elearn/current
        runuser -u elearn -- .venv/bin/elearn demo --port 8009 --data /tmp/demo >/tmp/demo.log 2>&1 & demo=$!
        {_until_ready("http://127.0.0.1:8009")}
        kill -TERM $demo; wait $demo || true
        runuser -u elearn -- env ELEARN_SECRET_KEY=only-for-the-demo-0123456789abcdef-0123456789 \\
            ELEARN_DATA_DIR=/tmp/demo .venv/bin/elearn backup /tmp/demo/demo.backup >/dev/null
        {_STOP}
        elearn restore --replace-records /tmp/demo/demo.backup | tail -3
        {_START}
        cd /srv/elearn
        printf '%s\\n' name,email,employee_number,office,designation \\
            'Asha Rani,asha@example.gov.in,MD-9007,MD-COL,Deputy Collector' >roster.csv
        """,
    ),
    (
        "elearn certificate verify",
        f"curl -sf https://{HOST}/certificates/$({_SERIAL}).json -o record.json && chown elearn record.json",
    ),
    ("curl -s http://127.0.0.1:8000/metrics", f"echo ELEARN_METRICS=1 >>/etc/elearn/elearn.env; {_STOP}; {_START}"),
    (
        "curl -s -H",
        "echo ELEARN_METRICS_TOKEN=$ELEARN_METRICS_TOKEN >>/etc/elearn/elearn.env; systemctl restart elearn.service",
    ),
    ("elearn restore /var/backups", f"{_STOP}; {_EMPTY}"),
    ("systemctl enable --now elearn-backup.timer", _START),
    (
        "systemctl stop elearn.socket elearn.service postgresql",
        """
        elearn officer add late@example.gov.in --name "Late Comer" >/dev/null
        runuser -u postgres -- psql -Atc "SELECT pg_walfile_name(pg_switch_wal())" >/tmp/wal
        until [ -e /srv/wal/$(cat /tmp/wal) ]; do sleep 0.2; done
        """,
    ),
    ("elearn audit  ", "elearn officer link late@example.gov.in >/dev/null"),
    (
        "elearn backup before.backup",
        """
        cp -r /root/elearn-0.1.0 /tmp/elearn-0.2.0 && cd /tmp/elearn-0.2.0
        sed -i 's/^version = "0.1.0"/version = "0.2.0"/' pyproject.toml
        find . -type f ! -name SHA256SUMS | sort | xargs -d '\\n' sha256sum >SHA256SUMS
        tar --create --file /srv/elearn/elearn-0.2.0.tar.gz --directory /tmp elearn-0.2.0
        """,
    ),
    ("ln -sfn releases/0.1.0", "[ $(readlink /opt/elearn/current) = releases/0.2.0 ]"),
]

# What a command that begins so must say.
SAYS = [
    ("elearn doctor", "0 errors"),
    ("systemctl status elearn.service", "active (running)"),
    ("psql", "30s"),
    ("elearn move", "all hold"),
    ("elearn import officers roster.csv --create-offices", "1 added"),
    ("elearn certificate verify", "valid"),
    ("curl -s http://127.0.0.1:8000/health/ready", '"ready":true'),
    ("curl -s http://127.0.0.1:8000/metrics", "# HELP"),
    ("curl -s -H", "# HELP"),
    ("elearn privacy erase", "is erased"),
    ("elearn restore", "all hold"),
    ("elearn audit", "all hold"),
]


class Step(NamedTuple):
    """One command of the guide: how it stands there, what has come about before it, and how it is run."""

    heading: str
    text: str
    before: str
    command: str


def steps(guide: str) -> Iterator[Step]:
    """Raises ValueError where this file and the guide have drifted apart."""
    edited, before, heading, prepared = iter(EDITED), list(BEFORE), "", ""
    for found in re.finditer(r"^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL):
        if found[1]:
            heading = found[1]
            continue
        language, held = found[2], found[3].replace("learn.example.gov.in", HOST)
        if language in FILES:
            prepared = f"cat >{FILES[language]} <<'END'\n{held}END\n"
        for text in [] if language else held.splitlines():
            if text.startswith(ELSEWHERE):
                continue
            if before and text.startswith(before[0][0]):
                prepared += before.pop(0)[1]
            command = text.replace("3F7K9…", f"$({_SERIAL})")
            if text.startswith("editor "):
                command = next(edited, "false")
            elif text.startswith("elearn serve"):
                port = text.rpartition(":")[2]
                command = f"setsid {text} >/tmp/{port}.log 2>&1 & {_until_ready(f'http://127.0.0.1:{port}')}"
            yield Step(heading, text, prepared, command)
            prepared = ""
    if before or next(edited, None):
        raise ValueError(f"the guide has no command that begins: {before[0][0] if before else 'editor, once more'}")


class Machine:
    """The clean system, running."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, "/root"
        self.cgroup = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())

    def __enter__(self) -> Machine:
        subprocess.run(["mount", "-t", "cgroup2", "none", self.cgroup], check=True)
        own = self.cgroup / f"elearn-walk-{os.getpid()}"
        own.mkdir()
        alone = "unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child --propagation private"
        boot = f"echo $$ >{own}/cgroup.procs && exec {alone} sh -euc '{BOOT.format(root=self.root)}'"
        with self.root.with_name(f"{self.root.name}.log").open("w") as log:
            self.outside = subprocess.Popen(["sh", "-c", boot], stderr=log, start_new_session=True)
        children = Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children")
        while not (children.exists() and children.read_text().strip()):
            assert self.outside.poll() is None, f"the machine did not start, see {self.root}.log"
            time.sleep(0.05)
        self.init = children.read_text().split()[0]
        while (state := self.inside("systemctl is-system-running || true").stdout.strip()) not in (
            "running",
            "degraded",
        ):
            time.sleep(0.2)
        if state == "degraded":
            sys.exit(self.inside("systemctl --failed").stdout)
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(int(self.init), signal.SIGKILL)
        self.outside.wait()
        for group in sorted(self.cgroup.glob(f"elearn-walk-{os.getpid()}/**/"), reverse=True):
            group.rmdir()
        subprocess.run(["umount", self.cgroup], check=True)
        self.cgroup.rmdir()

    def inside(self, script: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "-t", self.init, "-m", "-p", "-n", "-u", "-i", "-C", "env", "-i"]
        return subprocess.run(
            [*enter, *(f"{n}={v}" for n, v in ENVIRONMENT.items()), "bash", "-euo", "pipefail", "-c", script],
            check=False,
            input="erase\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str) -> str:
        """What it said, without an end. Exits where it failed."""
        done = self.inside(f"cd {self.folder}; {script}")
        if done.returncode:
            sys.exit(f"{done.stdout}\nended with {done.returncode}: {script}")
        return done.stdout


BOOT = """
R={root}
mount --bind $R $R; mount -t proc proc $R/proc; mount -t sysfs -o ro sysfs $R/sys
mount -t cgroup2 none $R/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $R/run; mount -t tmpfs tmpfs $R/tmp; mount -t tmpfs -o mode=755 tmpfs $R/dev
while read name major minor; do mknod -m 666 $R/dev/$name c $major $minor; done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
END
mkdir $R/dev/pts $R/dev/shm; mount -t tmpfs tmpfs $R/dev/shm; ln -s /proc/self/fd $R/dev/fd; touch $R/dev/console
mount -t devpts -o newinstance,ptmxmode=666 devpts $R/dev/pts; ln -s pts/ptmx $R/dev/ptmx
hostname model
cd $R; mkdir -p mnt/old; pivot_root . mnt/old; umount -l /mnt/old
ip link set lo up
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 /sbin/init --log-target=journal \
    </dev/null >/run/init.log 2>&1
"""


def cleaned(root: Path, bundle: Path) -> None:
    """A system as it was before anything of this guide was done, with the bundle in root's home."""
    clean = root.with_name(f"{root.name}.clean")
    if not clean.exists():
        made = root.with_name(f"{root.name}.new")
        print(f"Making a clean Debian {SUITE} in {clean} …", flush=True)
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, made], check=True)
        (made / "etc/hostname").write_text("model\n")
        (made / "etc/hosts").write_text(f"127.0.0.1 localhost model {HOST}\n")
        # Of no use in a container, and slow to find that out.
        for words in (
            ["mask", "systemd-udevd.service", "console-getty.service", "systemd-logind.service"],
            ["set-default", "multi-user.target"],
        ):
            subprocess.run(["chroot", made, "systemctl", *words], check=True, capture_output=True)
        made.rename(clean)
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", clean, root], check=True)
    for file in (bundle, bundle.with_name(f"{bundle.name}.sha256")):
        shutil.copy(file, root / "root")


def walk(machine: Machine, guide: str) -> int:
    """How many commands were run."""
    number, heading = 0, ""
    for step in steps(guide):
        if step.heading != heading:
            heading = step.heading
            print(f"\n== {heading}", flush=True)
        machine.run(step.before)
        print(f"$ {step.text}", flush=True)
        said = machine.run(step.command)
        print("".join(f"    {line}\n" for line in said.splitlines()[-6:]), end="", flush=True)
        for start, promised in SAYS:
            if step.text.startswith(start) and promised not in said:
                sys.exit(f"{said}\ndoes not say {promised!r}: {step.text}")
        if moved := re.search(r"(?:^|&& )cd (\S+)", step.text):
            machine.folder = moved[1]
        number += 1
    return number


def main(words: list[str]) -> None:
    if not words or not Path(words[0]).is_file() or os.geteuid() != 0:
        sys.exit(__doc__)
    root = Path(words[1] if len(words) > 1 else "/var/tmp/elearn-walk").absolute()
    cleaned(root, Path(words[0]).absolute())
    with Machine(root) as machine:
        number = walk(machine, GUIDE.read_text(encoding="utf-8"))
    print(f"\n{number} commands were run as they stand in the guide; all of them did what it says.")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Builds the offline bundle: one archive that installs on a machine without a network.

`make bundle` writes dist/elearn-VERSION.tar.gz from the last commit: the source with content and docs, a wheel of each
package in requirements.txt for every Python named below, the install script, and SHA256SUMS over all of it. The same
commit gives the same archive, byte for byte, as long as the index has the same wheels.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from platform import machine

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")

# Wheels say which C library they need at least. RHEL 9 has glibc 2.34, Ubuntu 22.04 has 2.35, Debian 12 has 2.36.
NEWEST_GLIBC = 34
OLDEST_GLIBC = 5


def bundle(wheels: Path, out: Path) -> Path:
    """Downloads into `wheels` what is not there yet, writes the archive into `out` and returns its path."""
    name = f"elearn-{_version()}"
    for python in PYTHONS:
        _download(python, wheels)
    files = {path: (data, mode) for path, data, mode in _committed()}
    files |= {f"wheels/{wheel.name}": (wheel.read_bytes(), 0o644) for wheel in wheels.glob("*.whl")}
    files["install"] = files["deploy/install"]
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, (data, _) in sorted(files.items()))
    files["SHA256SUMS"] = (sums.encode(), 0o644)
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{name}.tar.gz"
    _write(archive, name, files)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    return archive


def _version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _platforms() -> list[str]:
    names = [f"manylinux_2_{minor}_{machine()}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    return [*names, *(f"{old}_{machine()}" for old in ("manylinux2014", "manylinux2010", "manylinux1"))]


def _download(python: str, wheels: Path) -> None:
    print(f"Wheels for Python {python} on {machine()} …", flush=True)
    for_machine = [word for name in _platforms() for word in ("--platform", name)]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--only-binary=:all:", "--no-deps", "--python-version", python, "--implementation", "cp", *for_machine),
            *("--require-hashes", "-r", str(ROOT / "requirements.txt"), "--dest", str(wheels)),
        ],
        check=True,
    )


def _committed() -> list[tuple[str, bytes, int]]:
    """(path, bytes, mode) of each file of the last commit: what was only tried out does not leave the house."""
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as tree:
        return [
            (member.name, file.read(), 0o755 if member.mode & 0o100 else 0o644)
            for member in tree
            if (file := tree.extractfile(member))
        ]


def _committed_at() -> int:
    asked = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def _write(archive: Path, name: str, files: dict[str, tuple[bytes, int]]) -> None:
    when, draft = _committed_at(), archive.with_name(f".{archive.name}")
    with (
        draft.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tree,
    ):
        for path, (data, mode) in sorted(files.items()):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size, member.mode, member.mtime = len(data), mode, when
            tree.addfile(member, io.BytesIO(data))
    draft.replace(archive)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    words.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels", help="where downloads are kept")
    words.add_argument("--out", type=Path, default=ROOT / "dist")
    given = words.parse_args()
    made = bundle(given.wheels, given.out)
    print(f"{made} ({made.stat().st_size / 1e6:.0f} MB)")

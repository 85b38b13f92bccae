"""The file that a backup is: an ordinary ZIP archive with a manifest, sealed by a hash over every byte before it.

Any unzip opens it. The seal is the archive's comment, at the very end of the file: a byte changed anywhere, and a file
cut off anywhere, show before anything of it is believed. The seal proves that a file is whole, not who made it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

FORMAT = 1
MARK = "elearn-backup"
"""The first member, so that a file that was cut off is still known for what it was."""
MANIFEST = "manifest.json"
RECORDS = "records"
CONTENT = "content"
PRIVATE_CONTENT = "private-content"
COMPILED = "compiled"
PUBLIC_KEYS = "keys/public-keys.json"
SIGNING_KEYS = "keys/signing-keys.json"

LARGEST_MANIFEST = 16 * 2**20
LARGEST_FILE = 64 * 2**20
LONGEST_LINE = 64 * 2**20
MOST_MEMBERS = 50_000
# Rows shrink to a tenth, perhaps; a bomb to a thousandth. Small archives may hold what they like.
HARMLESS = 2**30
MOST_TIMES_LARGER = 500
CHUNK = 2**20

_SEAL = re.compile(rb"elearn-backup/(?P<format>\d{1,6}) sha256=(?P<hash>[0-9a-f]{64})")
_SEAL_LENGTH = len("elearn-backup/1 sha256=") + 64
_PATH = re.compile(r"[^\x00-\x1f\x7f\\:]{1,400}")
_FIXED = frozenset({MARK, MANIFEST, PUBLIC_KEYS, SIGNING_KEYS})
_FOLDERS = (RECORDS, CONTENT, PRIVATE_CONTENT, COMPILED)


class BackupRefused(Exception):
    """This file is not restored. The message says why."""


class NotABackup(BackupRefused):
    """The file is something else."""


class DamagedBackup(BackupRefused):
    """The file is a backup of ours, but not whole, or not as it was written."""


class NewerBackup(BackupRefused):
    """The file was made by a newer version of this program."""


class HostileBackup(BackupRefused):
    """The file holds what no backup of ours does: links, paths that lead elsewhere, much more than it seems."""


class BackupExists(FileExistsError):
    """There is a file of that name, and nobody said that it may go."""


@dataclass
class Draft:
    """A backup while it is being written."""

    archive: ZipFile
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, chunks: Iterable[bytes]) -> str:
        """One more member, as its bytes come; returns their SHA-256."""
        size, hashed = 0, sha256()
        with self.archive.open(_plain(name), "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)
                hashed.update(chunk)
                size += len(chunk)
        self.members[name] = {"bytes": size, "sha256": hashed.hexdigest()}
        return hashed.hexdigest()

    def finish(self, facts: Mapping[str, Any]) -> None:
        """The manifest: what is told of the whole, and every member with its size and hash."""
        manifest = {**facts, "format": FORMAT, "members": self.members}
        text = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        self.archive.writestr(_plain(MANIFEST), text.encode())


@contextmanager
def new_backup(path: Path, replace: bool, check: Callable[[Path], None]) -> Iterator[Draft]:
    """Writes a backup beside `path`, seals it, lets `check` read it back, and only then gives it its name.

    Readable by its owner only; a failure, a full disk included, leaves nothing behind, and an older file stays until
    the new one is whole. Raises BackupExists, OSError, and what `check` raises.
    """
    if not replace and path.exists():
        raise BackupExists(str(path))
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
                archive.writestr(_plain(MARK, ZIP_STORED), f"{MARK}/{FORMAT}\n")
                yield Draft(archive)
                archive.comment = b"-" * _SEAL_LENGTH
            _seal(file)
        check(draft)
        _name(draft, path, replace)
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True)
class Backup:
    """A backup that was found whole. What it says of itself is believed only as far as it was checked."""

    archive: ZipFile
    manifest: Mapping[str, Any]

    @property
    def members(self) -> Mapping[str, Mapping[str, Any]]:
        members: Mapping[str, Mapping[str, Any]] = self.manifest["members"]
        return members

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, one after the other. Raises DamagedBackup at its end if it is not what was written."""
        with self._open(name) as member:
            hashed, size = sha256(), 0
            while line := member.readline(LONGEST_LINE):
                if not line.endswith(b"\n"):
                    raise DamagedBackup(f"{name} has a line that does not end.")
                hashed.update(line)
                size += len(line)
                yield line
        self._compare(name, size, hashed.hexdigest())

    def read(self, name: str) -> bytes:
        """All of a small member. Raises DamagedBackup, HostileBackup."""
        if self.members[name]["bytes"] > LARGEST_FILE:
            raise HostileBackup(f"{name} is larger than any of ours.")
        return b"".join(self._chunks(name))

    def check_members(self) -> None:
        """Reads every member to its end. Raises DamagedBackup."""
        for name in self.members:
            for _ in self._chunks(name):
                pass

    def below(self, folder: str) -> tuple[str, ...]:
        """The names of the members in a folder, in order."""
        return tuple(sorted(name for name in self.members if name.startswith(f"{folder}/")))

    def unpack(self, folder: str, place: Path) -> int:
        """Writes the files of a folder below `place`; returns how many there are."""
        names = self.below(folder)
        for name in names:
            path = place / name.removeprefix(f"{folder}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.writelines(self._chunks(name))
        return len(names)

    def _chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member as they come; whether they are what was written shows at the end."""
        size, hashed = 0, sha256()
        with self._open(name) as member:
            while chunk := member.read(CHUNK):
                size += len(chunk)
                hashed.update(chunk)
                yield chunk
        self._compare(name, size, hashed.hexdigest())

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self.archive.open(name) as member:
                yield member
        except (BadZipFile, KeyError, EOFError, OSError, zlib.error) as error:
            raise DamagedBackup(f"{name} cannot be read: {error}") from error

    def _compare(self, name: str, size: int, hashed: str) -> None:
        if self.members[name] != {"bytes": size, "sha256": hashed}:
            raise DamagedBackup(f"{name} is not what was written.")


@contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """The backup in a file, once its seal, the names and kinds of its members and its manifest have been looked at.

    Nothing is unpacked before that. Raises NotABackup, DamagedBackup, NewerBackup, HostileBackup, OSError.
    """
    with path.open("rb") as file:
        _check_seal(file)
        try:
            archive = ZipFile(file)
        except (BadZipFile, ValueError, OverflowError) as error:
            raise DamagedBackup(f"Its list of members cannot be read: {error}") from error
        with archive:
            _refuse_hostile(archive, file.seek(0, os.SEEK_END))
            yield Backup(archive, _manifest(archive))


def is_portable(name: str) -> bool:
    """Whether every system can unpack a file of this name."""
    return _PATH.fullmatch(name) is not None


def _plain(name: str, method: int = ZIP_DEFLATED) -> ZipInfo:
    """A member without a time of its own, so that equal records give equal bytes."""
    info = ZipInfo(name)
    info.compress_type = method
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    return info


def _seal(file: IO[bytes]) -> None:
    file.flush()
    end = file.seek(0, os.SEEK_END) - _SEAL_LENGTH
    seal = f"elearn-backup/{FORMAT} sha256={_hash_of(file, end)}".encode()
    file.seek(end)
    file.write(seal)
    file.flush()
    os.fsync(file.fileno())


def _hash_of(file: IO[bytes], end: int) -> str:
    hashed, left = sha256(), end
    file.seek(0)
    while left and (chunk := file.read(min(CHUNK, left))):
        hashed.update(chunk)
        left -= len(chunk)
    return hashed.hexdigest()


def _name(draft: Path, path: Path, replace: bool) -> None:
    if replace:
        draft.replace(path)
    else:
        try:
            _take_name(draft, path)
        except FileExistsError:
            raise BackupExists(str(path)) from None
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take_name(draft: Path, path: Path) -> None:
    """Unlike a rename alone, it fails where somebody was faster. Raises FileExistsError."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a stick knows no hard links: the name is taken first, and then given to the draft
        path.touch(mode=0o600, exist_ok=False)
        draft.replace(path)


def _check_seal(file: IO[bytes]) -> None:
    begins = file.read(30 + len(MARK))
    if not begins.startswith(b"PK\x03\x04") or not begins.endswith(MARK.encode()):
        raise NotABackup("It is not a backup that `elearn backup` wrote.")
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _SEAL_LENGTH))
    seal = _SEAL.fullmatch(file.read())
    if seal is None:
        raise DamagedBackup("It ends without its seal: it was cut off, or its end was changed.")
    if int(seal["format"]) > FORMAT:
        raise NewerBackup(f"It is of the format {int(seal['format'])}; this version reads {FORMAT}.")
    if _hash_of(file, end - _SEAL_LENGTH) != seal["hash"].decode():
        raise DamagedBackup("It is not as it was written: the hash over all of it differs.")


def _refuse_hostile(archive: ZipFile, size: int) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise HostileBackup(f"It has {len(members)} members.")
    if len({member.filename for member in members}) != len(members):
        raise HostileBackup("Two of its members have the same name.")
    for member in members:
        _refuse_hostile_member(member)
    whole = sum(member.file_size for member in members)
    if whole > max(HARMLESS, MOST_TIMES_LARGER * size):
        raise HostileBackup(f"Its {size} bytes would become {whole}.")


def _refuse_hostile_member(member: ZipInfo) -> None:
    name = member.filename
    parts = name.split("/")
    known = name in _FIXED or (len(parts) > 1 and parts[0] in _FOLDERS)
    if not known or not is_portable(name) or not {"", ".", ".."}.isdisjoint(parts) or name != member.orig_filename:
        raise HostileBackup(f"No backup has a member {name!r}.")
    # Archivers that know of no kinds leave it at 0; a folder, a link or a device says so.
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise HostileBackup(f"{name!r} is not a plain file.")
    if member.flag_bits & 0x1 or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise HostileBackup(f"{name!r} is packed in a way that no backup is.")


def _manifest(archive: ZipFile) -> Mapping[str, Any]:
    """The manifest, its shape checked as far as reading needs it; what is in it is checked by whoever restores."""
    try:
        if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
            raise HostileBackup("Its manifest is larger than any of ours.")
        manifest = json.loads(archive.read(MANIFEST))
        members = manifest["members"]
        shown = {name: {"bytes": int(m["bytes"]), "sha256": str(m["sha256"])} for name, m in members.items()}
    except (BadZipFile, KeyError, ValueError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        raise DamagedBackup(f"Its manifest cannot be read: {error}") from error
    if set(archive.namelist()) != {*shown, MARK, MANIFEST}:
        raise DamagedBackup("Its members are not those that its manifest names.")
    for name, told in shown.items():
        if archive.getinfo(name).file_size != told["bytes"]:
            raise DamagedBackup(f"{name} is not as large as the manifest says.")
    return {**manifest, "members": shown}

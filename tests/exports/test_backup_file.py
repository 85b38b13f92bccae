"""The file a backup is: whole or refused, whatever was done to it; and nothing hostile is ever unpacked."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from elearn.exports import backup_file
from elearn.exports.backup_file import (
    BackupExists,
    BackupRefused,
    DamagedBackup,
    HostileBackup,
    NewerBackup,
    NotABackup,
    new_backup,
    open_backup,
)

ROWS = b'[1,"Meera"]\n[2,"Rohan"]\n'


def written(path: Path, replace: bool = False) -> Path:
    with new_backup(path, replace, lambda _: None) as draft:
        draft.add("records/officer.jsonl", [ROWS[:10], ROWS[10:]])
        draft.add("content/course/course.yaml", [b"title: One\n"])
        draft.finish({"made_at": "2026-11-25T09:00:00+00:00"})
    return path


def sealed(path: Path, form: int = 1) -> Path:
    """The seal on an archive as somebody else might make it: whoever writes the file can write its hash, too."""
    end = path.stat().st_size - backup_file._SEAL_LENGTH
    data = path.read_bytes()[:end]
    path.write_bytes(data + f"elearn-backup/{form} sha256={sha256(data).hexdigest()}".encode())
    return path


def made_by_hand(path: Path, add: Callable[[ZipFile], None], form: int = 1, manifest: object = None) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("elearn-backup", "elearn-backup/1\n")
        add(archive)
        members = {
            info.filename: {"bytes": info.file_size, "sha256": sha256(archive.read(info)).hexdigest()}
            for info in archive.infolist()[1:]
        }
        archive.writestr("manifest.json", json.dumps(manifest or {"members": members}))
        archive.comment = b"-" * backup_file._SEAL_LENGTH
    return sealed(path, form)


def looked_at(path: Path) -> None:
    with open_backup(path) as backup:
        backup.check_members()


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    path = written(tmp_path / "one.backup")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with open_backup(path) as backup:
        backup.check_members()
        assert list(backup.lines("records/officer.jsonl")) == [b'[1,"Meera"]\n', b'[2,"Rohan"]\n']
        assert backup.read("content/course/course.yaml") == b"title: One\n"
        assert backup.below("content") == ("content/course/course.yaml",)
        assert backup.unpack("content", tmp_path / "out") == 1
        assert backup.manifest["made_at"] == "2026-11-25T09:00:00+00:00"
    assert (tmp_path / "out" / "course" / "course.yaml").read_text() == "title: One\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.backup", "out"]


def test_an_ordinary_unzip_opens_it(tmp_path: Path) -> None:
    with ZipFile(written(tmp_path / "one.backup")) as archive:
        assert archive.testzip() is None
        assert archive.read("records/officer.jsonl") == ROWS


def test_an_older_file_stays_unless_it_may_go(tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    path.write_text("older")
    with pytest.raises(BackupExists):
        written(path)
    assert path.read_text() == "older"
    looked_at(written(path, replace=True))


def test_a_disk_without_hard_links_keeps_backups_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A USB stick, as it comes from the shop."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    path = written(tmp_path / "one.backup")
    looked_at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(BackupExists):
        written(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    path.write_text("older")

    def refuse(draft: Path) -> None:
        assert draft.exists()
        raise DamagedBackup("it does not read back")

    with pytest.raises(DamagedBackup), new_backup(path, True, refuse) as draft:
        draft.finish({})
    with pytest.raises(ZeroDivisionError), new_backup(path, True, looked_at) as draft:
        draft.add("records/officer.jsonl", (b"x" for _ in [1 / 0]))
    assert [one.name for one in tmp_path.iterdir()] == ["one.backup"]
    assert path.read_text() == "older"


def test_any_changed_byte_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "one.backup")
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :])
        with pytest.raises(BackupRefused):
            looked_at(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "one.backup")
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(BackupRefused):
            looked_at(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DamagedBackup, match="cut off"):
        looked_at(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"SQLite format 3\x00" + b"\x00" * 500, b"-- SQL\n" * 90])
def test_another_file_is_no_backup(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(NotABackup):
        looked_at(path)


def test_another_archive_is_no_backup(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("course.yaml", "title: One\n")
    with pytest.raises(NotABackup):
        looked_at(tmp_path / "other.zip")


def test_a_newer_form_is_refused_as_newer(tmp_path: Path) -> None:
    with pytest.raises(NewerBackup):
        looked_at(made_by_hand(tmp_path / "new", lambda archive: None, form=2))


def link(archive: ZipFile) -> None:
    info = ZipInfo("content/course")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc")


def folder(archive: ZipFile) -> None:
    info = ZipInfo("content/course")
    info.external_attr = (stat.S_IFDIR | 0o755) << 16
    archive.writestr(info, "")


def other_packing(archive: ZipFile) -> None:
    archive.writestr("content/course.yaml", "title: One\n" * 99, ZIP_BZIP2)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("add", "why"),
    [
        (link, "'content/course' is not a plain file"),
        (folder, "'content/course' is not a plain file"),
        (other_packing, "'content/course.yaml' is packed in a way"),
        (lambda archive: [archive.writestr("content/one", text) for text in "ab"], "have the same name"),
        *(
            (lambda archive, name=name: archive.writestr(name, "x"), "No backup has a member")
            for name in (
                *("../evil", "/etc/evil", "content/../../evil", "content/./x", "content//x", "content/", "content"),
                *("elsewhere/x", "content/a\\b", "content/C:x", "content/\x1b[2J", "content/" + "x" * 500),
            )
        ),
    ],
)
def test_hostile_members_are_refused_before_anything_is_unpacked(
    tmp_path: Path, add: Callable[[ZipFile], None], why: str
) -> None:
    with pytest.raises(HostileBackup, match=why):
        looked_at(made_by_hand(tmp_path / "evil", add))


def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    def bomb(archive: ZipFile) -> None:
        with archive.open("records/officer.jsonl", "w", force_zip64=True) as member:
            for _ in range(1100):
                member.write(b"\0" * 2**20)

    with ZipFile(tmp_path / "evil", "w", ZIP_DEFLATED) as archive:
        archive.writestr("elearn-backup", "elearn-backup/1\n")
        bomb(archive)
        archive.comment = b"-" * backup_file._SEAL_LENGTH
    with pytest.raises(HostileBackup, match="would become"):
        looked_at(sealed(tmp_path / "evil"))


@pytest.mark.parametrize(
    "manifest",
    [
        ["text"],
        "text",
        {"members": []},
        {"members": {"content/x": {}}},
        {"members": {"content/y": {"bytes": 1}}},
        {"a": 1},
    ],
)
def test_a_manifest_that_tells_of_something_else_is_refused(tmp_path: Path, manifest: object) -> None:
    with pytest.raises(DamagedBackup):
        looked_at(made_by_hand(tmp_path / "odd", lambda archive: archive.writestr("content/x", "x"), manifest=manifest))


def test_a_member_that_is_not_what_the_manifest_says_is_refused(tmp_path: Path) -> None:
    other = {"members": {"content/x": {"bytes": 1, "sha256": sha256(b"y").hexdigest()}}}
    with pytest.raises(DamagedBackup):
        looked_at(made_by_hand(tmp_path / "odd", lambda archive: archive.writestr("content/x", "x"), manifest=other))

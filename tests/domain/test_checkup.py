"""The rules by which an installation is judged: secrets, disks, moments, addresses, file systems."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from elearn.domain.checkup import (
    GIGABYTE,
    ON_THE_NETWORK,
    file_system_of,
    judge_address,
    judge_disk,
    judge_moment,
    judge_secret,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MOUNTS = """\
22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw
28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
90 28 0:50 / /srv rw,relatime shared:60 - nfs4 store:/export rw,vers=4.2
91 90 0:51 / /srv/fast rw,relatime - xfs /dev/vdb rw
92 28 0:52 / /mnt/two\\040words rw - cifs //store/share rw
93 28 0:53 / /data rw - ext4 /dev/vdc rw
94 93 0:54 / /data rw - fuse.sshfs store: rw
a line that is no mount
"""


def test_a_secret_drawn_by_lot_is_fine() -> None:
    for _ in range(50):
        assert judge_secret(secrets.token_urlsafe(48)).severity == "fine"
        assert judge_secret(secrets.token_hex(32)).severity == "fine"


@pytest.mark.parametrize(
    "secret",
    ["abcdefgh" * 4, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaabcdefgh", "changeme-" + "x7Kq" * 9, "My Secret " + "qwertzuiop" * 4],
)
def test_a_secret_that_somebody_wrote_is_not(secret: str) -> None:
    found = judge_secret(secret)
    assert found.severity == "error"
    assert secret not in str(found)


@pytest.mark.parametrize(
    ("free", "files", "severity"),
    [
        (50 * GIGABYTE, 10**6, "fine"),
        (50 * GIGABYTE, None, "fine"),
        (2 * GIGABYTE, 10**6, "warning"),
        (GIGABYTE // 2, 10**6, "error"),
        (50 * GIGABYTE, 100, "error"),
    ],
)
def test_a_disk_is_judged_by_what_is_free(free: int, files: int | None, severity: str) -> None:
    assert judge_disk("/var/lib/elearn", free, files).severity == severity


def test_nothing_that_was_written_is_younger_than_now() -> None:
    assert judge_moment(NOW, NOW - timedelta(days=400), "a record") is None
    assert judge_moment(NOW, NOW + timedelta(minutes=1), "a record") is None
    found = judge_moment(NOW, NOW + timedelta(days=400, hours=1), "the newest record")
    assert found
    assert found.severity == "error"
    assert "the newest record is 400 days, 1:00:00 ahead" in found.message


@pytest.mark.parametrize(
    ("base_url", "proxies", "found"),
    [
        ("https://learn.manipur.gov.in", 1, [("fine", "address")]),
        ("https://learn.manipur.gov.in", 0, [("fine", "address"), ("error", "proxy")]),
        ("https://learn.manipur.gov.in", 9, [("fine", "address"), ("warning", "proxy")]),
        ("http://learn.manipur.gov.in", 0, [("error", "address")]),
        ("http://learn.manipur.gov.in", 1, [("error", "address"), ("warning", "proxy")]),
        ("https://learn.example.gov.in", 1, [("error", "address")]),
        ("http://127.0.0.1:8000", 0, [("warning", "address")]),
    ],
)
def test_address_cookies_and_proxy_must_fit_together(base_url: str, proxies: int, found: list[tuple[str, str]]) -> None:
    assert [(one.severity, one.about) for one in judge_address(base_url, proxies)] == found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/elearn", "ext4"),
        ("/srv/elearn", "nfs4"),
        ("/srv/fast/elearn", "xfs"),
        ("/srvx", "ext4"),
        ("/mnt/two words/elearn", "cifs"),
        ("/data/elearn", "fuse.sshfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert file_system_of(path, MOUNTS) == kind
    assert (kind in ON_THE_NETWORK) == (kind not in ("ext4", "xfs"))
    assert file_system_of(path, "") == ""

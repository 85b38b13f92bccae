"""Settings come from the environment, typed; one that cannot be used is named with what it may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import BadSetting, Config, database_url, from_environment
from tests.conftest import SECRET

GIVEN = {"ELEARN_SECRET_KEY": SECRET}


def test_what_postgresql_is_given_has_defaults_and_can_be_set() -> None:
    config = from_environment(GIVEN)
    assert (config.database_connections, config.statement_seconds, config.lock_seconds) == (10, 30, 10)
    assert (config.idle_transaction_seconds, config.export_seconds) == (60, 600)
    names = ("DATABASE_CONNECTIONS", "STATEMENT_SECONDS", "LOCK_SECONDS", "IDLE_TRANSACTION_SECONDS", "EXPORT_SECONDS")
    config = from_environment({**GIVEN, **{f"ELEARN_{name}": str(n) for n, name in enumerate(names, 1)}})
    assert (config.database_connections, config.statement_seconds, config.lock_seconds) == (1, 2, 3)
    assert (config.idle_transaction_seconds, config.export_seconds) == (4, 5)


def test_without_a_connection_nothing_can_be_asked_but_a_limit_may_be_left_out() -> None:
    assert from_environment({**GIVEN, "ELEARN_STATEMENT_SECONDS": "0"}).statement_seconds == 0
    with pytest.raises(BadSetting, match="ELEARN_DATABASE_CONNECTIONS must be a whole number from 1 on, not '0'"):
        from_environment({**GIVEN, "ELEARN_DATABASE_CONNECTIONS": "0"})
    with pytest.raises(BadSetting, match="ELEARN_LOCK_SECONDS must be a whole number, not '-1'"):
        from_environment({**GIVEN, "ELEARN_LOCK_SECONDS": "-1"})


def test_the_plain_names_of_postgresql_mean_the_driver_that_is_shipped(tmp_path: Path) -> None:
    for plain in ("postgresql://", "postgres://"):
        assert database_url(f"{plain}elearn@db.test/elearn", tmp_path) == "postgresql+psycopg://elearn@db.test/elearn"
    assert database_url("", tmp_path) == f"sqlite:///{tmp_path / 'elearn.sqlite3'}"
    with pytest.raises(BadSetting, match="postgresql:// or sqlite:///"):
        database_url("mysql://db.test/elearn", tmp_path)


def read(**settings: str) -> Config:
    return from_environment({**GIVEN, **{f"ELEARN_{name}": value for name, value in settings.items()}})


def test_names_are_listed_with_commas_or_spaces_in_any_case() -> None:
    assert read(TRUSTED_HOSTS="Learn.example.gov.in, 10.0.0.5 [::1]").trusted_hosts == (
        "learn.example.gov.in",
        "10.0.0.5",
        "[::1]",
    )
    assert read().trusted_hosts == ()


@pytest.mark.parametrize("wrong", ["https://learn.example", "learn.example:443", "*", ".example", "a/b", "a_b.test"])
def test_what_is_no_name_of_a_host_stops_the_start(wrong: str) -> None:
    with pytest.raises(BadSetting, match="ELEARN_TRUSTED_HOSTS"):
        read(TRUSTED_HOSTS=wrong)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("security@example.gov.in", "mailto:security@example.gov.in"),
        ("mailto:security@example.gov.in", "mailto:security@example.gov.in"),
        ("https://example.gov.in/report?to=it", "https://example.gov.in/report?to=it"),
        ("tel:+91-385-2450000", "tel:+91-385-2450000"),
        ("", ""),
    ],
)
def test_whom_to_tell_of_a_weakness(written: str, meant: str) -> None:
    assert read(SECURITY_CONTACT=written).security_contact == meant


@pytest.mark.parametrize(
    "wrong", ["nobody", "http://example.gov.in", "javascript:x", "https://a b", "a@b\nExpires: x", "tel:"]
)
def test_a_contact_that_no_browser_can_open_stops_the_start(wrong: str) -> None:
    with pytest.raises(BadSetting, match="ELEARN_SECURITY_CONTACT"):
        read(SECURITY_CONTACT=wrong)


@pytest.mark.parametrize("weak", ["", "short", "a" * 64, "abababab" * 8])
def test_a_weak_secret_stops_the_start(weak: str) -> None:
    with pytest.raises(BadSetting, match="ELEARN_SECRET_KEY"):
        from_environment({"ELEARN_SECRET_KEY": weak})

"""Settings that cannot be used stop the start, and say what to write instead."""

from __future__ import annotations

import pytest

from config import BadSetting, Config, from_environment

SECRET = {"ELEARN_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}


def read(**settings: str) -> Config:
    return from_environment({**SECRET, **{f"ELEARN_{name}": value for name, value in settings.items()}})


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

"""The settings of the provider of identities: all that are needed, or none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config import BadSetting, Provider, from_environment
from tests.server import ROOT, SECRET, environment

GIVEN = {"ISSUER": "https://sso.model.test/realms/officers", "CLIENT_ID": "elearn", "CLIENT_SECRET": "s3cret words"}


def provider_of(**oidc: str) -> Provider | None:
    env = {f"ELEARN_OIDC_{name}": value for name, value in oidc.items()}
    return from_environment({"ELEARN_SECRET_KEY": SECRET, **env}).oidc


def test_without_a_setting_there_is_no_provider() -> None:
    assert provider_of() is None
    assert provider_of(ISSUER="", CLIENT_ID=" ") is None


def test_three_settings_are_enough() -> None:
    provider = provider_of(**GIVEN)
    assert provider == Provider(GIVEN["ISSUER"], "elearn", "s3cret words")
    assert provider.link_by == "email"
    assert "s3cret" not in repr(provider)


def test_all_of_them_are_taken() -> None:
    more = {"LABEL": "Parakh", "LINK_BY": "employee_number", "EMPLOYEE_NUMBER_CLAIM": "empno", "SCOPES": "openid hr"}
    provider = provider_of(**GIVEN, **more)
    assert provider == Provider(*GIVEN.values(), "Parakh", "employee_number", "empno", "openid hr")


@pytest.mark.parametrize("name", GIVEN)
def test_a_missing_one_is_named(name: str) -> None:
    with pytest.raises(BadSetting, match=f"ELEARN_OIDC_{name} is missing"):
        provider_of(**{**GIVEN, name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("ISSUER", address)
            for address in ("http://sso.model.test", "sso.model.test", "ftp://localhost", "https://")
        ),
        *(("ISSUER", address) for address in ("https://a@b.test", "https://a.test?x=1", "https://a.test#x")),
        ("LINK_BY", "name"),
        ("SCOPES", "email profile"),
        ("CLIENTSECRET", "x"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"ELEARN_OIDC_{name}"):
        provider_of(**{**GIVEN, name: value})


@pytest.mark.parametrize("issuer", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080"])
def test_on_this_machine_a_provider_needs_no_encryption(issuer: str) -> None:
    provider = provider_of(**{**GIVEN, "ISSUER": issuer})
    assert provider is not None
    assert provider.issuer == issuer


def test_whoever_has_no_provider_does_not_pay_for_one() -> None:
    """Authlib and requests are loaded by the setting alone; so a process without it starts as before."""
    look = "import sys, elearn, elearn.cli; print([m for m in ('authlib', 'requests', 'urllib3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, env=environment({}), capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr

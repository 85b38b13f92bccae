"""Settings, read from the environment (prefix ELEARN_) and typed; a missing or weak secret stops the start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SHORTEST_SECRET = 32
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")
SHORTEST_TOKEN = 24
FEWEST_LOG_DAYS = 365  # the DPDP Rules ask for a year of log; CERT-In for 180 days of it


class BadSetting(ValueError):
    """A setting is missing or cannot be used. The message names it and says what to do."""


LinkBy = Literal["email", "employee_number"]


@dataclass(frozen=True)
class Provider:
    """The OpenID Connect provider that officers may sign in with. `issuer` is ELEARN_OIDC_ISSUER, and so on."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str = "single sign-on"
    link_by: LinkBy = "email"
    employee_number_claim: str = "employee_number"
    scopes: str = "openid email profile"


@dataclass(frozen=True)
class Config:
    """All settings with their defaults. The environment variable of `data_dir` is ELEARN_DATA_DIR, and so on."""

    secret_key: str
    data_dir: Path = Path("instance")
    content_dir: Path = Path("content")
    private_content_dir: Path | None = None
    database_url: str = ""
    signing_keys: Path = Path("instance/signing-keys.json")
    base_url: str = "http://127.0.0.1:8000"
    organisation: str = "Department of Information Technology"
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Kolkata"))
    mail_url: str = ""
    mail_from: str = "elearn@localhost"
    trusted_proxies: int = 0
    trusted_hosts: tuple[str, ...] = ()
    security_contact: str = ""
    default_language: str = "en"
    idle_minutes: int = 60
    longest_hours: int = 12
    second_factor: str = "required"  # of supervisors, trainers and administrators; or "offered"
    database_connections: int = 10
    statement_seconds: int = 30
    lock_seconds: int = 10
    idle_transaction_seconds: int = 60
    export_seconds: int = 600
    oidc: Provider | None = None
    log_format: str = "json"
    slow_ms: int = 500
    metrics: bool = False
    metrics_token: str = ""
    access_log_days: int = 400

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc


def from_environment(environment: Mapping[str, str] | None = None) -> Config:
    """The settings of this process. Raises BadSetting, naming the first variable that cannot be used."""
    env = {k.removeprefix("ELEARN_"): v for k, v in (environment or os.environ).items() if k.startswith("ELEARN_")}
    data_dir = Path(env.get("DATA_DIR") or "instance").resolve()
    return Config(
        secret_key=_secret(env),
        data_dir=data_dir,
        content_dir=Path(env.get("CONTENT_DIR") or "content").resolve(),
        private_content_dir=Path(p).resolve() if (p := env.get("PRIVATE_CONTENT_DIR")) else None,
        database_url=database_url(env.get("DATABASE_URL", ""), data_dir),
        signing_keys=Path(env.get("SIGNING_KEYS") or data_dir / "signing-keys.json").resolve(),
        base_url=_base_url(env.get("BASE_URL") or Config.base_url),
        organisation=env.get("ORGANISATION") or Config.organisation,
        timezone=_timezone(env.get("TIMEZONE") or "Asia/Kolkata"),
        mail_url=_mail_url(env.get("MAIL_URL", "")),
        mail_from=env.get("MAIL_FROM") or Config.mail_from,
        trusted_proxies=_whole(env, "TRUSTED_PROXIES", 0),
        trusted_hosts=_hosts(env.get("TRUSTED_HOSTS", "")),
        security_contact=_contact(env.get("SECURITY_CONTACT", "")),
        default_language=env.get("DEFAULT_LANGUAGE") or Config.default_language,
        idle_minutes=_whole(env, "IDLE_MINUTES", Config.idle_minutes),
        longest_hours=_whole(env, "LONGEST_HOURS", Config.longest_hours),
        second_factor=_one_of(env, "SECOND_FACTOR", ("required", "offered")),
        database_connections=_whole(env, "DATABASE_CONNECTIONS", Config.database_connections, least=1),
        statement_seconds=_whole(env, "STATEMENT_SECONDS", Config.statement_seconds),
        lock_seconds=_whole(env, "LOCK_SECONDS", Config.lock_seconds),
        idle_transaction_seconds=_whole(env, "IDLE_TRANSACTION_SECONDS", Config.idle_transaction_seconds),
        export_seconds=_whole(env, "EXPORT_SECONDS", Config.export_seconds),
        oidc=_provider({k.removeprefix("OIDC_"): v.strip() for k, v in env.items() if k.startswith("OIDC_")}),
        log_format=_log_format(env.get("LOG_FORMAT") or Config.log_format),
        slow_ms=_whole(env, "SLOW_MS", Config.slow_ms),
        metrics=_yes_or_no(env, "METRICS"),
        metrics_token=_metrics_token(env.get("METRICS_TOKEN", "")),
        access_log_days=_access_log_days(env),
    )


def _secret(env: Mapping[str, str]) -> str:
    secret = env.get("SECRET_KEY", "")
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < 8:
        raise BadSetting(
            f"ELEARN_SECRET_KEY is missing or too easy to guess: it needs {SHORTEST_SECRET} random characters. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return secret


def database_url(url: str, data_dir: Path) -> str:
    """The address of a database as SQLAlchemy takes it. Raises BadSetting."""
    if not url:
        return f"sqlite:///{data_dir / 'elearn.sqlite3'}"
    # psycopg is the one PostgreSQL driver we ship, so the plain names mean it.
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSetting("ELEARN_DATABASE_URL must begin with postgresql:// or sqlite:///")
    return url


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise BadSetting(f"ELEARN_BASE_URL must look like https://learn.example.gov.in, without a path, not {url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadSetting(f"ELEARN_TIMEZONE must be a name such as Asia/Kolkata, not {name!r}") from None


def _mail_url(url: str) -> str:
    if url and urlsplit(url).scheme not in ("smtp", "smtps"):
        raise BadSetting("ELEARN_MAIL_URL must look like smtp://user:password@host:587 or smtps://host:465")
    return url


def _log_format(name: str) -> str:
    if name not in ("json", "text"):
        raise BadSetting(f"ELEARN_LOG_FORMAT must be json or text, not {name!r}")
    return name


def _metrics_token(token: str) -> str:
    if token and len(token) < SHORTEST_TOKEN:
        raise BadSetting(f"ELEARN_METRICS_TOKEN needs at least {SHORTEST_TOKEN} random characters")
    return token


def _access_log_days(env: Mapping[str, str]) -> int:
    days = _whole(env, "ACCESS_LOG_DAYS", Config.access_log_days)
    if days < FEWEST_LOG_DAYS:
        raise BadSetting(f"ELEARN_ACCESS_LOG_DAYS must be at least {FEWEST_LOG_DAYS}: the law asks for a year of log")
    return days


def _yes_or_no(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "")
    if text not in ("", "0", "1"):
        raise BadSetting(f"ELEARN_{name} must be 1 or 0, not {text!r}")
    return text == "1"


def _one_of(env: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """The first word is the default."""
    word = env.get(name) or words[0]
    if word not in words:
        raise BadSetting(f"ELEARN_{name} must be one of {', '.join(words)}, not {word!r}")
    return word


def _provider(oidc: Mapping[str, str]) -> Provider | None:
    """The settings that begin with ELEARN_OIDC_, all of them together, or none where none is set."""
    given = {name.lower(): value for name, value in oidc.items() if value}
    if not given:
        return None
    known = Provider.__dataclass_fields__
    for name in given:
        if name not in known:
            raise BadSetting(f"ELEARN_OIDC_{name.upper()} is no setting; there are {', '.join(known).upper()}")
    for name in ("issuer", "client_id", "client_secret"):
        if name not in given:
            raise BadSetting(f"ELEARN_OIDC_{name.upper()} is missing: the provider's administrator gives it to you")
    if given.get("link_by", "email") not in ("email", "employee_number"):
        raise BadSetting("ELEARN_OIDC_LINK_BY must be email or employee_number")
    if "openid" not in given.get("scopes", "openid").split():
        raise BadSetting("ELEARN_OIDC_SCOPES must hold the word openid, such as: openid email profile")
    _refuse_issuer(given["issuer"])
    link_by = cast(LinkBy, given.pop("link_by", "email"))
    return Provider(**given, link_by=link_by)


def _refuse_issuer(issuer: str) -> None:
    """http is for a provider on this very machine only: elsewhere a stranger on the line could sign in as anybody."""
    parts = urlsplit(issuer)
    right = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not right or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadSetting(
            "ELEARN_OIDC_ISSUER must be the provider's address as its own metadata spell it, such as "
            f"https://sso.example.gov.in/realms/officers, not {issuer!r}"
        )


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this very machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _hosts(names: str) -> tuple[str, ...]:
    """Names split at commas and spaces, without ports: a name is trusted on every port."""
    hosts = tuple(names.replace(",", " ").split())
    for host in hosts:
        if not HOST.fullmatch(host):
            raise BadSetting(f"ELEARN_TRUSTED_HOSTS holds names such as learn.example.gov.in, not {host!r}")
    return tuple(host.lower() for host in hosts)


def _contact(address: str) -> str:
    """Whom to tell about a weakness, as RFC 9116 wants it: an address of any kind that a browser can open."""
    if not address:
        return ""
    if re.fullmatch(r"[^@\s:/]+@[^@\s:/]+", address):
        address = f"mailto:{address}"
    if not address.isascii() or not re.fullmatch(r"(mailto:|https://|tel:)[!-~]+", address):
        raise BadSetting("ELEARN_SECURITY_CONTACT must be an e-mail address, or begin with mailto:, https:// or tel:")
    return address


def _whole(env: Mapping[str, str], name: str, default: int, least: int = 0) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        from_least = f" from {least} on" if least else ""
        raise BadSetting(f"ELEARN_{name} must be a whole number{from_least}, not {text!r}")
    return int(text)

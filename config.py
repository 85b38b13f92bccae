"""Settings, read from the environment (prefix ELEARN_) and typed; a missing or weak secret stops the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SHORTEST_SECRET = 32


class BadSetting(ValueError):
    """A setting is missing or cannot be used. The message names it and says what to do."""


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
    default_language: str = "en"
    idle_minutes: int = 60
    longest_hours: int = 12
    second_factor: str = "required"  # of supervisors, trainers and administrators; or "offered"

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
        database_url=_database_url(env.get("DATABASE_URL", ""), data_dir),
        signing_keys=Path(env.get("SIGNING_KEYS") or data_dir / "signing-keys.json").resolve(),
        base_url=_base_url(env.get("BASE_URL") or Config.base_url),
        organisation=env.get("ORGANISATION") or Config.organisation,
        timezone=_timezone(env.get("TIMEZONE") or "Asia/Kolkata"),
        mail_url=_mail_url(env.get("MAIL_URL", "")),
        mail_from=env.get("MAIL_FROM") or Config.mail_from,
        trusted_proxies=_whole(env, "TRUSTED_PROXIES", 0),
        default_language=env.get("DEFAULT_LANGUAGE") or Config.default_language,
        idle_minutes=_whole(env, "IDLE_MINUTES", Config.idle_minutes),
        longest_hours=_whole(env, "LONGEST_HOURS", Config.longest_hours),
        second_factor=_one_of(env, "SECOND_FACTOR", ("required", "offered")),
    )


def _secret(env: Mapping[str, str]) -> str:
    secret = env.get("SECRET_KEY", "")
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < 8:
        raise BadSetting(
            f"ELEARN_SECRET_KEY is missing or too easy to guess: it needs {SHORTEST_SECRET} random characters. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return secret


def _database_url(url: str, data_dir: Path) -> str:
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


def _one_of(env: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """The first word is the default."""
    word = env.get(name) or words[0]
    if word not in words:
        raise BadSetting(f"ELEARN_{name} must be one of {', '.join(words)}, not {word!r}")
    return word


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise BadSetting(f"ELEARN_{name} must be a whole number, not {text!r}")
    return int(text)

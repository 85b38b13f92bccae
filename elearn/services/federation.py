"""Whom a provider's word belongs to here: the first sign-in links, every later one goes by that link alone.

Nothing is created by it and no role is taken from it: an officer is here because the department brought her.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app
from sqlalchemy import Connection, delete, select

from config import Config, Provider
from elearn.domain.identity import Arrival, Departure, NotLinked, NotTrusted, ProviderAway, Vouched
from elearn.models.database import insert_once, reading, writing
from elearn.models.people import FederatedIdentity, Officer
from elearn.services import access_log, accounts
from elearn.services.spelling import BadEmail, BadNumber, clean_email, clean_number

if TYPE_CHECKING:
    from elearn.services.identity_provider import IdentityProvider

__all__ = ["Departure", "NotLinked", "NotTrusted", "ProviderAway", "Vouched"]

log = logging.getLogger(__name__)

HOW = "single sign-on"


class NoProvider(LookupError):
    """No provider is configured here."""


def open_provider(app: Flask, config: Config, return_to: str) -> None:
    """Makes the configured provider known to the application; `return_to` is where it sends people back to."""
    if config.oidc is None:
        return
    # 0.7 s and 6 MB for Authlib and requests, which a process without a provider never needs.
    from elearn.services.identity_provider import IdentityProvider

    app.extensions["elearn.provider"] = IdentityProvider(config.oidc, return_to)


def make_room(app: Flask, threads: int) -> None:
    """Tells the provider, where there is one, how many threads serve in each process."""
    provider: IdentityProvider | None = app.extensions.get("elearn.provider")
    if provider:
        provider.make_room(threads)


def depart(again: bool = False) -> tuple[str, Departure]:
    """The address at the provider to go to, and what to keep until then; `again` where she is to show there anew who
    she is.

    Raises NoProvider, ProviderAway, NotTrusted.
    """
    provider = _provider()
    try:
        return provider.departure(again)
    except (ProviderAway, NotTrusted) as error:
        _tell(error)
        raise


def officer_of(departure: Departure, code: str, address: str, now: datetime) -> Vouched:
    """The officer whom the provider vouches for with `code`, linked with her account here if she was not yet.

    She is not signed in by it: see accounts.sign_in_vouched. Raises NoProvider, ProviderAway, NotTrusted, NotLinked.
    """
    provider = _provider()
    try:
        arrival = provider.arrival(departure, code, now)
        linked = _linked(arrival)
        if linked is None and not _told(arrival, provider.settings):
            arrival = provider.told_more(arrival)
        officer_id = _link(arrival, provider.settings, now, address) if linked is None else linked
    except (ProviderAway, NotTrusted, NotLinked) as error:
        _tell(error)
        if not isinstance(error, ProviderAway):
            _note_failure(error, address, now)
        raise
    return Vouched(officer_id, arrival.proved_at)


def is_linked(officer_id: int) -> bool:
    """Whether the officer may come by the provider that is configured here; False where none is."""
    settings: Provider | None = current_app.config["ELEARN"].oidc
    if settings is None:
        return False
    mine = (FederatedIdentity.officer_id == officer_id) & (FederatedIdentity.issuer == settings.issuer)
    with reading() as connection:
        return connection.execute(select(FederatedIdentity.officer_id).where(mine)).first() is not None


def unlink(officer_id: int, now: datetime) -> int:
    """Forgets whom a provider means by this officer, and ends all her sign-ins; returns how many links there were."""
    with writing() as connection:
        gone = connection.execute(delete(FederatedIdentity).where(FederatedIdentity.officer_id == officer_id)).rowcount
        if gone:
            accounts.end_sign_ins(connection, officer_id, now)
            access_log.note(connection, "identity_unlinked", now, about=officer_id, detail=f"officer {officer_id}")
    return gone


def _linked(arrival: Arrival) -> int | None:
    """The officer whom this subject was linked with before. Raises NotLinked where she is shut out."""
    with reading() as connection:
        return _linked_here(connection, arrival)


def _linked_here(connection: Connection, arrival: Arrival) -> int | None:
    query = select(Officer.id, Officer.disabled_at).join(FederatedIdentity, FederatedIdentity.officer_id == Officer.id)
    row = connection.execute(
        query.where(FederatedIdentity.issuer == arrival.issuer, FederatedIdentity.subject == arrival.subject)
    ).one_or_none()
    if row and row.disabled_at:
        raise NotLinked("disabled", officer_id=row.id)
    return row.id if row else None


def _link(arrival: Arrival, settings: Provider, now: datetime, address: str) -> int:
    """Links the subject with the officer whose e-mail or number the provider told. Raises NotLinked."""
    told = _told(arrival, settings)
    if not told:
        unverified = settings.link_by == "email" and arrival.unverified_email
        raise NotLinked("unverified" if unverified else "missing", arrival.unverified_email if unverified else "")
    with writing() as connection:
        officer_id = _officer_with(connection, told, settings)
        row = {"issuer": arrival.issuer, "subject": arrival.subject, "officer_id": officer_id, "linked_at": now}
        if insert_once(connection, FederatedIdentity, **row):
            access_log.note(
                connection, "identity_linked", now, officer_id=officer_id, detail=arrival.issuer, address=address
            )
        # Else one of two keys was there: this subject, linked a moment ago by another tab, or this officer.
        elif _linked_here(connection, arrival) != officer_id:
            raise NotLinked("taken", told, officer_id)
    return officer_id


def _told(arrival: Arrival, settings: Provider) -> str:
    """What the provider told that may link, or nothing."""
    return (arrival.email if settings.link_by == "email" else arrival.number).strip()


def _officer_with(connection: Connection, told: str, settings: Provider) -> int:
    """The one officer with this e-mail or number. Raises NotLinked."""
    # Before it is folded: the Kelvin sign and the long s become k and s by that, and the address an officer's.
    if not told.isascii():
        raise NotLinked("unknown", told)
    try:
        same = (
            Officer.email == clean_email(told)
            if settings.link_by == "email"
            else Officer.employee_number == clean_number(told)
        )
    except (BadEmail, BadNumber):
        raise NotLinked("unknown", told) from None
    found = connection.execute(select(Officer.id, Officer.disabled_at).where(same).limit(2)).all()
    if not found:
        raise NotLinked("unknown", told)
    if len(found) > 1:
        raise NotLinked("ambiguous", told)
    if found[0].disabled_at:
        raise NotLinked("disabled", told, found[0].id)
    return int(found[0].id)


def _note_failure(error: NotTrusted | NotLinked, address: str, now: datetime) -> None:
    why = error.reason if isinstance(error, NotLinked) else "not trusted"
    officer_id = error.officer_id if isinstance(error, NotLinked) else None
    with writing() as connection:
        access_log.note(
            connection, "sign_in_failed", now, officer_id=officer_id, detail=f"{HOW}: {why}", address=address
        )


def _tell(error: ProviderAway | NotTrusted | NotLinked) -> None:
    """The reason to the log, whose reader can do something about it."""
    said = access_log.one_line(str(error), 400)
    if isinstance(error, NotLinked):
        log.info("single sign-on: no account linked: %s", said)
    else:
        log.warning("single sign-on: %s: %s", type(error).__name__, said)


def _provider() -> IdentityProvider:
    provider = current_app.extensions.get("elearn.provider")
    if provider is None:
        raise NoProvider
    return cast("IdentityProvider", provider)

"""Sign-ins that another vouches for: what a provider of identities says of somebody, and why it may not be enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """A visitor on her way to the provider. Her browser keeps it until she is back, so that only she can come back.

    `state` names the trip, `nonce` ties the provider's answer to it, `verifier` is the secret of PKCE (RFC 7636).
    """

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whom the provider vouches for: `subject` is she for ever; all else is what it says of her today.

    `email` is empty unless the provider has verified it. `proved_at` is when she last showed the provider who she is,
    None where it does not say so: it may have known her by a cookie alone.
    """

    issuer: str
    subject: str
    email: str = ""
    unverified_email: str = ""
    number: str = ""
    proved_at: datetime | None = None
    access_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Vouched:
    """An officer whom the provider has brought, not signed in yet; `proved_at` as in Arrival."""

    officer_id: int
    proved_at: datetime | None = None


class NotLinked(Exception):
    """The provider vouches for somebody who has no account here that she could enter by it.

    `reason`: `unknown` (nobody here has this e-mail or number), `unverified` (the provider has not verified the
    e-mail), `missing` (it tells no e-mail or number), `taken` (the account is linked with another sign-in there),
    `ambiguous` (several officers have this number) or `disabled`. `told` is the e-mail or number that it told.
    """

    def __init__(self, reason: str, told: str = "", officer_id: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.told, self.officer_id = reason, told, officer_id


class ProviderAway(Exception):
    """The provider does not answer, or not in time. The message is for the log."""


class NotTrusted(Exception):
    """The provider refuses, or its answer cannot be relied on. The message is for the log."""

"""Who may do what beyond learning, and whom they may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RoleName = Literal["supervisor", "trainer", "administrator"]
ROLES: tuple[RoleName, ...] = ("supervisor", "trainer", "administrator")
OF_AN_OFFICE: frozenset[str] = frozenset({"supervisor"})
"""Roles that may be held in one office; any other is held everywhere, and no page would look at an office of it."""

Entry = Literal["anyone", "officer", "supervisor", "trainer", "administrator"]
"""Who may enter a page. Everybody who is signed in is an officer: supervisors learn too."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in one office and all below it; an empty path means everywhere."""

    role: RoleName
    office_path: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever is signed in, as one query brought them: who they are, what they may do, and through which sign-in."""

    officer_id: int
    sign_in_id: int
    name: str
    name_language: str
    language: str
    grants: tuple[Grant, ...] = ()

    def may_enter(self, entry: Entry) -> bool:
        return entry in ("anyone", "officer") or any(grant.role == entry for grant in self.grants)

    def office_paths(self, role: RoleName) -> tuple[str, ...]:
        """The tops of the trees this viewer holds `role` in; "" among them means everywhere."""
        return tuple(grant.office_path for grant in self.grants if grant.role == role)

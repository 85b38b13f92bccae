"""Where anything about an officer is kept, and what becomes of it when she is erased: every table, column by column.

A test fails when a table refers to an officer and does not stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, delete, or_, select, update

from elearn.models.tables import metadata

Fate = Literal["kept", "deleted"]


@dataclass(frozen=True)
class Place:
    """One table. `of` are the columns with the number of the officer whose row it is; `acted` those with the number of
    somebody who did something to another one's row; `through` is a column that leads to a row of another table here.

    On erasure the rows are `kept` under the bare number or `deleted`, and `blanked` columns get the value given.
    """

    of: tuple[str, ...] = ()
    acted: tuple[str, ...] = ()
    through: tuple[str, str] | None = None
    fate: Fate = "kept"
    blanked: Mapping[str, Any] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()


PLACES: Mapping[str, Place] = {
    "officer": Place(
        ("id",), blanked={"email": None, "employee_number": None, "authority": "", "language": "en", "salt": None}
    ),
    "officer_name": Place(("officer_id",), fate="deleted"),
    "posting": Place(("officer_id",), blanked={"designation": ""}),
    "role": Place(("officer_id",)),
    "password": Place(("officer_id",), fate="deleted", secret=frozenset({"hash"})),
    "sign_in": Place(("officer_id",), fate="deleted", secret=frozenset({"token_hash"})),
    "federated_identity": Place(("officer_id",), fate="deleted"),
    "half_sign_in": Place(("officer_id",), fate="deleted", secret=frozenset({"token_hash"})),
    "second_factor": Place(("officer_id",), fate="deleted"),
    "recovery_code": Place(("officer_id",), fate="deleted", secret=frozenset({"hash"})),
    "one_time_link": Place(("officer_id",), fate="deleted", secret=frozenset({"token_hash"})),
    "access_log": Place(("officer_id", "about_id")),  # its addresses go once the law asks for them no more: retention
    "enrolment": Place(("officer_id",), acted=("assigned_by",), blanked={"exempt_reason": ""}),
    "check_answer": Place(("officer_id",)),
    "lab_run": Place(("officer_id",)),
    "lesson_record": Place(("officer_id",)),
    "attempt": Place(("officer_id",)),
    "answer": Place(through=("attempt_id", "attempt")),
    "standing": Place(("officer_id",)),
    "standing_history": Place(("officer_id",)),
    "certificate": Place(("officer_id",)),  # the signed record, as long as it must be checked; no page shows its name
    "ledger": Place(("subject",)),
    "ledger_head": Place(("subject",)),
    "error_report": Place(("officer_id",), acted=("closed_by",), blanked={"officer_id": None}),
}


def gather(connection: Connection, officer_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every row about an officer, by table; secrets only as the word that they are there."""
    return {
        name: [_shown(name, row) for row in connection.execute(select(table).where(_hers(name, officer_id))).mappings()]
        for name, table in _tables()
    }


def acts_on_others(connection: Connection, officer_id: int) -> dict[str, int]:
    """How many rows of other people name the officer as the one who acted. The rows themselves are those people's."""
    found = {}
    for name, table in _tables():
        for column in PLACES[name].acted:
            rows = connection.execute(select(table.c[column]).where(table.c[column] == officer_id)).all()
            found[f"{name}.{column}"] = len(rows)
    return found


def blank(connection: Connection, officer_id: int) -> dict[str, int]:
    """Does to every table what erasure does to it; returns how many rows were deleted or changed, by table."""
    touched = {}
    for name, table in reversed(_tables()):
        place = PLACES[name]
        mine = _hers(name, officer_id)
        if place.fate == "deleted":
            touched[name] = connection.execute(delete(table).where(mine)).rowcount
        elif place.blanked:
            touched[name] = connection.execute(update(table).where(mine).values(**place.blanked)).rowcount
    return touched


def _tables() -> list[tuple[str, Table]]:
    return [(table.name, table) for table in metadata.sorted_tables if table.name in PLACES]


def _hers(name: str, officer_id: int) -> ColumnElement[bool]:
    table, place = metadata.tables[name], PLACES[name]
    if place.through:
        column, other = place.through
        above = metadata.tables[other]
        (key,) = above.primary_key.columns
        return table.c[column].in_(select(key).where(_hers(other, officer_id)))
    return or_(*(table.c[column] == officer_id for column in place.of))


def _shown(name: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    table, secret = metadata.tables[name], PLACES[name].secret
    return {
        column.name: _SECRET if _is_secret(column, secret) and row[column] is not None else row[column]
        for column in table.columns
    }


def _is_secret(column: Any, secret: frozenset[str]) -> bool:
    """Also in tables to come: bytes, and whatever is called a secret, lets somebody in or tells nothing."""
    return column.name in secret or "secret" in column.name or isinstance(column.type, LargeBinary)


_SECRET = "(kept, and shown to nobody)"  # noqa: S105 - says that there is one

"""Everything that is kept about one person, as a ZIP: JSON for programs, and a page that opens in any browser."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from html import escape
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Rows by table, and how many rows of others name her as the one who acted."""

    officer_id: int
    made_at: datetime
    organisation: str
    tables: Mapping[str, Sequence[Row]]
    acts_on_others: Mapping[str, int]


def personal_file(data: PersonalData, zone: tzinfo) -> bytes:
    """The ZIP: `data.json` and `data.html`, with all times in `zone`."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("data.json", _as_json(data, zone))
        archive.writestr("data.html", _as_html(data, zone))
    return file.getvalue()


def _as_json(data: PersonalData, zone: tzinfo) -> str:
    whole = {
        "officer_id": data.officer_id,
        "made_at": data.made_at,
        "kept_by": data.organisation,
        "tables": {name: [dict(row) for row in rows] for name, rows in data.tables.items()},
        "rows_of_others_that_name_the_officer_as_the_one_who_acted": dict(data.acts_on_others),
    }
    return json.dumps(whole, ensure_ascii=False, indent=1, default=lambda value: _text(value, zone))


def _as_html(data: PersonalData, zone: tzinfo) -> str:
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>What is kept about you</title>',
        '<meta name="viewport" content="width=device-width"></head><body>',
        "<h1>What is kept about you</h1>",
        f"<p>By {escape(data.organisation)}, as of {escape(_text(data.made_at, zone))}. "
        f"Your number here is {data.officer_id}.</p>",
    ]
    for name, rows in data.tables.items():
        parts += [f"<h2>{escape(name.replace('_', ' ').capitalize())}: {len(rows)}</h2>", *_table(rows, zone)]
    parts += ["<h2>Rows of others that name you as the one who acted</h2>"]
    parts += [f"<p>{escape(name)}: {number}</p>" for name, number in data.acts_on_others.items()]
    return "\n".join([*parts, "</body></html>\n"])


def _table(rows: Sequence[Row], zone: tzinfo) -> Iterable[str]:
    if not rows:
        return
    yield '<table border="1"><thead><tr>' + "".join(f"<th>{escape(name)}</th>" for name in rows[0]) + "</tr></thead>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(_text(value, zone))}</td>" for value in row.values()) + "</tr>"
    yield "</table>"


def _text(value: Any, zone: tzinfo) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat("T", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Static files, served from memory under an address that changes when they do, so that browsers keep them for ever."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Flask, abort, current_app, request, url_for
from werkzeug.wrappers import Response

from elearn.web.access import open_to

STATIC = Path(__file__).parent.parent / "static"

# Named here, because what a machine's own table of types says differs from machine to machine.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, the same packed where that makes them smaller (else empty), and its media type."""

    data: bytes
    packed: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """All static files by path. The mark is a hash over all of them and not one for each: a script imports its
    neighbour and a style sheet its font by a relative address, which must lead to the same release."""

    mark: str
    assets: dict[str, Asset]


def init(app: Flask) -> None:
    """Reads all static files once; `asset(path)` in a template gives the address of one."""
    app.extensions["elearn.assets"] = read_shelf(STATIC)
    app.add_url_rule("/static/<mark>/<path:name>", "asset_file", asset_file)
    app.jinja_env.globals.update(asset=asset)


def read_shelf(folder: Path) -> Shelf:
    """Every file of a known type under `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in TYPES)
    assets = {path.relative_to(folder).as_posix(): _read(path) for path in files}
    digest = sha256()
    for name, one in assets.items():
        digest.update(name.encode() + b"\0" + sha256(one.data).digest())
    return Shelf(digest.hexdigest()[:12], assets)


def asset(name: str) -> str:
    """The address of a static file. Raises KeyError for one that does not exist: a template asked for it."""
    shelf = _shelf()
    if name not in shelf.assets:
        raise KeyError(f"no static file {name}")
    return url_for("asset_file", mark=shelf.mark, name=name)


@open_to("anyone")
def asset_file(mark: str, name: str) -> Response:
    shelf = _shelf()
    found = shelf.assets.get(name)
    # Another release's mark is refused: under it, today's file would be kept for ever in place of yesterday's.
    if found is None or mark != shelf.mark:
        abort(404)
    packed = bool(found.packed and request.accept_encodings["gzip"])
    response = Response(found.packed if packed else found.data, content_type=found.media_type)
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _read(path: Path) -> Asset:
    data = path.read_bytes()
    packed = gzip.compress(data, 9, mtime=0)
    return Asset(data, packed if len(packed) < 0.9 * len(data) else b"", TYPES[path.suffix])


def _shelf() -> Shelf:
    shelf: Shelf = current_app.extensions["elearn.assets"]
    return shelf

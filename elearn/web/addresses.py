"""By which addresses this site can be asked: names of the host, and numbers in a path.

A request can name any host. What a page, a redirect or a shared cache makes of that name must not be a stranger's
choice, so a name that is neither the site's own (ELEARN_BASE_URL) nor listed (ELEARN_TRUSTED_HOSTS) gets no page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, request
from werkzeug.routing import IntegerConverter, Map

from config import HOST, Config

View = TypeVar("View", bound=Callable[..., Any])

PORT = re.compile(r":\d{1,5}$")
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})


LARGEST_NUMBER = 2**63 - 1


class RowNumber(IntegerConverter):
    """A number that a database can hold; a larger one leads nowhere."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_NUMBER)


def by_any_name(view: View) -> View:
    """Marks a view that is for machines and holds no link, so that a load balancer or a scraper may ask for it by the
    address of the machine."""
    view.by_any_name = True  # type: ignore[attr-defined]
    return view


def guard(app: Flask) -> None:
    """Puts the check of the name before everything else that is done with a request."""
    # Two slashes are no address of ours; merged, they would be a redirect to wherever the request says it was sent.
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = RowNumber
    app.extensions["elearn.hosts"] = names_of(app.config["ELEARN"])
    app.before_request(_check_name)


def names_of(config: Config) -> frozenset[str]:
    """The site's own name and the listed ones; a site for this machine alone goes by all names of it."""
    own = name_in(config.host)
    return frozenset({own, *config.trusted_hosts, *(THIS_MACHINE if own in THIS_MACHINE else ())})


def name_in(host: str) -> str:
    """The name in a Host header without its port, in lower case; "" for what is no name."""
    name = PORT.sub("", host)
    return name.lower() if HOST.fullmatch(name) else ""


def _check_name() -> None:
    # Not request.host, which puts the server's own name where the request has none.
    if name_in(request.headers.get("Host", "")) in current_app.extensions["elearn.hosts"]:
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "by_any_name", False):
        g.wrong_host = True
        abort(400)

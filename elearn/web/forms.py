"""What forms share: what is wrong with a field, when to try again, and from where and with what they were sent."""

from __future__ import annotations

from typing import NamedTuple

from flask import make_response, request
from werkzeug.wrappers import Response

from elearn.i18n import n_
from elearn.services.throttle import TooManyTries


class Problem(NamedTuple):
    """What is wrong with one field of a form, in a sentence."""

    field: str
    sentence: str


def when(wait: TooManyTries) -> str:
    """When the next try is looked at."""
    if wait.retry_after <= 60:
        return n_(
            "Too many tries. Please try again in {count} second.",
            "Too many tries. Please try again in {count} seconds.",
            wait.retry_after,
        )
    minutes = -(-wait.retry_after // 60)
    return n_(
        "Too many tries. Please try again in {count} minute.",
        "Too many tries. Please try again in {count} minutes.",
        minutes,
    )


def later(page: str, wait: TooManyTries) -> Response:
    response = make_response(page, 429)
    response.headers["Retry-After"] = str(wait.retry_after)
    return response


def whole(text: str) -> int | None:
    """A number as a form sends one that we gave it; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def address() -> str:
    return request.remote_addr or ""


def device() -> str:
    return request.user_agent.string

"""Many things at the same moment: threads that all start together, each in the application's context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask


def at_once(app: Flask, acts: Sequence[Callable[[], object]]) -> list[Any]:
    """Does all acts at once; returns what each returned or raised, in order."""
    together = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        with app.app_context():
            together.wait()
            try:
                return act()
            except Exception as error:
                return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))

"""What gunicorn says about itself, in the same lines as everything else, without the addresses it was asked for."""

# mypy: disable-error-code="no-untyped-call"
# (gunicorn carries no types.)

from __future__ import annotations

import re
from typing import Any

from gunicorn.glogging import Logger

_QUOTED = re.compile(r"(['\"]).*\1", re.S)
_WITH_ADDRESS = "Error handling request"


class ServerLog(Logger):
    """gunicorn's logger, whose lines go where all others go (elearn.logs)."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        # A request that cannot be read is quoted by gunicorn, and may hold a token or words searched for.
        super().warning(_QUOTED.sub("…", str(msg)), *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        if str(msg).startswith(_WITH_ADDRESS):
            msg, args = _WITH_ADDRESS, ()
        super().exception(msg, *args, **kwargs)

"""Asks the server in this container whether it can serve; exit status 0 if so."""

from __future__ import annotations

import os
import sys
import urllib.request
from urllib.parse import urlsplit

PORT = 8000

if __name__ == "__main__":
    # Under the name that officers use: the server may answer to no other.
    name = urlsplit(os.environ.get("ELEARN_BASE_URL", "")).netloc or f"127.0.0.1:{PORT}"
    asked = urllib.request.Request(f"http://127.0.0.1:{PORT}/health/ready", headers={"Host": name})
    try:
        with urllib.request.urlopen(asked, timeout=8) as answer:
            sys.exit(answer.status != 200)
    except OSError as error:
        sys.exit(str(error))

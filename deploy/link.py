"""Makes this checkout importable from its virtual environment and puts the `elearn` command there.

What `pip install --editable .` does, without a build tool that would have to be downloaded outside the lock.
"""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = """#!{python}
import sys

from elearn.cli import main

sys.exit(main())
"""


def link() -> None:
    site = Path(sysconfig.get_path("purelib"))
    (site / "elearn-checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = Path(sysconfig.get_path("scripts")) / "elearn"
    command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o755)


if __name__ == "__main__":
    link()

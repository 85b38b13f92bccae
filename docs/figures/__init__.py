"""What draws the figures of the lessons, from the same numbers as the text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

COURSE = Path(__file__).parents[2] / "content" / "ai-for-good-governance"


def write(folder: Path, figures: Mapping[str, str]) -> None:
    """Puts figures beside their lessons."""
    for file, drawn in figures.items():
        (folder / file).write_text(drawn, encoding="utf-8")

"""The shipped course cut down to its first module, as files: for tests that walk a whole course from outside."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ruamel.yaml import YAML

SHIPPED = Path(__file__).parent.parent / "content" / "ai-for-good-governance"
FINAL = {"draw": 10, "minutes": 20, "pass": 70, "floors": {"D": 60}, "blueprint": {"A": 6, "D": 4}}


def short_course(content: Path) -> Path:
    """Writes it into the folder `content` and returns that: one module, one route, a final on its outcomes alone."""
    folder = content / SHIPPED.name
    shutil.copytree(SHIPPED / "01-plain-words", folder / "01-plain-words")
    for name in ("facts.yaml", "glossary.yaml"):
        shutil.copy(SHIPPED / name, folder / name)
    _write_course(folder)
    (folder / "final").mkdir()
    for bank in (SHIPPED / "final").glob("questions.*.md"):
        head, *questions = re.split(r"(?m)^(?=## )", bank.read_text("utf-8"))
        kept = [question for question in questions if " outcome=1." in question]
        (folder / "final" / bank.name).write_text(head + "".join(kept), "utf-8")
    return content


def _write_course(folder: Path) -> None:
    yaml = YAML()
    course = yaml.load(SHIPPED / "course.yaml")
    course["modules"] = ["plain-words"]
    course["routes"] = {"manager": {"title": course["routes"]["manager"]["title"], "modules": ["plain-words"]}}
    course["quizzes"]["final"] = {**FINAL, "wait_hours_after": course["quizzes"]["final"]["wait_hours_after"]}
    yaml.dump(course, folder / "course.yaml")

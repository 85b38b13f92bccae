"""The house keeps its own rules: arrows point one way, doors are marked, the README's map is the tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from elearn.web import words

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "elearn"

MAY_IMPORT = {
    "domain": set(),
    "authoring": {"domain"},
    "exports": {"domain"},
    "models": {"domain"},
    "services": {"models", "authoring", "exports", "domain"},
    "web": {"services", "exports", "domain", "i18n", "logs"},
    "commands": {"services", "exports", "domain", "logs"},
    "cli": {"commands", "services"},
    "i18n": set(),
    "logs": set(),
    "translations": set(),
}
VAGUE = {"utils", "helpers", "common", "manager", "handler", "extensions", "misc"}


def sources(folder: Path = HOUSE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, full name) of every module that is imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"line {node.lineno}: imports are written in full here"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def wrong_arrows(path: Path, text: str) -> list[str]:
    room = room_of(path)
    if room in ("__init__", "elearn"):
        return []  # create_app wires all rooms together
    found = []
    for line, name in imports(ast.parse(text)):
        parts = name.split(".")
        if parts[0] != "elearn" or len(parts) < 2:
            continue
        other = parts[1]
        if other == "create_app" and room == "commands":
            continue  # the command line starts the application
        if other != room and other not in MAY_IMPORT[room]:
            found.append(f"{path.relative_to(ROOT)}:{line}: {room} may not import {other}")
    return found


def test_arrows_point_one_way() -> None:
    assert [line for path in sources() for line in wrong_arrows(path, path.read_text())] == []


def test_an_arrow_that_points_back_is_named() -> None:
    text = "from elearn.models.people import Officer\n"
    assert wrong_arrows(HOUSE / "web" / "planted.py", text) == ["elearn/web/planted.py:1: web may not import models"]


def test_the_domain_needs_the_standard_library_only() -> None:
    import sys

    allowed = sys.stdlib_module_names | {"elearn"}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources(HOUSE / "domain")
        for line, name in imports(ast.parse(path.read_text()))
        if name.split(".")[0] not in allowed
    ]
    assert found == []


def test_an_import_inside_a_function_gives_its_reason() -> None:
    found = []
    for path in sources():
        lines = path.read_text().splitlines()
        for function in ast.walk(ast.parse("\n".join(lines))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    reason = lines[node.lineno - 1] + lines[node.lineno - 2]
                    if "#" not in reason:
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}: a lazy import without its reason")
    assert found == []


def test_no_room_has_a_vague_name() -> None:
    assert [str(path.relative_to(ROOT)) for path in sources() if set(path.stem.split("_")) & VAGUE] == []


def test_every_file_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(ROOT)) for path in sources() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_no_file_has_grown_into_a_hall() -> None:
    large = [str(path.relative_to(ROOT)) for path in sources() if len(path.read_text().splitlines()) > 520]
    assert large == []


def test_every_view_says_who_may_enter(sqlite_app: Flask) -> None:
    unmarked = [
        f"{rule.endpoint} ({rule.rule}): mark the view with @open_to(...)"
        for rule in sqlite_app.url_map.iter_rules()
        if not getattr(sqlite_app.view_functions[rule.endpoint], "open_to", ())
    ]
    assert unmarked == []


def test_only_one_place_calls_bleach() -> None:
    callers = {
        str(path.relative_to(ROOT))
        for path in sources()
        for _, name in imports(ast.parse(path.read_text()))
        if name.split(".")[0] in ("bleach", "nh3")
    }
    assert callers == {"elearn/authoring/markup.py"}


def test_nothing_outlives_a_transaction() -> None:
    """Behind PgBouncer the next transaction may run on another connection, and somebody else's on this one."""
    lasting = re.compile(
        r"pg_(try_)?advisory_(unlock|lock)\b|(?-i:\bLISTEN\b)|\bWITH HOLD\b|\bTEMP(ORARY)? TABLE\b|\bSET SESSION\b"
        r"|set_config\([^)]*false\)",
        re.I,
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if lasting.search(line)
    ]
    assert found == []


def kinds_noted(tree: ast.Module) -> Iterator[str]:
    """What a file writes into the access log; where a function is told the kind, what its callers in the file say."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = [argument.arg for argument in function.args.args]
        for call in ast.walk(function):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "access_log.note"):
                continue
            kind = call.args[1]
            said = [kind]
            if isinstance(kind, ast.Name):
                place = names.index(kind.id)
                said = [one.args[place] for one in calls if ast.unparse(one.func) == function.name]
            for one in said:
                assert isinstance(one, ast.Constant), f"line {call.lineno}: say the kind in full"
                yield str(one.value)


def test_whatever_is_noted_in_the_access_log_has_words() -> None:
    noted = {kind for path in sources() for kind in kinds_noted(ast.parse(path.read_text()))}
    assert len(noted) > 30
    assert noted - set(words.events()) == set()
    assert set(words.events()) - noted == set(), "no longer written"


def test_templates_hold_no_script_or_style_of_their_own() -> None:
    inline = re.compile(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*(\ssrc=|type=\"application/json\"))", re.I)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((HOUSE / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if inline.search(line)
    ]
    assert found == []


def test_nothing_names_a_package_registry() -> None:
    hosts = ("pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "deb.deb" + "ian.org")
    named = [
        path.name
        for path in [*ROOT.glob("requirements*.txt"), ROOT / "pyproject.toml", ROOT / "Makefile"]
        if any(host in path.read_text() for host in hosts)
    ]
    assert named == []


def rooms_on_the_map(readme: str) -> set[str]:
    """Every path that the README's room map names, folders with a slash at the end."""
    block = readme.split("## Room map", 1)[1].split("```")[1]
    return {line.split()[0] for line in block.strip().splitlines() if line.strip()}


def test_the_readme_has_a_map_of_every_room() -> None:
    there = {
        f"{path.relative_to(ROOT)}/" for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"
    } | {
        str(path.relative_to(ROOT))
        for room in ("domain", "authoring", "exports", "models", "services", "web", "commands")
        for path in (HOUSE / room).glob("*.py")
        if path.name != "__init__.py"
    }
    on_the_map = {name for name in rooms_on_the_map((ROOT / "README.md").read_text()) if name.startswith("elearn/")}
    wired = {"elearn/__init__.py", "elearn/cli.py", "elearn/i18n.py", "elearn/logs.py", "elearn/domain/labs/"}
    assert on_the_map - there - wired == set(), "no longer there: take these off the map"
    assert there - on_the_map == set(), "new rooms: put these on the map"


@pytest.mark.parametrize("name", ["run", "test", "check", "bench", "screenshots", "help"])
def test_make_knows_the_promised_command(name: str) -> None:
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.M)

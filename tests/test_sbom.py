"""The bill of materials names what is shipped: every pinned package with its hashes and licence, and every font."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WINDOWS_ONLY = {"colorama", "tzdata", "pywin32"}


@pytest.fixture(scope="module")
def sbom() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "deploy" / "sbom.py"))


@pytest.fixture(scope="module")
def bom(sbom: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(sbom["write"](tmp_path_factory.mktemp("bom") / "elearn.cdx.json").read_text())
    return written


def pinned() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", line) for line in lines]
    return {re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] for match in found if match}


def test_every_pinned_package_is_named_with_its_version_and_hashes(bom: dict[str, Any]) -> None:
    packages = {part["bom-ref"]: part for part in bom["components"] if part["type"] == "library"}
    assert {ref: part["version"] for ref, part in packages.items()} == pinned()
    assert len(packages) > 30
    for ref, part in packages.items():
        hashes = [one for reference in part["externalReferences"] for one in reference["hashes"]]
        assert all(re.fullmatch(r"[0-9a-f]{64}", one["content"]) for one in hashes), ref
        assert hashes, ref


def test_every_part_has_a_licence(bom: dict[str, Any]) -> None:
    without = {part["bom-ref"] for part in bom["components"] if not part["licenses"]}
    assert without - WINDOWS_ONLY == set()


def test_the_fonts_are_named_too(bom: dict[str, Any]) -> None:
    fonts = {part["name"] for part in bom["components"] if part["type"] == "file"}
    assert "elearn/static/fonts/meetei-mayek.woff2" in fonts
    assert len(fonts) == 9


def test_it_says_what_needs_what(bom: dict[str, Any]) -> None:
    graph = {entry["ref"]: set(entry["dependsOn"]) for entry in bom["dependencies"]}
    assert {"werkzeug", "jinja2"} <= graph["flask"]
    assert set(graph) == {"root-component", *(part["bom-ref"] for part in bom["components"])}


def test_the_same_lock_gives_the_same_file(sbom: dict[str, Any], bom: dict[str, Any], tmp_path: Path) -> None:
    assert json.loads(sbom["write"](tmp_path / "again.json").read_text()) == bom
    assert "timestamp" not in bom["metadata"]
    assert "serialNumber" not in bom

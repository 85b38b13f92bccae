"""Writes the bill of materials: dist/elearn.cdx.json, in the CycloneDX format, for an auditor and a scanner.

cyclonedx-py reads the lock (names, versions, hashes). The lock knows no licences and not what needs what, so both are
added from the packages as they are installed here. Nothing is asked of a network. The same lock gives the same file.
"""

import json
import re
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.txt"
BOM = ROOT / "dist" / "elearn.cdx.json"
FONTS = ("elearn/exports/fonts/*.ttf", "elearn/static/fonts/*.woff2")


def write(bom: Path = BOM) -> Path:
    content = from_lock()
    for part in content["components"]:
        part["bom-ref"] = folded(part["name"])
        part.pop("description", None)  # the line of the lock once more, with all hashes
        part["licenses"] = licences(part["name"])
    content["components"] += [font(path) for pattern in FONTS for path in sorted(ROOT.glob(pattern))]
    content["dependencies"] = needs({part["bom-ref"] for part in content["components"]})
    bom.parent.mkdir(parents=True, exist_ok=True)
    bom.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return bom


def from_lock() -> dict:
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(LOCK)]
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--short-PURLs", "-o", "-"]
    done = subprocess.run(command + options, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def licences(name: str) -> list:
    """As the package declares them: an SPDX expression where it has one, else its own words."""
    found = installed(name)
    if found is None:
        return []  # for another system, such as Windows
    about = found.metadata
    if about.get("License-Expression"):
        return [{"expression": about["License-Expression"], "acknowledgement": "declared"}]
    words = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    if not words and about.get("License"):
        words = [about["License"].strip().splitlines()[0]]
    return [{"license": {"name": word, "acknowledgement": "declared"}} for word in words]


def needs(known: set) -> list:
    """What needs what, among the parts that are here."""
    graph = [{"ref": "root-component", "dependsOn": sorted(known)}]
    for ref in sorted(known):
        found = installed(ref)
        lines = [line for line in (found.requires or []) if "extra ==" not in line] if found else []
        names = {folded(match[0]) for line in lines if (match := re.match(r"[A-Za-z0-9._-]+", line))}
        graph.append({"ref": ref, "dependsOn": sorted(names & known)})
    return graph


def font(path: Path) -> dict:
    name = path.relative_to(ROOT).as_posix()
    return {
        "bom-ref": name,
        "type": "file",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": sha256(path.read_bytes()).hexdigest()}],
        "licenses": [{"license": {"id": "OFL-1.1", "acknowledgement": "declared"}}],
    }


def installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None


def folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    print(write())

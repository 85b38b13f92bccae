"""What holds for every practice lab: it fits a small phone, keeps the rules of access, is light and safe in a page."""

from __future__ import annotations

import gzip

import pytest
from axe_playwright_python.sync_playwright import Axe

from elearn.domain.labs import LABS
from tests.browser.labs import HOUSE, Open, differences, rendered, sample_history

LIGHTEST = 15 * 1024
"""Bytes that a lab may bring over the line: its script and the modules that it imports."""


@pytest.mark.browser
@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize("language", ["en", "hi"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_phone_and_keeps_the_rules_of_access(
    open_lab: Open, name: str, language: str, scheme: str
) -> None:
    narrow = {"width": 320, "height": 640}
    history = sample_history(name, language)
    page, _ = open_lab(name, language, history, viewport=narrow, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []


@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize("language", ["en", "hi"])
def test_its_sample_runs_reach_the_result(name: str, language: str) -> None:
    history = sample_history(name, language)
    assert LABS[name].reached(history)
    assert not LABS[name].reached([])


@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize("language", ["en", "hi"])
def test_a_form_brings_the_choices_it_was_made_from(name: str, language: str) -> None:
    lab = LABS[name]
    for choices in lab.sample_runs(language):
        sent = {field: [value] for field, value in lab.fields(choices).items()}
        assert lab.read({"csrf_token": ["t" * 90], **sent}) == choices


@pytest.mark.parametrize("name", LABS)
def test_its_scripts_are_small(name: str) -> None:
    view = LABS[name].view("en", [])
    files = [HOUSE / "static" / path for path in (view["script"], *view["modules"])]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) <= LIGHTEST


@pytest.mark.parametrize("name", LABS)
def test_the_data_in_the_page_cannot_end_its_script(name: str) -> None:
    view = LABS[name].view("en", [])
    view["data"] = {"words": {"headline": "</script><script>alert(1)</script>"}}
    page = rendered(name, lab=view)
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 1


@pytest.mark.parametrize("name", LABS)
def test_a_refused_form_is_explained_at_the_top(name: str) -> None:
    page = rendered(name, csrf_token=lambda: "fresh", problem="Complaint 7 & more")
    assert "Complaint 7 &amp; more" in page
    assert 'value="fresh"' in page


def test_a_difference_would_be_found() -> None:
    assert differences({"a": [1, 0.5]}, {"a": [1, 0.5 + 1e-8]}) == [".a[1]: 0.5 0.50000001"]
    assert differences({"a": "water"}, {"a": "roads"}) == [".a: water roads"]
    assert differences({"a": [1]}, {"a": []}) == [".a: [1] []"]
    assert differences({"a": 1, "b": 2}, {"a": 1}) == [": {'a': 1, 'b': 2} {'a': 1}"]

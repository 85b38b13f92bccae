"""Makes the pictures of the README again, from the running demo: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.house import COURSE, DEMO_PASSWORD, LESSONS, House, chromium, shipped

PICTURES = Path(__file__).parent / "pictures"
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1080, "height": 760}


def picture(browser: Browser, house: House, email: str, size: dict[str, int], page_of: str, language: str) -> bytes:
    """What somebody sees of a page on a screen of that size."""
    context = browser.new_context(viewport=size, locale=language, device_scale_factor=1)
    page = context.new_page()
    page.goto(f"{house.url}/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{house.url}/")
    page.goto(f"{house.url}{page_of}")
    taken = page.screenshot()
    context.close()
    return taken


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    shots = {
        "lesson-hi-phone.png": ("officer@demo.test", PHONE, f"{LESSONS}/four-kinds", "hi"),
        "completions.png": ("supervisor@demo.test", DESK, f"/supervise/{COURSE}", "en"),
    }
    with tempfile.TemporaryDirectory() as folder, shipped(Path(folder)) as house, chromium() as browser:
        for name, (email, size, page, language) in shots.items():
            (PICTURES / name).write_bytes(picture(browser, house, email, size, page, language))
            sys.stdout.write(f"docs/pictures/{name}\n")


if __name__ == "__main__":
    main()

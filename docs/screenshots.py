"""Makes the pictures of the README again, from the demo as it is shipped: `python -m docs.screenshots`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.house import COURSE, LESSONS, PHONE, Desk, chromium, shipped, sign_in

PICTURES = Path(__file__).parent / "pictures"
LARGEST = 150 * 1024
LIST = {"width": 1120, "height": 900}


def lesson_in_hindi(desk: Desk, path: Path) -> None:
    """The top of the first lesson on a phone."""
    page = desk.open(PHONE, device_scale_factor=1.5, color_scheme="light")
    sign_in(page, "officer@demo.test")
    page.goto("/language/hi")
    page.goto(f"{LESSONS}/four-kinds")
    page.screenshot(path=path)


def completion_list(desk: Desk, path: Path) -> None:
    """The list of the collectorate's supervisor, down to where it says as of when."""
    page = desk.open(LIST, color_scheme="light")
    sign_in(page, "supervisor@demo.test")
    page.goto(f"/supervise/{COURSE}")
    end = page.locator("main > :last-child").bounding_box()
    assert end, "the list has an end"
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": 1120, "height": end["y"] + 70})


def main() -> None:
    """Starts the demo in a folder of its own, and takes the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, shipped(Path(folder)) as house, chromium() as browser:
        desk = Desk(browser, house)
        lesson_in_hindi(desk, PICTURES / "lesson-hi-phone.png")
        completion_list(desk, PICTURES / "completions.png")
        desk.close()
    for picture in sorted(PICTURES.glob("*.png")):
        size = picture.stat().st_size
        print(f"{picture.relative_to(Path.cwd())}: {size // 1024} KB")  # noqa: T201 - this is a command
        if size > LARGEST:
            sys.exit(f"{picture.name} is larger than {LARGEST // 1024} KB")


if __name__ == "__main__":
    main()

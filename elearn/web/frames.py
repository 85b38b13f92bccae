"""Pages that are the same for all readers but for a few slots: rendered once, then only filled in.

A lesson is read by everybody and differs by a name, a token, some ticks and the reader's own answers. Rendering it
afresh for each of them would cost many times what filling it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from flask import current_app
from markupsafe import Markup

# Two signs that no text of ours can hold: content with control characters does not compile.
OPENS, CLOSES = "\x02", "\x03"
MOST_FRAMES = 4000


@dataclass(frozen=True, slots=True)
class Frame:
    """A rendered template with slots: text, slot, text, slot, …, text."""

    texts: tuple[str, ...]
    slots: tuple[str, ...]

    def filled(self, values: Mapping[str, str]) -> str:
        """The page with `values`, which are HTML, in its slots. Raises KeyError where one is missing."""
        pieces = [self.texts[0]]
        for name, text in zip(self.slots, self.texts[1:], strict=True):
            pieces += (values[name], text)
        return "".join(pieces)


def slot(name: str) -> Markup:
    """What a template shows in the place of something that differs from reader to reader."""
    return Markup(f"{OPENS}{name}{CLOSES}")  # noqa: S704 - the name is ours


def frame_of(html: str) -> Frame:
    """Cuts a rendered template at its slots."""
    first, *rest = html.split(OPENS)
    slots, texts = zip(*(piece.split(CLOSES) for piece in rest), strict=True) if rest else ((), ())
    return Frame((first, *texts), tuple(slots))


def kept_frame(key: Hashable, render: Callable[[], str]) -> Frame:
    """The frame under this key, rendered on first use. The key names all that the template was given."""
    frames: dict[Hashable, Frame] = current_app.extensions.setdefault("elearn.frames", {})
    found = frames.get(key)
    if found is None:
        if len(frames) >= MOST_FRAMES:  # answers to number questions are endless, memory is not
            frames.clear()
        found = frames[key] = frame_of(render())
    return found

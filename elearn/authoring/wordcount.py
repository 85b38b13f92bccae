"""Counts words of compiled text in any script."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise


def text_of(html: str) -> str:
    """The words of clean HTML, without tags and without the numbers of sources."""
    html = re.sub(r"<sup>.*?</sup>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", html)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&")


def count_words(text: str) -> int:
    """Words in any script: runs of letters, marks and numbers, which an apostrophe or a digit's comma does not part."""
    kinds = [_kind(c) for c in text]
    return sum(after and not before for before, after in pairwise([False, *_joined(text, kinds)]))


def _kind(c: str) -> bool:
    return unicodedata.category(c)[0] in "LMN" or c in "\u200c\u200d"


def _joined(text: str, kinds: list[bool]) -> list[bool]:
    out = list(kinds)
    for i in range(1, len(text) - 1):
        if not kinds[i] and kinds[i - 1] and kinds[i + 1]:
            between_digits = text[i] in ".," and text[i - 1].isdigit() and text[i + 1].isdigit()
            out[i] = between_digits or text[i] in "'’"
    return out

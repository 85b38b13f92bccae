"""The words of a text as practice labs see them; `static/labs/frame.js` sees the same."""

import unicodedata


def tokens(text: str) -> list[str]:
    """The words of a text: NFC, lower case, unbroken runs of letters, marks and digits (Unicode L*, M*, N*).

    Joiners are dropped, since the same Hindi word is typed with and without them.
    """
    plain = unicodedata.normalize("NFC", text.replace("\u200c", "").replace("\u200d", "")).lower()
    return "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in plain).split()

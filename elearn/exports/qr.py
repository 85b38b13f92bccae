"""A QR code as a picture that any page may show, dark on light also where the page is dark."""

from __future__ import annotations

from io import BytesIO

import segno


def qr_svg(text: str) -> bytes:
    """An SVG document."""
    picture = BytesIO()
    # A border of four modules is what the standard asks for (ISO/IEC 18004, 5.3.8).
    segno.make(text, error="m", micro=False).save(picture, kind="svg", scale=5, border=4, dark="#000", light="#fff")
    return picture.getvalue()

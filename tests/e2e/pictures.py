"""Small pictures in one colour."""

import io

from PIL import Image


def picture(colour: str) -> bytes:
    """A PNG of 32 x 32 pixels."""
    output = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(output, "PNG")
    return output.getvalue()

"""A product's clip: the camera comes closer. Encoded the same way every time."""

from io import BytesIO

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

_FRAMES = 12
_FRAMES_A_SECOND = 6
_SIDE = 224
_ZOOM = 0.3
"""Share of the picture's side that is out of view in the last frame."""


def clip(picture: Image.Image) -> bytes:
    """A WebM (VP8) of two seconds that moves towards the middle of the picture."""
    target = BytesIO()
    # VP8, because x264 doesn't give the same bytes twice; bitexact leaves out times and versions.
    with av.open(target, "w", format="webm", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libvpx", rate=_FRAMES_A_SECOND)
        stream.width = stream.height = _SIDE
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "10", "b": "2M", "flags": "+bitexact"}
        stream.codec_context.thread_count = 1
        for number in range(_FRAMES):
            frame = av.VideoFrame.from_ndarray(_closer(picture, _ZOOM * number / (_FRAMES - 1)), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def _closer(picture: Image.Image, share: float) -> npt.NDArray[np.uint8]:
    """The picture without a frame of `share`, (side, side, 3) uint8."""
    margin = picture.width * share / 2
    box = (margin, margin, picture.width - margin, picture.height - margin)
    return np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC, box))

"""Hostile bytes to a few frames of a video. Caps are checked on the container, before anything is decoded."""

import bisect
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from modalmesh.errors import InvalidInput, TooLarge

# Playlists and scripts could name other files and addresses to read, so only plain containers are opened.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,mpegts,mpeg,flv"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """`frames` are sampled; `pixels` are those of one frame, `total_pixels` those of all frames of the file."""

    bytes: int
    seconds: int
    pixels: int
    total_pixels: int
    frames: int


@dataclass(frozen=True, slots=True)
class Frame:
    picture: Image.Image
    time_ms: int


def read_size(content: bytes, limits: VideoLimits) -> tuple[int, int]:
    """Width and height of a frame, from the header alone.

    Raises:
        InvalidInput: no video.
        TooLarge: above a cap.
    """
    if not content:
        raise InvalidInput("", "is empty")
    if len(content) > limits.bytes:
        raise TooLarge("", f"has {len(content)} bytes, the limit is {limits.bytes}")
    with _open(content) as (_, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.pixels:
        raise TooLarge("", f"has {width} x {height} pixels a frame, the limit is {limits.pixels}")
    if width * height == 0:
        raise InvalidInput("", "is a video without a size", reason="BROKEN_VIDEO")
    return width, height


def sample(content: bytes, limits: VideoLimits) -> list[Frame]:
    """Up to `limits.frames` upright RGB frames from the middles of as many equal stretches of time.

    Raises:
        InvalidInput: the video is broken or has no frames.
        TooLarge: above a cap.
    """
    with _open(content) as (container, stream):
        index = _read_index(container, stream, limits)
        return list(_decode(container, stream, index, index.spread(limits.frames)))


@dataclass(frozen=True, slots=True)
class _Index:
    """Times of all frames and of those that can be decoded without others, ascending, in the stream's time base."""

    frames: list[int]
    keys: list[int]

    def spread(self, count: int) -> list[int]:
        """The times of at most `count` frames, in order, each the one shown in the middle of its stretch."""
        first, last = self.frames[0], self.frames[-1]
        middles = (first + (last - first) * (2 * part + 1) / (2 * count) for part in range(count))
        return sorted({self.frames[bisect.bisect_right(self.frames, middle) - 1] for middle in middles})

    def key_before(self, time: int) -> int:
        return self.keys[max(0, bisect.bisect_right(self.keys, time) - 1)]


def _read_index(container: InputContainer, stream: VideoStream, limits: VideoLimits) -> _Index:
    """Go through the packets without decoding them, so that the cost of decoding is known before it is paid."""
    frames, keys = [], []
    for packet in container.demux(stream):
        time = packet.dts if packet.pts is None else packet.pts
        if time is None:
            continue
        frames.append(time)
        if packet.is_keyframe:
            keys.append(time)
    if not frames or not keys or stream.time_base is None:
        raise InvalidInput("", "is a video without frames", reason="BROKEN_VIDEO")
    index = _Index(sorted(frames), sorted(keys))
    seconds = float((index.frames[-1] - index.frames[0]) * stream.time_base)
    if seconds > limits.seconds:
        raise TooLarge("", f"is {seconds:.0f} seconds long, the limit is {limits.seconds}")
    total = len(frames) * stream.codec_context.width * stream.codec_context.height
    if total > limits.total_pixels:
        raise TooLarge("", f"has {total} pixels in {len(frames)} frames, the limit is {limits.total_pixels}")
    return index


def _decode(container: InputContainer, stream: VideoStream, index: _Index, wanted: list[int]) -> Iterator[Frame]:
    """One pass through the file, skipping to a key frame wherever that is nearer than the frame before."""
    decoded: Iterator[VideoFrame] = iter(())
    seconds_a_tick = float(stream.time_base or 0)
    position: int | None = None
    for time in wanted:
        key = index.key_before(time)
        if position is None or key > position:
            container.seek(key, stream=stream)
            decoded = container.decode(stream)
        frame = _first_at(decoded, time)
        position = time
        yield Frame(_upright(frame), round((time - index.frames[0]) * seconds_a_tick * 1000))


def _first_at(frames: Iterator[VideoFrame], time: int) -> VideoFrame:
    """The first frame at or after `time`, or the very last one.

    Raises:
        InvalidInput: no frame is left.
    """
    last = None
    for last in frames:
        if last.pts is None or last.pts >= time:
            break
    if last is None:
        raise InvalidInput("", "is a video whose frames can't be decoded", reason="BROKEN_VIDEO")
    return last


def _upright(frame: VideoFrame) -> Image.Image:
    picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


@contextmanager
def _open(content: bytes) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(io.BytesIO(content), "r", options=_OPTIONS) as container:
            if not container.streams.video:
                raise InvalidInput("", "has no video stream", reason="NOT_A_VIDEO")
            stream = container.streams.video[0]
            # The threads that prepare inputs are all that decode.
            stream.codec_context.thread_count = 1
            yield container, stream
    except InvalidInput:
        raise
    except Exception as error:
        # Broad, because a decoder raises whatever a hostile file makes it stumble over.
        raise InvalidInput("", f"is a broken video: {error}", reason="BROKEN_VIDEO") from error

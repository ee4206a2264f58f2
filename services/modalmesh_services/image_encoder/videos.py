"""Hostile bytes to a few frames of a video. Caps are checked on the container, before anything is decoded."""

import bisect
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from modalmesh.errors import InvalidInput, TooLarge

# As text, because only the stubs make this class generic.
VideoPacket: TypeAlias = "Packet[VideoStream]"

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
        packets = _read_packets(container, stream, limits)
        return list(_decode(stream, packets, limits.frames))


def _read_packets(container: InputContainer, stream: VideoStream, limits: VideoLimits) -> list[VideoPacket]:
    """All packets that have a time, undecoded, so that the cost of decoding is known before it is paid."""
    packets = [packet for packet in container.demux(stream) if _time(packet) is not None]
    if not packets or stream.time_base is None:
        raise InvalidInput("", "is a video without frames", reason="BROKEN_VIDEO")
    times = [_time(packet) or 0 for packet in packets]
    seconds = float((max(times) - min(times)) * stream.time_base)
    if seconds > limits.seconds:
        raise TooLarge("", f"is {seconds:.0f} seconds long, the limit is {limits.seconds}")
    total = len(packets) * stream.codec_context.width * stream.codec_context.height
    if total > limits.total_pixels:
        raise TooLarge("", f"has {total} pixels in {len(packets)} frames, the limit is {limits.total_pixels}")
    return packets


def _time(packet: VideoPacket) -> int | None:
    return packet.dts if packet.pts is None else packet.pts


def _spread(times: list[int], count: int) -> list[int]:
    """At most `count` of the ascending times, each the one shown in the middle of its stretch."""
    first, last = times[0], times[-1]
    middles = (first + (last - first) * (2 * part + 1) / (2 * count) for part in range(count))
    return sorted({times[bisect.bisect_right(times, middle) - 1] for middle in middles})


def _decode(stream: VideoStream, packets: list[VideoPacket], count: int) -> Iterator[Frame]:
    """One pass forward, skipping to a key frame wherever one lies between the last frame and the next wanted.

    Packets are fed to the decoder instead of seeking in the file, which not every container does exactly.
    """
    times = [_time(packet) or 0 for packet in packets]
    seconds_a_tick = float(stream.time_base or 0)
    decoded: Iterator[VideoFrame] = iter(())
    fed_from = -1
    position = min(times) - 1
    for time in _spread(sorted(times), count):
        keys = [at for at, packet in enumerate(packets) if packet.is_keyframe and position < times[at] <= time]
        if fed_from < 0 or keys:
            fed_from = keys[-1] if keys else 0
            decoded = _feed(stream, packets[fed_from:])
        yield Frame(_upright(_first_at(decoded, time)), round((time - min(times)) * seconds_a_tick * 1000))
        position = time


def _feed(stream: VideoStream, packets: list[VideoPacket]) -> Iterator[VideoFrame]:
    """The frames of these packets, by a decoder that forgets all before."""
    stream.codec_context.flush_buffers()
    for packet in [*packets, None]:
        yield from stream.codec_context.decode(packet)


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
        why = getattr(error, "strerror", None) or error
        raise InvalidInput("", f"is a broken video: {why}", reason="BROKEN_VIDEO") from error

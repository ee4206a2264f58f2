import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from modalmesh.errors import InvalidInput, TooLarge
from modalmesh_services.image_encoder.videos import Frame, VideoLimits, read_size, sample

from .pictures import draw, encode, video

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{url}\n#EXT-X-ENDLIST\n"
LIMITS = VideoLimits(bytes=10_000_000, seconds=60, pixels=1_000_000, total_pixels=100_000_000, frames=8)


def number_of(frame: Frame) -> int:
    """Which frame of the clip this is, told by its grey."""
    return round(float(np.asarray(frame.picture).mean()) / 5)


@pytest.mark.parametrize("keys_every", [1, 12, 1000])
def test_frames_are_sampled_evenly_wherever_the_key_frames_are(keys_every: int) -> None:
    frames = sample(video(40, keys_every=keys_every), LIMITS)
    assert [frame.time_ms for frame in frames] == [200, 700, 1200, 1700, 2100, 2600, 3100, 3600]
    assert [number_of(frame) for frame in frames] == [2, 7, 12, 17, 21, 26, 31, 36]


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "mpeg4"), ("matroska", "mpeg4"), ("avi", "mpeg4"), ("mpegts", "mpeg2video")]
)
def test_containers_are_read(container: str, codec: str) -> None:
    content = video(50, rate=25, container=container, codec=codec)
    assert read_size(content, LIMITS) == (64, 48)
    numbers = [number_of(frame) for frame in sample(content, LIMITS)]
    assert len(numbers) == 8
    assert numbers == sorted(numbers)


def test_frames_that_are_stored_out_of_order_are_sampled_in_order() -> None:
    content = video(40, codec="libx264")
    with av.open(io.BytesIO(content), "r") as container:
        stored = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert stored != sorted(stored)
    assert [number_of(frame) for frame in sample(content, LIMITS)] == [2, 7, 12, 17, 21, 26, 31, 36]


def test_a_short_clip_gives_each_frame_once() -> None:
    assert [number_of(frame) for frame in sample(video(3), LIMITS)] == [0, 1]
    assert [number_of(frame) for frame in sample(video(1), LIMITS)] == [0]


def test_the_number_of_frames_is_a_setting() -> None:
    assert len(sample(video(40), replace(LIMITS, frames=3))) == 3


def test_frames_are_rgb_pictures() -> None:
    picture = sample(video(), LIMITS)[0].picture
    assert (picture.mode, picture.size) == ("RGB", (64, 48))


def test_a_file_above_the_cap_is_refused() -> None:
    with pytest.raises(TooLarge, match="bytes, the limit is 100"):
        read_size(video(), replace(LIMITS, bytes=100))


def test_a_frame_above_the_cap_is_refused() -> None:
    with pytest.raises(TooLarge, match="64 x 48 pixels a frame, the limit is 1000"):
        read_size(video(), replace(LIMITS, pixels=1000))


def test_a_long_video_is_refused() -> None:
    with pytest.raises(TooLarge, match="is 4 seconds long, the limit is 3"):
        sample(video(40), replace(LIMITS, seconds=3))


def test_a_video_of_too_many_pixels_altogether_is_refused() -> None:
    with pytest.raises(TooLarge, match="122880 pixels in 40 frames"):
        sample(video(40), replace(LIMITS, total_pixels=100_000))


@pytest.mark.parametrize("content", [b"no video", encode(draw()), encode(draw(), "JPEG"), bytes(5000)])
def test_what_is_no_video_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="is a broken video"):
        read_size(content, LIMITS)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        read_size(b"", LIMITS)


def test_a_video_whose_index_is_cut_off_is_refused() -> None:
    content = video()
    with pytest.raises(InvalidInput, match="is a broken video"):
        read_size(content[: len(content) // 2], LIMITS)


def test_a_container_without_frames_is_refused() -> None:
    content = video(container="matroska")
    with pytest.raises(InvalidInput, match="is a broken video: End of file"):
        sample(content[: content.index(b"\x1f\x43\xb6\x75")], LIMITS)


def test_sound_alone_is_refused() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.rate = 8000
        output.mux(stream.encode(sound))
    with pytest.raises(InvalidInput, match="has no video stream"):
        read_size(file.getvalue(), LIMITS)


@pytest.mark.parametrize("script", [HLS, "ffconcat version 1.0\nfile {url}\n"])
def test_a_playlist_cannot_make_the_server_read_its_own_files(tmp_path: Path, script: str) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(video(container="mpegts", codec="mpeg2video"))
    for url in (secret.as_uri(), str(secret)):
        with pytest.raises(InvalidInput, match="is a broken video"):
            read_size(script.format(url=url).encode(), LIMITS)

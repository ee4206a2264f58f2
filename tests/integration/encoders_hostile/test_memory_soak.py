"""Many inputs in a row to a real process: what it holds at the end is what it held once it had settled.

MODALMESH_SOAK_TEXTS and MODALMESH_SOAK_PICTURES set how many; `make soak` runs 200,000 texts and 20,000 pictures.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from modalmesh.v1.image_encoder_service_pb2 import ImageEncoderEncodeStreamRequest, VisualInput
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeStreamRequest
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from tests.unit.image_encoder.pictures import draw, encode

from .processes import IMAGE, TEXT, EncoderProcess, encoder_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]

TEXT_COUNT = int(os.environ.get("MODALMESH_SOAK_TEXTS", "60000"))
PICTURE_COUNT = int(os.environ.get("MODALMESH_SOAK_PICTURES", "6000"))
# Until then buffers grow to what the largest batches need.
TEXTS_TO_SETTLE, PICTURES_TO_SETTLE = 20_000, 2_000
_WORDS = ("dog", "cat", "film", "shoe", "blue", "old", "house", "river")
_PICTURE = encode(draw(), "JPEG")


def texts() -> Iterator[TextEncoderEncodeStreamRequest]:
    """Short ones, no two alike, of lengths that come and go."""
    for number in range(TEXT_COUNT):
        words = " ".join(_WORDS[number >> shift & 7] for shift in range(number % 4))
        yield TextEncoderEncodeStreamRequest(key=str(number), text=f"{number} {words}")


def pictures() -> Iterator[ImageEncoderEncodeStreamRequest]:
    for number in range(PICTURE_COUNT):
        picture = VisualInput(image=_PICTURE + str(number).encode())
        yield ImageEncoderEncodeStreamRequest(key=str(number), input=picture)


async def resident(encoder: EncoderProcess, answers: AsyncIterator[object], settled: int) -> tuple[float, float, int]:
    """MiB after the first `settled` answers and at the end, and how many answers there were."""
    early, answered = 0.0, 0
    async for _ in answers:
        answered += 1
        if answered == settled:
            early = encoder.resident_mib
    return early, encoder.resident_mib, answered


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def saying(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return saying


async def test_memory_stays_over_many_texts(tmp_path: Path, say: Callable[[str], None]) -> None:
    async with encoder_process(TEXT, tmp_path / "log") as encoder:
        answers = TextEncoderStub(encoder.channel).EncodeStream(texts())
        early, late, answered = await resident(encoder, aiter(answers), TEXTS_TO_SETTLE)
    say(f"{TEXT_COUNT} texts: {early:.1f} MiB after {TEXTS_TO_SETTLE}, {late:.1f} MiB at the end")
    assert answered == TEXT_COUNT
    assert late <= early * 1.03


async def test_memory_stays_over_many_pictures(tmp_path: Path, say: Callable[[str], None]) -> None:
    async with encoder_process(IMAGE, tmp_path / "log") as encoder:
        answers = ImageEncoderStub(encoder.channel).EncodeStream(pictures())
        early, late, answered = await resident(encoder, aiter(answers), PICTURES_TO_SETTLE)
    say(f"{PICTURE_COUNT} pictures: {early:.1f} MiB after {PICTURES_TO_SETTLE}, {late:.1f} MiB at the end")
    assert answered == PICTURE_COUNT
    assert late <= early * 1.03

"""Many inputs in a row to a real process: what it holds at the end is what it held after the first tenth.

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

TEXT_COUNT = int(os.environ.get("MODALMESH_SOAK_TEXTS", "40000"))
PICTURE_COUNT = int(os.environ.get("MODALMESH_SOAK_PICTURES", "4000"))
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


async def resident(encoder: EncoderProcess, answers: AsyncIterator[object], count: int) -> tuple[float, float]:
    """MiB after the first tenth of the answers, and at the end."""
    early, answered = 0.0, 0
    async for _ in answers:
        answered += 1
        if answered == count // 10:
            early = encoder.resident_mib
    assert answered == count
    return early, encoder.resident_mib


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def saying(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return saying


async def test_memory_stays_over_many_texts(tmp_path: Path, say: Callable[[str], None]) -> None:
    async with encoder_process(TEXT, tmp_path / "log") as encoder:
        answers = TextEncoderStub(encoder.channel).EncodeStream(texts())
        early, late = await resident(encoder, aiter(answers), TEXT_COUNT)
    say(f"{TEXT_COUNT} texts: {early:.0f} MiB after a tenth, {late:.0f} MiB at the end")
    assert late <= early * 1.03


async def test_memory_stays_over_many_pictures(tmp_path: Path, say: Callable[[str], None]) -> None:
    async with encoder_process(IMAGE, tmp_path / "log") as encoder:
        answers = ImageEncoderStub(encoder.channel).EncodeStream(pictures())
        early, late = await resident(encoder, aiter(answers), PICTURE_COUNT)
    say(f"{PICTURE_COUNT} pictures: {early:.0f} MiB after a tenth, {late:.0f} MiB at the end")
    assert late <= early * 1.03

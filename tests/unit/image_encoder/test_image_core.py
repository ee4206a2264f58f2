import asyncio
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from modalmesh.embeddings import Dtype
from modalmesh.errors import DeadlineExceeded, InvalidInput, TooLarge
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.encoding import EncodedBatch, Granularity, InputState
from modalmesh_services.image_encoder.core import ImageEncoder, VisualInput
from modalmesh_services.image_encoder.loading import LoadedImage
from modalmesh_services.image_encoder.settings import ImageEncoderSettings

from .pictures import draw, encode, huge_png, noise, video

POOLED, PARTS = Granularity.POOLED, Granularity.PARTS
GOOD = encode(draw(), "JPEG")


def picture(content: bytes, granularity: Granularity = POOLED) -> VisualInput:
    return VisualInput(content, False, granularity)


def clip(content: bytes, granularity: Granularity = POOLED) -> VisualInput:
    return VisualInput(content, True, granularity)


async def run(core: ImageEncoder, *inputs: VisualInput) -> EncodedBatch:
    return await core.encode(inputs, Deadline.after(60))


async def test_each_picture_gets_one_row_of_length_one(encoder: ImageEncoder) -> None:
    batch = await run(encoder, picture(GOOD), picture(encode(noise())))
    assert batch.embeddings.values.shape == (2, 1280)
    assert np.allclose(np.linalg.norm(batch.embeddings.values, axis=1), 1, atol=1e-5)
    assert [result.parts for result in batch.results] == [(), ()]


async def test_like_pictures_are_closer_than_unlike_ones(encoder: ImageEncoder) -> None:
    content = [encode(draw(), "PNG"), encode(draw(600, 400), "JPEG"), encode(noise())]
    small, large, other = (await run(encoder, *map(picture, content))).embeddings.values
    assert small @ large > 0.8 > small @ other


async def test_a_picture_with_a_hidden_box_is_another_and_a_wrong_box_fails_no_neighbour(encoder: ImageEncoder) -> None:
    hidden = [VisualInput(GOOD, False, POOLED, boxes) for boxes in (((0.0, 0.0, 0.5, 1.0),), ((0.5, 0.0, 0.5, 1.0),))]
    batch = await run(encoder, picture(GOOD), *hidden)
    assert [result.state for result in batch.results] == [InputState.OK, InputState.OK, InputState.INVALID]
    whole, half = batch.embeddings.values
    assert 0.1 < whole @ half < 0.99


async def test_vectors_carry_the_model_that_info_names(encoder: ImageEncoder) -> None:
    batch, info = await run(encoder, picture(GOOD)), encoder.info()
    assert (batch.embeddings.model.name, batch.embeddings.model.fingerprint) == (info.name, info.fingerprint)
    limits = info.limits
    assert (limits.batch_inputs, limits.image_pixels, limits.video_frames) == (8, 50_000_000, 8)
    assert 0 not in (limits.image_bytes, limits.video_bytes, limits.video_seconds)


async def test_an_empty_batch_is_refused(encoder: ImageEncoder) -> None:
    with pytest.raises(InvalidInput, match="inputs: is empty"):
        await run(encoder)


async def test_a_batch_over_the_limit_is_refused(encoder: ImageEncoder) -> None:
    with pytest.raises(TooLarge, match="inputs: has 9 inputs, the limit is 8"):
        await run(encoder, *[picture(GOOD)] * 9)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "inputs[1]: is empty"),
        (b"text called .jpg", "inputs[1]: is no JPEG, PNG, WebP or GIF"),
        (GOOD[: len(GOOD) // 2], "inputs[1]: is a broken picture"),
        (bytes(21 << 20), "inputs[1]: has 22020096 bytes"),
        (huge_png(), "inputs[1]: has 13000 x 13000 pixels"),
    ],
    ids=["empty", "text", "truncated", "bytes", "pixels"],
)
async def test_a_bad_picture_is_invalid_and_its_neighbours_fine(
    encoder: ImageEncoder, content: bytes, reason: str
) -> None:
    batch = await run(encoder, picture(GOOD), picture(content), picture(encode(noise())))
    assert [result.state.name for result in batch.results] == ["OK", "INVALID", "OK"]
    assert batch.results[1].reason.startswith(reason)
    assert (batch.results[1].row_count, batch.results[2].first_row) == (0, 1)


async def test_odd_but_good_pictures_are_encoded(encoder: ImageEncoder) -> None:
    animated = encode(draw(), "GIF", save_all=True, append_images=[noise(60, 40)])
    cmyk = encode(draw().convert("CMYK"), "JPEG")
    deep = encode(Image.fromarray(np.zeros((9, 9), np.uint16)))
    batch = await run(encoder, *map(picture, (animated, cmyk, deep)))
    assert [result.state for result in batch.results] == [InputState.OK] * 3


async def test_a_video_gets_a_row_a_frame_with_its_time(encoder: ImageEncoder) -> None:
    batch = await run(encoder, picture(GOOD), clip(video(40)), picture(encode(noise())))
    assert [(result.first_row, result.row_count) for result in batch.results] == [(0, 1), (1, 8), (9, 1)]
    assert [part.frame_ms for part in batch.results[1].parts][:2] == [200, 700]
    assert batch.embeddings.values.shape == (10, 1280)


async def test_a_broken_video_is_invalid_and_its_neighbours_fine(encoder: ImageEncoder) -> None:
    batch = await run(encoder, clip(b"no video"), picture(GOOD))
    assert [result.state.name for result in batch.results] == ["INVALID", "OK"]
    assert batch.results[0].reason.startswith("inputs[0]: is a broken video")


async def test_a_picture_sent_as_a_video_is_invalid(encoder: ImageEncoder) -> None:
    (result,) = (await run(encoder, clip(GOOD))).results
    assert result.state is InputState.INVALID


async def test_the_same_bytes_as_picture_and_video_are_two_inputs(encoder: ImageEncoder) -> None:
    batch = await run(encoder, picture(GOOD), clip(GOOD), picture(GOOD))
    assert [result.state.name for result in batch.results] == ["OK", "INVALID", "OK"]


async def test_parts_are_cells_with_boxes_in_the_original(encoder: ImageEncoder) -> None:
    batch = await run(encoder, picture(encode(draw(448, 224)), PARTS))
    (result,) = batch.results
    assert (result.row_count, batch.embeddings.values.shape) == (49, (49, 1280))
    first, last = result.parts[0], result.parts[-1]
    # The crop is 196 of 224 pixels, in the middle of 448 x 224.
    assert (first.left, first.top) == pytest.approx((126 / 448, 14 / 224))
    assert (last.right, last.bottom) == pytest.approx((322 / 448, 210 / 224))
    assert (first.right - first.left, first.bottom - first.top) == pytest.approx((28 / 448, 28 / 224))


async def test_parts_that_may_not_fit_an_answer_are_refused_before_they_reach_the_device(packaged: LoadedImage) -> None:
    core = ImageEncoder(packaged, ImageEncoderSettings(max_message_bytes=400_000))
    await core.start()
    before = core.engine.metrics.inputs
    one = picture(GOOD, PARTS)
    with pytest.raises(TooLarge, match="inputs: may give an answer of 505936 bytes, the limit is 400000"):
        await run(core, one, one)
    film = (await run(core, clip(video(3), PARTS))).results[0]
    assert film.reason.startswith("inputs[0]: may give an answer of ")
    assert core.engine.metrics.inputs == before
    assert (await core.encode([one, one], Deadline.after(60), Dtype.F16)).embeddings.rows == 98
    await core.stop()


async def test_parts_tell_where_something_is(encoder: ImageEncoder) -> None:
    scene = Image.new("RGB", (224, 224), "white")
    scene.paste(noise(80, 80).resize((80, 80)), (20, 20))
    batch = await run(
        encoder, picture(encode(scene), PARTS), picture(encode(Image.new("RGB", (224, 224), "white")), PARTS)
    )
    seen, blank = batch.embeddings.values[:49], batch.embeddings.values[49:]
    part = batch.results[0].parts[int(np.linalg.norm(seen - blank, axis=1).argmax())]
    assert part.right < 0.6
    assert part.bottom < 0.6


async def test_parts_of_a_video_have_boxes_and_times(encoder: ImageEncoder) -> None:
    (result,) = (await run(encoder, clip(video(40), PARTS))).results
    assert result.row_count == 8 * 49
    assert [part.frame_ms for part in result.parts[::49]][:2] == [200, 700]


async def test_an_expired_deadline_is_refused(encoder: ImageEncoder) -> None:
    with pytest.raises(DeadlineExceeded):
        await encoder.encode([picture(GOOD)], Deadline.after(-1))


async def test_a_vector_that_is_not_finite_makes_its_picture_invalid(packaged: LoadedImage) -> None:
    def broken(pictures: list[np.ndarray], grids: bool) -> tuple[np.ndarray, None]:
        return np.stack([np.full(4, np.nan if one.std() > 60 else 1.0, np.float32) for one in pictures]), None

    broken.micro_batch = 8  # type: ignore[attr-defined] # like the model that it stands for
    core = ImageEncoder(replace(packaged, model=broken, dim=4), ImageEncoderSettings())  # type: ignore[arg-type]
    await core.start()
    batch = await run(core, picture(encode(Image.new("RGB", (50, 50)))), picture(GOOD))
    await core.stop()
    assert [result.state.name for result in batch.results] == ["OK", "INVALID"]
    assert batch.results[1].reason == "inputs[1]: the model gave no finite vector"


async def test_a_waiting_file_is_admitted_by_what_it_takes_of_memory(encoder: ImageEncoder) -> None:
    small = encode(draw(), "PNG")
    long = small + bytes(3_000_000)
    costs = []
    for content in (small, long):
        running = asyncio.ensure_future(run(encoder, picture(content)))
        while not encoder.engine.metrics.queue_cost and not running.done():
            await asyncio.sleep(0)
        costs.append(encoder.engine.metrics.queue_cost)
        await running
    assert costs == [224 * 224, len(long) // 3]

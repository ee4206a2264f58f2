import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from modalmesh.embeddings import Dtype, FloatMatrix
from modalmesh.errors import DeadlineExceeded, InternalError, InvalidInput, TooLarge
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.encoding import EncodedBatch, Granularity, InputState
from modalmesh_services.text_encoder.core import TextEncoder
from modalmesh_services.text_encoder.loading import LoadedText
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import Tokens

POOLED, PARTS = Granularity.POOLED, Granularity.PARTS


async def encode(core: TextEncoder, *texts: str, granularity: Granularity = POOLED) -> EncodedBatch:
    return await core.encode(texts, granularity, Deadline.after(60))


async def test_each_text_gets_one_row_of_length_one(encoder: TextEncoder) -> None:
    batch = await encode(encoder, "a dog", "a cat and a dog")
    assert batch.embeddings.values.shape == (2, 384)
    assert np.allclose(np.linalg.norm(batch.embeddings.values, axis=1), 1, atol=1e-5)
    assert [result.state for result in batch.results] == [InputState.OK, InputState.OK]


async def test_vectors_carry_the_model_that_info_names(encoder: TextEncoder) -> None:
    batch = await encode(encoder, "a dog")
    info = encoder.info()
    assert (batch.embeddings.model.name, batch.embeddings.model.fingerprint) == (info.name, info.fingerprint)
    assert (info.dim, info.limits.batch_inputs, info.limits.tokens, info.limits.text_bytes) == (384, 8, 256, 1 << 20)


async def test_an_empty_batch_is_refused(encoder: TextEncoder) -> None:
    with pytest.raises(InvalidInput, match="texts: is empty"):
        await encode(encoder)


async def test_a_batch_over_the_limit_is_refused(encoder: TextEncoder) -> None:
    with pytest.raises(TooLarge, match="texts: has 9 inputs, the limit is 8"):
        await encode(encoder, *["dog"] * 9)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u2003"])
async def test_an_empty_text_is_invalid_and_its_neighbours_fine(encoder: TextEncoder, text: str) -> None:
    batch = await encode(encoder, "dog", text, "cat")
    assert [result.state.name for result in batch.results] == ["OK", "INVALID", "OK"]
    assert batch.results[1].reason == "texts[1]: is empty"
    assert batch.results[2].first_row == 1


async def test_a_text_of_ten_megabytes_is_invalid(encoder: TextEncoder) -> None:
    batch = await encode(encoder, "dog", "x" * 10_000_000)
    assert batch.results[1].state is InputState.INVALID
    assert batch.results[1].reason == "texts[1]: has 10000000 bytes, the limit is 1048576"


async def test_the_cap_counts_bytes_and_not_characters(encoder: TextEncoder) -> None:
    batch = await encode(encoder, "é" * 600_000)
    assert batch.results[0].state is InputState.INVALID


async def test_a_batch_of_nothing_but_bad_texts_has_no_rows(encoder: TextEncoder) -> None:
    batch = await encode(encoder, "", " ")
    assert batch.embeddings.values.shape == (0, 384)


async def test_a_long_text_is_truncated_and_says_so(encoder: TextEncoder) -> None:
    batch = await encode(encoder, "dog " * 1000)
    assert batch.results[0].state is InputState.TRUNCATED
    assert batch.results[0].reason == "texts[0]: is longer than 256 tokens, only its beginning was encoded"
    assert batch.results[0].row_count == 1


async def test_parts_are_tokens_with_their_characters(encoder: TextEncoder) -> None:
    text = "Gladiators fight"
    batch = await encode(encoder, text, granularity=PARTS)
    (result,) = batch.results
    assert [text[part.start : part.end] for part in result.parts] == ["Glad", "ia", "tors", "fight"]
    assert batch.embeddings.values.shape == (4, 384)


@pytest.mark.parametrize("text", ["a " * 40, "각" * 40, "𝒳é½ﷺ" * 20, "dog " * 400])
@pytest.mark.parametrize("granularity", list(Granularity))
async def test_no_answer_has_more_rows_than_were_foreseen(
    encoder: TextEncoder, text: str, granularity: Granularity
) -> None:
    rows = (await encode(encoder, text, granularity=granularity)).embeddings.rows
    assert rows * 384 * 4 < encoder.answer_bytes(text, granularity, Dtype.F32) < 256 * 1600


async def test_parts_that_may_not_fit_an_answer_are_refused_before_they_reach_the_device(packaged: LoadedText) -> None:
    settings = TextEncoderSettings(max_message_bytes=200_000)
    core = TextEncoder(packaged, settings)
    await core.start()
    before = core.engine.metrics.inputs
    fits, too_long = "a dog " * 20, "a cat " * 40
    with pytest.raises(TooLarge, match="texts: may give an answer of 378496 bytes, the limit is 200000"):
        await encode(core, fits, fits, granularity=PARTS)
    alone = await encode(core, too_long, granularity=PARTS)
    assert alone.results[0].reason.startswith("texts[0]: may give an answer of ")
    assert core.engine.metrics.inputs == before
    await core.encode([fits, fits], PARTS, Deadline.after(60), Dtype.I8)
    await core.stop()


async def test_parts_and_pooled_of_one_text_do_not_mix(encoder: TextEncoder) -> None:
    pooled, parts = await asyncio.gather(encode(encoder, "a dog"), encode(encoder, "a dog", granularity=PARTS))
    assert (pooled.embeddings.rows, parts.embeddings.rows) == (1, 2)


async def test_equal_texts_get_equal_vectors(encoder: TextEncoder) -> None:
    first, second = (await encode(encoder, "dog", "dog")).embeddings.values
    assert np.array_equal(first, second)


async def test_a_text_is_admitted_by_its_tokens_its_memory_and_what_it_takes_by_itself(encoder: TextEncoder) -> None:
    costs = []
    for text in ("dog", "dog " * 40, "dog " * 100_000):
        running = asyncio.ensure_future(encode(encoder, text))
        while not encoder.engine.metrics.queue_cost and not running.done():
            await asyncio.sleep(0)
        costs.append(encoder.engine.metrics.queue_cost)
        await running
    assert costs == [2 + 10, 42 + 10, 390 + 10]


async def test_an_expired_deadline_is_refused(encoder: TextEncoder) -> None:
    with pytest.raises(DeadlineExceeded):
        await encoder.encode(["dog"], POOLED, Deadline.after(-1))


class Broken:
    """A model that gives NaN for a marked text, and fails on another."""

    def __init__(self, loaded: LoadedText) -> None:
        self._ids = {mark: loaded.tokeniser([mark])[0] for mark in ("nan", "fail")}

    def padded_length(self, length: int) -> int:
        return length

    def __call__(self, batch: Sequence[Tokens], tokens: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        if self._ids["fail"] in batch:
            raise RuntimeError("out of memory")
        rows = [np.full(384, np.nan if text == self._ids["nan"] else 1, np.float32) for text in batch]
        return np.stack(rows), None


@pytest.fixture
async def broken(packaged: LoadedText) -> TextEncoder:
    from dataclasses import replace

    loaded = replace(packaged, model=Broken(packaged))  # type: ignore[arg-type] # it is called alike
    return TextEncoder(loaded, TextEncoderSettings())


async def test_a_vector_that_is_not_finite_makes_its_text_invalid(broken: TextEncoder) -> None:
    await broken.start()
    batch = await encode(broken, "dog", "nan", "cat")
    assert [result.state.name for result in batch.results] == ["OK", "INVALID", "OK"]
    assert batch.results[1].reason == "texts[1]: the model gave no finite vector"
    await broken.stop()


async def test_a_text_on_which_the_model_fails_spares_its_neighbours(broken: TextEncoder) -> None:
    await broken.start()
    batch = await encode(broken, "dog", "fail")
    assert [result.state.name for result in batch.results] == ["OK", "INVALID"]
    with pytest.raises(InternalError):
        await encode(broken, "fail")
    await broken.stop()

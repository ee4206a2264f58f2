import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh_services.text_encoder.loading import LoadedText
from modalmesh_services.text_encoder.model import TextModel
from modalmesh_services.text_encoder.tokens import Tokens

TEXTS = [
    "A dog runs through the park.",
    "A puppy is racing across the lawn.",
    "Quarterly interest rates rose by a quarter of a point.",
    "dog " * 300,
    "x",
]


def encode(loaded: LoadedText, texts: list[str]) -> np.ndarray:
    tokens = [one for one in loaded.tokeniser(texts) if isinstance(one, Tokens)]
    return loaded.model(tokens, False)[0]


def test_texts_of_like_meaning_are_close(packaged: LoadedText) -> None:
    dog, puppy, rates = encode(packaged, TEXTS[:3])
    assert dog @ puppy > dog @ rates + 0.3


def test_the_default_precision_is_as_good_as_fp32(packaged: LoadedText, packaged_fp32: LoadedText) -> None:
    cosines = (encode(packaged, TEXTS) * encode(packaged_fp32, TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.999
    assert packaged.fingerprint == packaged_fp32.fingerprint


def test_neighbours_and_their_padding_do_not_change_a_vector(packaged_fp32: LoadedText) -> None:
    together = encode(packaged_fp32, TEXTS)
    alone = np.concatenate([encode(packaged_fp32, [text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-5)


def test_pooled_is_the_mean_of_the_tokens_without_padding(packaged_fp32: LoadedText) -> None:
    tokens = [one for one in packaged_fp32.tokeniser(TEXTS[:3]) if isinstance(one, Tokens)]
    pooled, hidden = packaged_fp32.model(tokens, True)
    assert hidden is not None
    means = [hidden[row, : len(text.ids)].mean(axis=0) for row, text in enumerate(tokens)]
    assert np.allclose(pooled, [mean / np.linalg.norm(mean) for mean in means], atol=1e-5)


def test_tokens_are_only_handed_out_when_asked_for(packaged: LoadedText) -> None:
    tokens = [one for one in packaged.tokeniser(["dog"]) if isinstance(one, Tokens)]
    assert packaged.model(tokens, False)[1] is None


def padded(max_tokens: int, few_lengths: bool) -> list[int]:
    model = TextModel(lambda inputs, parts: pytest.fail("not run"), 0, max_tokens, few_lengths)
    return [model.padded_length(length) for length in range(1, max_tokens + 1)]


@given(st.integers(1, 600))
def test_a_text_is_padded_little_and_never_above_the_models_limit(max_tokens: int) -> None:
    lengths = padded(max_tokens, few_lengths=True)
    assert all(length <= longer <= max_tokens for length, longer in enumerate(lengths, 1))
    assert all(longer - length < 8 for length, longer in enumerate(lengths, 1))


def test_a_backend_with_kernels_a_shape_gets_few_lengths_and_another_none() -> None:
    assert len(set(padded(256, few_lengths=True))) == 36
    assert padded(256, few_lengths=False) == list(range(1, 257))

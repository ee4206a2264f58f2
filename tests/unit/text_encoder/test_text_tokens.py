from pathlib import Path

import pytest
from tokenizers import Tokenizer

from modalmesh.errors import InvalidInput
from modalmesh_services.text_encoder.tokens import CHARACTERS_PER_TOKEN, Tokeniser, Tokens


@pytest.fixture(scope="module")
def tokeniser(tiny_folder: Path) -> Tokeniser:
    return Tokeniser(Tokenizer.from_file(str(tiny_folder / "tokenizer.json")), 8)


def read(tokeniser: Tokeniser, text: str) -> Tokens:
    (tokens,) = tokeniser([text])
    assert isinstance(tokens, Tokens)
    return tokens


def test_places_are_characters_without_special_tokens(tokeniser: Tokeniser) -> None:
    text = "a  dogs"
    places = read(tokeniser, text).places
    assert [(row, text[start:end]) for row, start, end in places] == [(1, "a"), (2, "dog"), (3, "s")]


def test_places_count_characters_and_not_bytes(tokeniser: Tokeniser) -> None:
    text = "éé 🎬 dog"
    _, start, end = read(tokeniser, text).places[-1]
    assert text[start:end] == "dog"


def test_a_text_that_fits_is_not_truncated(tokeniser: Tokeniser) -> None:
    tokens = read(tokeniser, "a dog runs the red house")
    assert (len(tokens.ids), tokens.truncated) == (8, False)


def test_a_text_that_is_one_token_too_long_is_truncated(tokeniser: Tokeniser) -> None:
    tokens = read(tokeniser, "a dog runs the red house sleeps")
    assert (len(tokens.ids), tokens.truncated) == (8, True)


def test_what_lies_beyond_the_characters_looked_at_is_truncated(tokeniser: Tokeniser) -> None:
    spaces = " " * (8 * CHARACTERS_PER_TOKEN)
    assert read(tokeniser, "dog" + spaces + "cat").truncated


@pytest.mark.parametrize("text", ["\u200b", "\x00\x01", " \u00a0 "])
def test_a_text_without_any_token_is_refused(text: str, packaged_tokeniser: Tokeniser) -> None:
    (result,) = packaged_tokeniser([text])
    assert isinstance(result, InvalidInput)


def test_a_bad_text_spares_its_neighbours(packaged_tokeniser: Tokeniser) -> None:
    kinds = [type(result) for result in packaged_tokeniser(["dog", "\u200b", "cat"])]
    assert kinds == [Tokens, InvalidInput, Tokens]

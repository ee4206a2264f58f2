"""Texts to tokens, with the place of each token in its text."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

from modalmesh.errors import InvalidInput, ModalmeshError

# Only so many characters a token are looked at, so that a huge text costs no more than a long one. Part of the
# fingerprint: it decides what of an odd text is seen.
CHARACTERS_PER_TOKEN = 64


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised text. `places` has a token's row and its characters [start, end), special tokens left out."""

    ids: list[int]
    places: tuple[tuple[int, int, int], ...]
    truncated: bool


class Tokeniser:
    """A fast tokenizer that cuts at `max_tokens`, special tokens included. Threads may share it."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    def __call__(self, texts: Sequence[str]) -> list[Tokens | ModalmeshError]:
        """One result a text: its tokens, or InvalidInput where nothing of it is a token."""
        longest = self.max_tokens * CHARACTERS_PER_TOKEN
        encodings = self._tokenizer.encode_batch([text[:longest] for text in texts])
        return [_read(encoding, len(text) > longest) for encoding, text in zip(encodings, texts, strict=True)]


def _read(encoding: Encoding, cut: bool) -> Tokens | ModalmeshError:
    rows = zip(encoding.special_tokens_mask, encoding.offsets, strict=True)
    places = tuple((row, start, end) for row, (special, (start, end)) in enumerate(rows) if not special)
    if not places:
        return InvalidInput("", "has nothing that the model reads")
    return Tokens(encoding.ids, places, cut or bool(encoding.overflowing))

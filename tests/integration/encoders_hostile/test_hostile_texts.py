"""Bad texts among good ones, by 64 callers at once, to a real process."""

from itertools import cycle, islice

import grpc
import pytest

from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh.status import from_rpc_error
from modalmesh.v1.types_pb2 import INPUT_STATE_INVALID as INVALID
from modalmesh.v1.types_pb2 import INPUT_STATE_OK as OK
from modalmesh.v1.types_pb2 import INPUT_STATE_TRUNCATED as TRUNCATED

from .asking import CALLERS, PATIENCE, at_once, encode_texts, least_cosine, one_by_one, vectors
from .processes import EncoderProcess

ENCODE = "/modalmesh.v1.TextEncoder/Encode"
MILLION = 1_000_000
TEXTS = {
    "zero-length": ("", INVALID),
    "spaces": (" \t\r\n", INVALID),
    "spaces of other scripts": ("\u00a0\u2003\u3000\u2028", INVALID),
    "zero-width characters alone": ("\u200b\u200d\ufeff", INVALID),
    "controls alone": ("\x00\x01\x7f", INVALID),
    "10 MB": ("x" * 10 * MILLION, INVALID),
    "100,000 tokens": ("dog " * 100_000, TRUNCATED),
    "a word of 100,000 letters": ("x" * 100_000, TRUNCATED),
    "a letter under 100,000 accents": ("e" + "\u0301" * 100_000, TRUNCATED),
    "a megabyte of spaces before a word": (" " * MILLION + "dog", INVALID),
    "a control within a word": ("do\x00g", OK),
    "right to left": ("שלום עולם، مرحبا بالعالم", OK),
    "marks that turn the direction": ("\u202edog\u202c \u2067cat\u2069", OK),
    "emoji sequences": ("👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽", OK),
    "no characters": ("\ufffe\uffff\U0010ffff dog", OK),
    "private use and astral": ("\ue000 \U000f0000 𝕯𝖔𝖌", OK),
}


def good(caller: int) -> list[str]:
    """Two texts that no other caller sends, of lengths that make batches uneven."""
    return [f"caller {caller} likes dogs", f"caller {caller} " + "saw a film of some length " * (caller % 7 + 1)]


def message(text: bytes) -> bytes:
    """A TextEncoderEncodeRequest of one text under 128 bytes, as it is on the wire."""
    return b"\x0a" + bytes([len(text)]) + text


async def answer_to_bytes(channel: grpc.aio.Channel, raw: bytes) -> ModalmeshError | bytes:
    try:
        answered: bytes = await channel.unary_unary(ENCODE, bytes, bytes)(raw, timeout=PATIENCE)
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error)
    return answered


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, int]]:
    """A case a caller."""
    return list(islice(cycle(TEXTS.values()), CALLERS))


@pytest.mark.parametrize("name", TEXTS)
async def test_each_text_gets_the_state_that_it_deserves(text_encoder: EncoderProcess, name: str) -> None:
    text, state = TEXTS[name]
    (result,) = (await encode_texts(text_encoder.channel, [text])).results
    assert result.state == state
    assert (result.row_count, result.reason.startswith("texts[0]: ")) == (state != INVALID, state != OK)


async def test_bad_texts_leave_their_neighbours_unharmed(
    text_encoder: EncoderProcess, cases: list[tuple[str, int]]
) -> None:
    channel = text_encoder.channel
    alone = await one_by_one(encode_texts(channel, [text]) for caller in range(CALLERS) for text in good(caller))
    calls = [[good(caller)[0], text, good(caller)[1]] for caller, (text, _) in enumerate(cases)]
    together = await at_once(encode_texts(channel, call) for call in calls)
    states = [[result.state for result in response.results] for response in together]
    assert states == [[OK, state, OK] for _, state in cases]
    lone = [vectors(response, 0) for response in alone]
    assert least_cosine([vectors(response, 0, 2) for response in together], lone) >= 0.9999


@pytest.mark.parametrize("surrogate", [b"\xed\xa0\x80", b"\xed\xbf\xbf", b"dog \xed\xb0\x80 cat", b"\xff\xfe", b"\xc3"])
async def test_unpaired_surrogates_are_refused_and_other_callers_served(
    text_encoder: EncoderProcess, surrogate: bytes
) -> None:
    raws = [message(surrogate), message(b"a dog")] * (CALLERS // 2)
    answers = await at_once(answer_to_bytes(text_encoder.channel, raw) for raw in raws)
    refused = {(type(answer), getattr(answer, "reason", "")) for answer in answers[::2]}
    assert refused == {(InvalidInput, "NOT_A_MESSAGE")}
    assert all(isinstance(answer, bytes) for answer in answers[1::2])

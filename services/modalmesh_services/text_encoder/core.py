"""What the text encoder does. Knows no grpc and no protobuf."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from modalmesh.embeddings import Dtype, FloatMatrix, ModelId
from modalmesh.errors import InvalidInput, ModalmeshError, TooLarge
from modalmesh.types import ModelInfo, ModelLimits
from modalmesh_services.common.answers import check_answer, most_bytes, too_large
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.encoding import (
    Encoded,
    EncodedBatch,
    Granularity,
    Outcome,
    Part,
    assemble,
    check_batch,
    finite,
)
from modalmesh_services.common.engine.engine import Engine
from modalmesh_services.common.engine.work import THREADS_A_DEVICE, EngineLimits, Job
from modalmesh_services.text_encoder.loading import LoadedText
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import Tokens

FIELD = "texts"
# By device, as measured: what is larger pads more and gains nothing.
_MICRO_BATCH = {"cpu": 16, "cuda": 128}
# The same in tokens, padding included: a CPU is as fast as it gets from 128 on.
_BATCH_TOKENS = {"cpu": 512, "cuda": 16384}
# What a batch takes by itself: 1.6 ms of a core that does 8,300 tokens a second.
_OVERHEAD_TOKENS = {"cpu": 13, "cuda": 1024}
# What a text takes by itself, in tokens' time: as measured on a CPU 5 in process, and 10 to 13 over gRPC.
_OWN_TOKENS = 10
# Roughly; only to bound what is admitted, before anything is tokenised.
_CHARACTERS_PER_TOKEN = 4
# What a text takes of memory while it waits counts, too.
_CHARACTERS_PER_COST = 1024
_WARM_WORDS = 16


@dataclass(frozen=True, slots=True)
class TextInput:
    text: str
    granularity: Granularity


Prepared: TypeAlias = tuple[Tokens, Granularity]


class TextPipeline:
    """Tokenise, then run the model."""

    def __init__(self, loaded: LoadedText) -> None:
        self._loaded = loaded

    def prepare(self, inputs: Sequence[TextInput]) -> list[Prepared | ModalmeshError]:
        results = self._loaded.tokeniser([one.text for one in inputs])
        return [
            result if isinstance(result, ModalmeshError) else (result, one.granularity)
            for one, result in zip(inputs, results, strict=True)
        ]

    def length(self, ready: Prepared) -> int:
        return self._loaded.model.padded_length(len(ready[0].ids))

    def real_length(self, ready: Prepared) -> int:
        return len(ready[0].ids)

    def encode(self, batch: Sequence[Prepared]) -> list[Outcome]:
        wants_tokens = any(granularity is Granularity.PARTS for _, granularity in batch)
        pooled, tokens = self._loaded.model([text for text, _ in batch], wants_tokens)
        return [
            self._pooled(text, pooled[row])
            if tokens is None or granularity is Granularity.POOLED
            else self._parts(text, tokens[row])
            for row, (text, granularity) in enumerate(batch)
        ]

    def _pooled(self, text: Tokens, vector: FloatMatrix) -> Outcome:
        return finite(Encoded(vector[None], truncated=self._truncated(text)))

    def _parts(self, text: Tokens, vectors: FloatMatrix) -> Outcome:
        rows = [row for row, _, _ in text.places]
        parts = tuple(Part(start=start, end=end) for _, start, end in text.places)
        return finite(Encoded(vectors[rows], parts, self._truncated(text)))

    def _truncated(self, text: Tokens) -> str:
        limit = self._loaded.tokeniser.max_tokens
        return f"is longer than {limit} tokens, only its beginning was encoded" if text.truncated else ""


class TextEncoder:
    """Batches of texts to vectors."""

    def __init__(self, loaded: LoadedText, settings: TextEncoderSettings) -> None:
        self._loaded = loaded
        self._settings = settings
        device = loaded.placement.device.type
        limits = EngineLimits(
            settings.queue_tokens,
            settings.micro_batch or _MICRO_BATCH[device],
            _BATCH_TOKENS[device],
            _OVERHEAD_TOKENS[device],
            devices=loaded.placement.threads,
            threads_a_device=THREADS_A_DEVICE[device],
        )
        probe = TextInput("warm", Granularity.POOLED)
        self._engine: Engine[TextInput, Prepared, Encoded] = Engine(TextPipeline(loaded), limits, probe)

    @property
    def engine(self) -> Engine[TextInput, Prepared, Encoded]:
        """For what watches it: metrics, health."""
        return self._engine

    def info(self) -> ModelInfo:
        limits = ModelLimits(
            batch_inputs=self._settings.batch_inputs,
            tokens=self._loaded.tokeniser.max_tokens,
            text_bytes=self._settings.max_text_bytes,
        )
        return ModelInfo(
            self._loaded.name, self._loaded.fingerprint, self._loaded.placement.build, self._loaded.dim, limits
        )

    async def start(self) -> None:
        """Start the engine and run the model on short and long texts, lone and many, so that the first caller doesn't
        pay for what is made only then, and the engine knows how fast it is.
        """
        await self._engine.start()
        most = min(self._settings.micro_batch or _MICRO_BATCH["cpu"], self._settings.batch_inputs)
        for words, count in ((1, 1), (_WARM_WORDS, most), (self._loaded.tokeniser.max_tokens, 1)):
            texts = [f"{number} {'warm ' * words}" for number in range(count)]
            await self.encode(texts, Granularity.POOLED, Deadline.after(None))

    async def stop(self) -> None:
        await self._engine.stop()

    async def encode(
        self,
        texts: Sequence[str],
        granularity: Granularity,
        deadline: Deadline,
        dtype: Dtype = Dtype.F32,
        admitted: Callable[[], None] | None = None,
    ) -> EncodedBatch:
        """POOLED: a row of length 1 a text. PARTS: the token vectors before pooling, as the model gives them, a row a
        token that is not special, each with its characters. `dtype` is what the answer will be sent in. `admitted`: as
        Engine.submit.

        Raises:
            InvalidInput: the batch is empty or over the limit, or its answer may be; a bad text only gets an INVALID
                result.
            Overloaded, DeadlineExceeded, Unavailable: as Engine.submit.
        """
        check_batch(len(texts), self._settings.batch_inputs, FIELD)
        sizes = [self.answer_bytes(text, granularity, dtype) for text in texts]
        checked = [self._check(text, size) for text, size in zip(texts, sizes, strict=True)]
        expected = sum(size for size, error in zip(sizes, checked, strict=True) if error is None)
        check_answer(expected, self._settings.max_message_bytes, FIELD)
        jobs = [self._job(text, granularity) for text, error in zip(texts, checked, strict=True) if error is None]
        encoded = iter(await self._engine.submit(jobs, deadline, admitted) if jobs else [])
        outcomes: list[Outcome] = [next(encoded) if error is None else error for error in checked]
        return assemble(outcomes, ModelId(self._loaded.name, self._loaded.fingerprint), self._loaded.dim, FIELD)

    def answer_bytes(self, text: str, granularity: Granularity, dtype: Dtype) -> int:
        """What a text's answer takes at most. A tokenizer may take characters apart, but hardly bytes."""
        rows = 1
        if granularity is Granularity.PARTS:
            most = self._loaded.tokeniser.max_tokens
            rows = most if len(text) >= most else min(len(text.encode()), most)
        return most_bytes(rows, self._loaded.dim, dtype)

    def _check(self, text: str, answer_bytes: int) -> InvalidInput | None:
        if not text or text.isspace():
            return InvalidInput("", "is empty")
        size = len(text.encode())
        if size > self._settings.max_text_bytes:
            return TooLarge("", f"has {size} bytes, the limit is {self._settings.max_text_bytes}")
        return too_large(answer_bytes, self._settings.max_message_bytes)

    def _job(self, text: str, granularity: Granularity) -> Job[TextInput]:
        """A text with the tokens that it is admitted as, which bound memory, and those that foresee its time."""
        tokens = min(len(text) // _CHARACTERS_PER_TOKEN + 2, self._loaded.tokeniser.max_tokens)
        held = max(tokens, len(text) // _CHARACTERS_PER_COST)
        return Job((text, granularity), held + _OWN_TOKENS, TextInput(text, granularity), time=tokens + _OWN_TOKENS)

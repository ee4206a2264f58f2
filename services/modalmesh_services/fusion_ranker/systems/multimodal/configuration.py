"""What a named system is made of and how it is trained. `reading` fills these from TOML."""

from dataclasses import dataclass, field
from typing import Any

MODALITIES = ("text", "image", "frames", "attributes")
"""Text fields, pictures, a video's frames, and sparse attributes such as genres."""


def one_of(*names: str) -> Any:
    """A setting that is one of these names, the first by default."""
    return field(default=names[0], metadata={"among": names})


def some_of(*names: str, default: tuple[str, ...] = ()) -> Any:
    """A setting that is a list of these names."""
    return field(default=default, metadata={"among": names})


def number(default: float, least: float, most: float) -> Any:
    """A setting between `least` and `most`, both allowed; a whole number where `default` is one."""
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, slots=True)
class AlignmentSettings:
    """`weight` is of its losses; `strength` is how much of the discriminator's gradient is turned around."""

    kind: str = one_of("linear", "contrastive", "adversarial", "contrastive_adversarial")
    weight: float = number(0.1, 0.0, 100.0)
    temperature: float = number(0.1, 1e-3, 10.0)
    strength: float = number(0.1, 0.0, 10.0)


@dataclass(frozen=True, slots=True)
class CompletionSettings:
    """`weight` is of its losses."""

    kind: str = one_of("none", "token", "regression", "gan")
    weight: float = number(0.1, 0.0, 100.0)


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """`heads` and `dropout` are of attention."""

    kind: str = one_of("attention", "gated", "concat", "add")
    heads: int = number(2, 1, 64)
    dropout: float = number(0.1, 0.0, 0.9)


@dataclass(frozen=True, slots=True)
class FramesSettings:
    """How a clip becomes one token; of more frames than `most` the first are taken."""

    kind: str = one_of("recurrent", "attention")
    most: int = number(16, 1, 256)


@dataclass(frozen=True, slots=True)
class AttributesSettings:
    """`shared_by`: a value that fewer items have is not learned. `l1` and `l2` shrink their embeddings."""

    shared_by: int = number(5, 2, 1_000_000)
    dropout: float = number(0.2, 0.0, 0.9)
    l1: float = number(0.0, 0.0, 10.0)
    l2: float = number(1e-3, 0.0, 10.0)


@dataclass(frozen=True, slots=True)
class BalanceSettings:
    """Between modalities: `dropout` leaves whole ones out, `noise` is in shares of a vector's own size.

    `modulation` is OGM-GE's alpha, 0 for none; with `gates` modalities are scaled by their measured contribution.
    """

    dropout: float = number(0.0, 0.0, 0.9)
    noise: float = number(0.0, 0.0, 1.0)
    modulation: float = number(0.0, 0.0, 10.0)
    gates: bool = False


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """`events`: the newest so many are read. `heads`, `blocks` and `dropout` are of the transformer."""

    kind: str = one_of("transformer", "gru", "lstm", "mean")
    events: int = number(50, 1, 1000)
    heads: int = number(2, 1, 64)
    blocks: int = number(1, 1, 16)
    dropout: float = number(0.1, 0.0, 0.9)


@dataclass(frozen=True, slots=True)
class CollaborativeSettings:
    """What is learned by item id. With `ids` a learned vector is added to an item's; `dropout` takes all that is
    learned by id from an item, as if it were cold, so that the network learns to do without.
    """

    ids: bool = True
    dropout: float = number(0.3, 0.0, 1.0)
    signals: tuple[str, ...] = some_of("popularity", "factorisation", "deep", "item_item", default=("popularity",))
    dim: int = number(32, 1, 4096)
    neighbours: int = number(50, 1, 1000)


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """`attention`: hidden units of target attention, 0 for none."""

    attention: int = number(8, 0, 4096)
    hidden: int = number(64, 1, 8192)
    dropout: float = number(0.1, 0.0, 0.9)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """A batch is `batch` states, each a history cut at random, in `shards` equal parts: losses within a batch, such as
    contrastive ones, stay within a shard, so that several processes, at most one a shard, do what one does.

    `retrieval` is the weight of a loss on the user's own dot product with items, by which candidates are found.
    `held_out` users are left out of the end of training's time, to stop early and to scale probabilities.
    """

    loss: str = one_of("softmax", "bce")
    epochs: int = number(5, 1, 10_000)
    patience: int = number(2, 1, 10_000)
    batch: int = number(32, 1, 65_536)
    shards: int = number(2, 1, 4096)
    states: int = number(2, 1, 1000)
    targets: int = number(8, 1, 1000)
    negatives: int = number(128, 1, 100_000)
    rate: float = number(3e-3, 1e-8, 1.0)
    decay: float = number(0.01, 0.0, 10.0)
    retrieval: float = number(0.5, 0.0, 100.0)
    held_out: int = number(64, 0, 100_000)
    seed: int = number(0, 0, 2**31)


@dataclass(frozen=True, slots=True)
class Configuration:
    """`dim`: of all aligned vectors, of items and of users."""

    name: str
    modalities: tuple[str, ...] = some_of(*MODALITIES, default=("text", "image"))
    dim: int = number(64, 1, 65_536)
    alignment: AlignmentSettings = AlignmentSettings()
    completion: CompletionSettings = CompletionSettings()
    fusion: FusionSettings = FusionSettings()
    frames: FramesSettings = FramesSettings()
    attributes: AttributesSettings = AttributesSettings()
    balance: BalanceSettings = BalanceSettings()
    history: HistorySettings = HistorySettings()
    collaborative: CollaborativeSettings = CollaborativeSettings()
    head: HeadSettings = HeadSettings()
    training: TrainingSettings = TrainingSettings()

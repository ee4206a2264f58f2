"""What callers and the gateway speak of: items, events, answers. Knows no grpc and no protobuf.

Times are Unix milliseconds. Every class mirrors the message of the same name in protos/modalmesh/v1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

PictureKind = Literal["picture", "frame"]
Modality = Literal["text", "image"]
SimilarBy = Literal["fused", "text", "image"]

TEXT_FIELDS = ("title", "description", "tags")
"""An item's text fields, in the order in which they are encoded."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, PNG, WebP or GIF. `content` is empty in answers, `content_hash` in requests."""

    content: bytes = field(default=b"", repr=False)
    name: str = ""
    kind: PictureKind = "picture"
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Video:
    """A video file; frames are sampled from it. `content` is empty in answers, `content_hash` in requests."""

    content: bytes = field(default=b"", repr=False)
    name: str = ""
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the catalogue. Any modality may be missing, but not all of them."""

    item_id: str
    title: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    videos: Sequence[Video] = ()
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    time_ms: int | None = None
    revision: int = 0
    pending: Sequence[Modality] = ()

    def text_fields(self) -> dict[str, str]:
        """The texts to encode by field; tags are joined by commas, empty fields left out."""
        texts = {"title": self.title, "description": self.description, "tags": ", ".join(self.tags)}
        return {name: text for name, text in texts.items() if text.strip()}


@dataclass(frozen=True, slots=True)
class Event:
    """What a user did with an item, when. Without an id the gateway derives one from the rest."""

    user_id: str
    item_id: str
    time_ms: int
    type: str = "rating"
    value: float | None = None
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class SignalShare:
    """What one signal (text, image, popularity) added to a score, on the logit's scale."""

    signal: str
    contribution: float
    share: float


@dataclass(frozen=True, slots=True)
class HistoryShare:
    """What one item of the history added; `share` is over the history alone."""

    item_id: str
    contribution: float
    share: float
    signals: Sequence[SignalShare] = ()


@dataclass(frozen=True, slots=True)
class WordShare:
    """What the characters [start, end) of a text field added: a word, or several in a row of a very long text.

    `contribution` is how far the logit falls without them. The shares of all words add up to that of the signal text;
    to 1 where the model has no such signal. `text` are these characters.
    """

    field: str
    start: int
    end: int
    text: str
    contribution: float
    share: float


@dataclass(frozen=True, slots=True)
class RegionShare:
    """What a region of the request's picture number `picture`, from 0, added: a box as shares of width and height.

    `contribution`: its part in how far the logit falls without the whole picture, which those of a picture's regions
    add up to. A call weighs some 4 pictures of 32 MiB in all so; of others it is what the encoder's grid foretells.
    `share` is as that of a word, of the signal image.
    """

    picture: int
    left: float
    top: float
    right: float
    bottom: float
    contribution: float
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """sigmoid(bias + sum of the signals' contributions) == probability; shares add up to 1.

    `words` and `regions`, where asked for, are in reading order. `words_fit` and `regions_fit` say how exact they are:
    the least cosine between a vector that was ranked and the mean of its parts, 1 where the encoder takes that mean.
    """

    item_id: str
    probability: float
    bias: float
    signals: Sequence[SignalShare] = ()
    history: Sequence[HistoryShare] = ()
    sentence: str = ""
    words: Sequence[WordShare] = ()
    regions: Sequence[RegionShare] = ()
    words_fit: float = 0.0
    regions_fit: float = 0.0


@dataclass(frozen=True, slots=True)
class RankedItem:
    item_id: str
    score: float
    title: str = ""
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """What an answer lacked, such as part fusion-ranker, reason SERVICE_UNAVAILABLE."""

    part: str
    reason: str


@dataclass(frozen=True, slots=True)
class Served:
    """How an answer came about."""

    served_by: str = ""
    lacked: Sequence[Lack] = ()
    ranker_revision: str = ""
    index_age_ms: int = 0

    @property
    def degraded(self) -> bool:
        return bool(self.lacked)


@dataclass(frozen=True, slots=True)
class RankedItems:
    """An answer's items, the best first. `unknown` lists requested ids that named no item."""

    items: Sequence[RankedItem]
    served: Served
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Explanations:
    explanations: Sequence[Explanation]
    served: Served


@dataclass(frozen=True, slots=True)
class Refusal:
    """One input that was refused; the rest of its batch went in."""

    id: str
    position: int
    field: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class UpsertSummary:
    """What became of a stream of items; `refused` lists at most the first 1,000."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: Sequence[Refusal] = ()
    refused_count: int = 0
    encoded_texts: int = 0
    encoded_images: int = 0
    cache_hits: int = 0
    pending: int = 0
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class RecordSummary:
    recorded: int = 0
    duplicates: int = 0
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True)
class DeleteSummary:
    deleted: int = 0
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The recent window, the oldest first, and how many items were ever seen."""

    events: Sequence[Event]
    seen_items: int


@dataclass(frozen=True, slots=True)
class ItemPage:
    items: Sequence[Item]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What is above a limit is refused. Zero: there is no such limit."""

    batch_inputs: int = 0
    tokens: int = 0
    text_bytes: int = 0
    image_bytes: int = 0
    image_pixels: int = 0
    video_bytes: int = 0
    video_seconds: int = 0
    video_frames: int = 0
    candidates: int = 0
    history_events: int = 0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The fingerprint names the vector space; the build names backend and precision."""

    name: str
    fingerprint: str
    build: str
    dim: int
    limits: ModelLimits = ModelLimits()


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    name: str
    address: str
    serving: bool
    reason: str = ""
    model: ModelInfo | None = None


@dataclass(frozen=True, slots=True)
class StoreStatus:
    reachable: bool
    version: str = ""
    durability: str = ""
    durable: bool = False
    used_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class NamespaceStatus:
    """While a gateway that has just started is `loading` the catalogue, the counts aren't known yet."""

    namespace: str
    items: int
    with_text: int
    with_image: int
    pending: int
    events: int
    index_age_ms: int
    loading: bool = False


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """Since the gateway started."""

    hits: int = 0
    misses: int = 0
    encoded_texts: int = 0
    encoded_images: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    version: str
    services: Sequence[ServiceStatus]
    store: StoreStatus
    namespaces: Sequence[NamespaceStatus]
    cache: CacheStatus

"""Items to records: embed what they say and show, fuse it, and say what was refused. Knows no grpc and no protobuf."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.errors import InvalidInput
from modalmesh.types import Item, Lack, Modality
from modalmesh_gateway.content import fused_key, image_hash, item_digest, space_hash, text_hash, video_hash
from modalmesh_gateway.encoding import Embedded, Embedder
from modalmesh_gateway.parts import PART_FAILURES, lack_of
from modalmesh_gateway.ports import FuseInput, Ranker, Visual
from modalmesh_gateway.store import ItemRecord, TokenVectors
from modalmesh_services.common.deadline import Deadline

_QUOTED = 200

# A Fuse call, well within a message and what the ranker takes: an attribute's value counts as so many bytes.
_FUSE_ITEMS = 256
_FUSE_BYTES = 32 * 1024 * 1024
_VALUE_BYTES = 128


@dataclass(frozen=True, slots=True)
class Source:
    """One content of an item: where it stands in the item, and what we and the caller call it."""

    field: str
    label: str
    content_hash: str
    name: str = ""

    @property
    def quoted_name(self) -> str:
        """To begin a message with; nothing where the caller has no name for it."""
        return f"{self.name[:_QUOTED]!r} " if self.name else ""


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """An item without contents, and its contents by hash. A visual may be gone: its hash is then in no content."""

    item: Item
    texts: Sequence[Source]
    visuals: Sequence[Source]
    text_contents: Mapping[str, str]
    visual_contents: Mapping[str, Visual]
    # What is stored of the item already: its vectors are kept where nothing newer is to be had.
    stored: ItemRecord | None = None

    @property
    def digest(self) -> str:
        return item_digest(self.item)


@dataclass(slots=True)
class Built:
    """What became of one item: a record, or None when nothing of it was usable; and the refused fields."""

    prepared: PreparedItem
    record: ItemRecord | None
    refused: list[InvalidInput] = field(default_factory=list)


@dataclass(slots=True)
class BuildResult:
    built: list[Built]
    encoded_texts: int = 0
    encoded_images: int = 0
    cache_hits: int = 0
    truncated: int = 0
    lacked: list[Lack] = field(default_factory=list)


def prepare(item: Item) -> PreparedItem:
    """Name an item's contents and take them out of it."""
    visual_contents: dict[str, Visual] = {}
    visuals: list[Source] = []
    pictures, videos = [], []
    for position, picture in enumerate(item.pictures):
        named = replace(picture, content=b"", content_hash=picture.content_hash or image_hash(picture.content))
        pictures.append(named)
        visuals.append(Source(f"pictures[{position}].content", picture.kind, named.content_hash, picture.name))
        if picture.content:
            visual_contents[named.content_hash] = Visual(picture.content)
    for position, video in enumerate(item.videos):
        clip = replace(video, content=b"", content_hash=video.content_hash or video_hash(video.content))
        videos.append(clip)
        visuals.append(Source(f"videos[{position}].content", "frame", clip.content_hash, video.name))
        if video.content:
            visual_contents[clip.content_hash] = Visual(video.content, is_video=True)
    texts = {name: (text_hash(text), text) for name, text in item.text_fields().items()}
    return PreparedItem(
        item=replace(item, pictures=tuple(pictures), videos=tuple(videos)),
        texts=[Source(name, name, content_hash) for name, (content_hash, _) in texts.items()],
        visuals=visuals,
        text_contents=dict(texts.values()),
        visual_contents=visual_contents,
    )


@dataclass(frozen=True, slots=True)
class Basis:
    """What fused vectors are made with. Those of two bases are never compared."""

    ranker_revision: str
    text_fingerprint: str
    image_fingerprint: str

    @property
    def model(self) -> ModelId:
        """The fused vectors' space: named by the ranker's revision, told apart by the encoders' too."""
        return ModelId(
            self.ranker_revision, space_hash(self.ranker_revision, self.text_fingerprint, self.image_fingerprint)
        )

    def input_of(self, record: ItemRecord) -> FuseInput:
        """A record's vectors as far as they are of these encoders. Tags are an attribute, too: a ranker may have learnt
        from each of them by itself.
        """
        item = record.item
        return FuseInput(
            replace(item, attributes={**item.attributes, "tags": item.tags}) if item.tags else item,
            _of_model(record.text, self.text_fingerprint),
            _of_model(record.image, self.image_fingerprint),
        )


class RecordBuilder:
    """Builds records of prepared items: the two encoders at once, then the ranker's Fuse."""

    def __init__(self, text: Embedder[str], image: Embedder[Visual], ranker: Ranker) -> None:
        self._text = text
        self._image = image
        self._ranker = ranker

    async def build(self, items: Sequence[PreparedItem], basis: Basis, deadline: Deadline) -> BuildResult:
        """One Built an item, in order. A part that fails leaves its modality pending; it never fails the call."""
        text_contents: dict[str, str] = {}
        visual_contents: dict[str, Visual] = {}
        for prepared in items:
            text_contents.update(prepared.text_contents)
            visual_contents.update(prepared.visual_contents)
        text, image = await asyncio.gather(
            self._text.embed(text_contents, deadline), self._image.embed(visual_contents, deadline)
        )
        result = BuildResult(
            built=[_build(prepared, text, image) for prepared in items],
            encoded_texts=text.encoded,
            encoded_images=image.encoded,
            cache_hits=text.hits + image.hits,
            truncated=len(text.truncated),
            lacked=[lack for lack in (text.lack, image.lack) if lack],
        )
        # The very first answers of the encoders say what they are.
        basis = replace(
            basis,
            text_fingerprint=text.model.fingerprint or basis.text_fingerprint,
            image_fingerprint=image.model.fingerprint or basis.image_fingerprint,
        )
        await self._fuse(result, basis, deadline)
        return result

    async def fuse(self, records: Sequence[ItemRecord], basis: Basis, deadline: Deadline) -> list[ItemRecord]:
        """The records with fused vectors of the basis, made from its encoders' vectors alone.

        Records without any such vector lose the fused one.

        Raises:
            Unavailable, Overloaded: the ranker failed.
        """
        inputs = [basis.input_of(record) for record in records]
        fused: dict[str, Embeddings] = {}
        for portion in portions([each for each in inputs if each.text or each.image]):
            vectors = await self._ranker.fuse(portion, deadline)
            model = replace(basis, ranker_revision=vectors.model.fingerprint).model
            for row, each in enumerate(portion):
                fused[each.item.item_id] = Embeddings(vectors.values[row : row + 1], model)
        return [
            replace(record, fused=fused.get(record.item.item_id), fused_key=_fused_key(each))
            for record, each in zip(records, inputs, strict=True)
        ]

    async def _fuse(self, result: BuildResult, basis: Basis, deadline: Deadline) -> None:
        built = [each for each in result.built if each.record is not None]
        records = [each.record for each in built if each.record is not None]
        try:
            fused = await self.fuse(records, basis, deadline)
        except PART_FAILURES as error:
            result.lacked.append(lack_of(self._ranker.name, error))
            return
        for each, record in zip(built, fused, strict=True):
            each.record = record


def _build(prepared: PreparedItem, text: Embedded, image: Embedded) -> Built:
    item = replace(
        prepared.item,
        pictures=tuple(p for p in prepared.item.pictures if p.content_hash not in image.invalid),
        videos=tuple(v for v in prepared.item.videos if v.content_hash not in image.invalid),
    )
    stored_text = prepared.stored.text if prepared.stored else None
    stored_image = prepared.stored.image if prepared.stored else None
    text_known, image_known = _known(text, stored_text), _known(image, stored_image)
    pending: set[Modality] = set()
    if _waits(prepared.texts, text_known, text.invalid):
        pending.add("text")
    if _waits(prepared.visuals, image_known, image.invalid):
        pending.add("image")
    text_vectors = _vectors(prepared.texts, text_known) or stored_text
    image_vectors = _vectors(prepared.visuals, image_known) or stored_image
    if text_vectors is None and image_vectors is None and not pending:
        return Built(prepared, None, _refused(prepared, text, image))
    record = ItemRecord(
        item=replace(item, pending=tuple(sorted(pending))),
        digest=item_digest(item),
        text=text_vectors,
        image=image_vectors,
        fused=None,
        fused_key="",
        pending=frozenset(pending),
    )
    return Built(prepared, record, _refused(prepared, text, image, "; the item goes in without it"))


def _refused(prepared: PreparedItem, text: Embedded, image: Embedded, consequence: str = "") -> list[InvalidInput]:
    return [
        InvalidInput(
            source.field,
            f"{source.quoted_name}{embedded.invalid[source.content_hash]}{consequence}",
            reason="NOT_ENCODABLE",
        )
        for embedded, sources in ((text, prepared.texts), (image, prepared.visuals))
        for source in sources
        if source.content_hash in embedded.invalid
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """Vectors of one model by content hash: just embedded, or stored before by the same model."""

    model: ModelId
    vectors: Mapping[str, FloatMatrix]


def _known(embedded: Embedded, stored: TokenVectors | None) -> _Known:
    model = embedded.model
    if stored is None or model.fingerprint not in ("", stored.embeddings.model.fingerprint):
        return _Known(model, embedded.vectors)
    rows: dict[str, list[int]] = {}
    for row, content_hash in enumerate(stored.content_hashes):
        rows.setdefault(content_hash, []).append(row)
    before = {content_hash: stored.embeddings.values[numbers] for content_hash, numbers in rows.items()}
    return _Known(stored.embeddings.model, {**before, **embedded.vectors})


def _waits(sources: Sequence[Source], known: _Known, invalid: Mapping[str, str]) -> bool:
    return any(source.content_hash not in known.vectors and source.content_hash not in invalid for source in sources)


def _vectors(sources: Sequence[Source], known: _Known) -> TokenVectors | None:
    """The rows of an item's sources that have vectors; a video has several rows."""
    rows: list[FloatMatrix] = []
    labels: list[str] = []
    hashes: list[str] = []
    for source in sources:
        values = known.vectors.get(source.content_hash)
        if values is None:
            continue
        rows.append(values)
        labels.extend([source.label] * len(values))
        hashes.extend([source.content_hash] * len(values))
    if not rows:
        return None
    return TokenVectors(Embeddings(np.concatenate(rows), known.model), tuple(labels), tuple(hashes))


def _of_model(tokens: TokenVectors | None, fingerprint: str) -> TokenVectors | None:
    """The vectors if they are of this model."""
    return tokens if tokens and tokens.embeddings.model.fingerprint == fingerprint else None


def portions(inputs: Sequence[FuseInput]) -> Iterator[Sequence[FuseInput]]:
    """Cut a Fuse call so that each part fits into a message, and keeps to what a ranker takes at once."""
    start, size = 0, 0
    for place, each in enumerate(inputs):
        weight = _fuse_bytes(each)
        if place > start and (place - start >= _FUSE_ITEMS or size + weight > _FUSE_BYTES):
            yield inputs[start:place]
            start, size = place, 0
        size += weight
    if start < len(inputs):
        yield inputs[start:]


def _fuse_bytes(fuse: FuseInput) -> int:
    vectors = sum(tokens.embeddings.values.nbytes for tokens in (fuse.text, fuse.image) if tokens)
    return vectors + _VALUE_BYTES * sum(len(values) for values in fuse.item.attributes.values())


def _fused_key(fuse: FuseInput) -> str:
    keys = [
        (tokens.embeddings.model.fingerprint, content_hash)
        for tokens in (fuse.text, fuse.image)
        if tokens
        for content_hash in tokens.content_hashes
    ]
    missing = [name for name, tokens in (("text", fuse.text), ("image", fuse.image)) if tokens is None]
    return fused_key(fuse.item, keys, missing)

"""A data folder with the vectors that a mesh has of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from modalmesh.client import Client
from modalmesh.embeddings import ModelId
from modalmesh.errors import InvalidInput, NotFound
from modalmesh.local.borrowing import borrowed_mesh
from modalmesh.tls import tls_of_environment
from modalmesh.types import ModelInfo
from modalmesh_services.fusion_ranker.bundle import Encoders
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, check, read_dataset
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens
from modalmesh_services.fusion_ranker.job.lines import Lines

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """A data folder, and the mesh that has its vectors: that at `address`, or else that of `home`."""

    folder: Path
    home: Path
    namespace: str = "default"
    address: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Data with vectors, and whose vectors they are."""

    dataset: Dataset
    encoders: Encoders


def prepare(source: Source, lines: Lines) -> Prepared:
    """Read the folder and its vectors; a mesh that has to be started for them is stopped again.

    Raises:
        NotFound: there is no data, or the mesh has none of the folder's items.
        InvalidInput: nothing can be learned from these data; found out before a mesh is started.
        ModalmeshError: the mesh doesn't start or doesn't answer.
    """
    dataset = read_dataset(source.folder)
    _tell_losses(dataset, lines)
    with borrowed_mesh(source.folder, source.home, source.namespace, lines.progress, source.address) as address:
        embeddings, models = _fetch(address, source.namespace)
        try:
            text, image = embeddings.of_items(dataset.catalogue.item_ids)
        except InvalidInput as error:
            raise _not_ingested(source, address) from error
    catalogue = replace(dataset.catalogue, text=text, image=image)
    dataset = replace(dataset, catalogue=catalogue, consequences=check(catalogue, dataset.interactions))
    without = int((~(text.present() | image.present())).sum())
    if without:
        lines.note(f"{without:,} of {len(catalogue):,} items have no vector in the mesh.")
    for consequence in dataset.consequences:
        lines.note(consequence)
    return Prepared(dataset, _encoders(embeddings, models))


def _fetch(address: str, namespace: str) -> tuple[Embeddings, Mapping[str, ModelInfo]]:
    """All vectors, and each service's model by the service's name."""
    with Client(address, namespace, timeout=_TIMEOUT_SECONDS, tls=tls_of_environment()) as client:
        services = client.status().services
        return Embeddings.read(client), {each.name: each.model for each in services if each.model}


def _not_ingested(source: Source, address: str) -> NotFound:
    return NotFound(
        f"the mesh at {address} has no item of {source.folder} in the namespace {source.namespace!r}: "
        f"`modalmesh ingest {source.folder} --namespace {source.namespace}` brings them in",
        reason="NOT_INGESTED",
    )


def _tell_losses(dataset: Dataset, lines: Lines) -> None:
    if dataset.complaints:
        first = dataset.complaints[0]
        lines.note(
            f"{len(dataset.complaints):,} lines are left out; the first is {first.file}:{first.line}: {first.message}"
        )
    if dataset.interactions.unknown_items:
        lines.note(f"{dataset.interactions.unknown_items:,} events are left out: their items aren't in items.jsonl.")


def _encoders(embeddings: Embeddings, models: Mapping[str, ModelInfo]) -> Encoders:
    """By the vectors; of a modality that there is no vector of, by the encoder that serves."""
    text, text_dim = _encoder(embeddings.text, embeddings.text_model, models.get("text-encoder"))
    image, image_dim = _encoder(embeddings.image, embeddings.image_model, models.get("image-encoder"))
    return Encoders(text, image, text_dim, image_dim)


def _encoder(tokens: Tokens, model: ModelId, serving: ModelInfo | None) -> tuple[ModelId, int]:
    if len(tokens.vectors):
        return model, tokens.dim
    return (ModelId(serving.name, serving.fingerprint), serving.dim) if serving else (ModelId(), 0)

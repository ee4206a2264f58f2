"""SimilarItems and SearchItems: retrieval by vectors alone. Knows no grpc and no protobuf."""

from collections.abc import Sequence

import numpy as np

from modalmesh.errors import InvalidInput, NotFound, Unavailable
from modalmesh.types import Lack, RankedItem, RankedItems, Served, SimilarBy
from modalmesh_gateway.content import image_hash, text_hash
from modalmesh_gateway.encoding import Embedded, Embedder, first_vector
from modalmesh_gateway.index import ItemIndex, Scores
from modalmesh_gateway.ports import Visual
from modalmesh_gateway.views import NamespaceView
from modalmesh_services.common.deadline import Deadline


class Searching:
    """Answers from the index, also without the store."""

    def __init__(self, text: Embedder[str], image: Embedder[Visual]) -> None:
        self._text = text
        self._image = image

    def similar(self, view: NamespaceView, item_id: str, k: int, by: SimilarBy) -> RankedItems:
        """Items like one of the catalogue, by one kind of vector; none where the item has no such vector.

        Raises:
            NotFound: the item isn't in the catalogue.
        """
        index = view.index
        row = index.row(item_id)
        if row is None:
            raise NotFound(f"item_id: there is no item {item_id!r} in {view.name!r}", reason="UNKNOWN_ITEM")
        table = index.spaces[by].serving()
        lacked = view.lacked()
        if table is None or not table.has(row):
            return RankedItems((), Served("retrieval", (*lacked, Lack(by, "NO_VECTOR")), "", view.age_ms))
        scores = table.scores(table.values[row], index.capacity)
        return _answer(view, scores, k, lacked, excluded=[item_id])

    async def search(self, view: NamespaceView, text: str, image: bytes, k: int, deadline: Deadline) -> RankedItems:
        """Items by text, by picture, or by both: then by the sum of how far each stands out.

        Raises:
            InvalidInput: neither is given, or what is given can't be encoded.
            Unavailable: no encoder that the query needs answers.
        """
        if not text.strip() and not image:
            raise InvalidInput("text", "text or image must be given", reason="EMPTY")
        queries: list[tuple[SimilarBy, str, Embedded]] = []
        if text.strip():
            name = text_hash(text)
            queries.append(("text", name, await self._text.embed({name: text}, deadline)))
        if image:
            name = image_hash(image)
            queries.append(("image", name, await self._image.embed({name: Visual(image)}, deadline)))
        # From here on without a pause: all scores are of the same rows, whatever is written meanwhile.
        found: list[Scores] = []
        lacked = view.lacked()
        for space, name, embedded in queries:
            self._score(view.index, space, name, embedded, found, lacked)
        if not found:
            raise Unavailable(
                lacked[-1].part, f"{lacked[-1].part} can't encode the query now", reason=lacked[-1].reason
            )
        scores = found[0] if len(found) == 1 else _sum_of_standings(found)
        return _answer(view, scores, k, lacked)

    @staticmethod
    def _score(
        index: ItemIndex, space: SimilarBy, name: str, embedded: Embedded, found: list[Scores], lacked: list[Lack]
    ) -> None:
        if name in embedded.invalid:
            raise InvalidInput(space, embedded.invalid[name], reason="NOT_ENCODABLE")
        if embedded.lack:
            lacked.append(embedded.lack)
            return
        # Only vectors of the very model that encoded the query can be compared with it.
        table = index.spaces[space].table(embedded.model.fingerprint)
        if table is None:
            lacked.append(Lack(space, "NO_VECTOR"))
            found.append(np.full(index.capacity, -np.inf, dtype=np.float32))
            return
        if table is not index.spaces[space].serving():
            # The encoder was replaced, and not all items have its vectors yet.
            lacked.append(Lack(space, "MODEL_CHANGING"))
        found.append(table.scores(first_vector(embedded, name), index.capacity))


def _sum_of_standings(found: Sequence[Scores]) -> Scores:
    """Sum of z-scores (rows,): a missing modality counts as average; an item without any stays at -inf."""
    total = np.zeros_like(found[0])
    nowhere = np.ones(len(total), dtype=bool)
    for scores in found:
        present = np.isfinite(scores)
        nowhere &= ~present
        if present.any():
            values = scores[present]
            total[present] += (values - values.mean()) / (values.std() + 1e-6)
    total[nowhere] = -np.inf
    return total


def _answer(
    view: NamespaceView, scores: Scores, k: int, lacked: Sequence[Lack], excluded: Sequence[str] = ()
) -> RankedItems:
    best = view.index.best(scores, k, excluded)
    items = [RankedItem(item_id, score, view.index.title(item_id)) for item_id, score in best.items()]
    return RankedItems(items, Served("retrieval", tuple(lacked), "", view.age_ms))

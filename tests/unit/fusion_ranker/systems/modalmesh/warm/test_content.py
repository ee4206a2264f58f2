from dataclasses import replace

import numpy as np

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import Catalogue
from modalmesh_services.fusion_ranker.dataset.reading import build_catalogue
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content

ITEMS = 240
EVERYTHING = np.ones(ITEMS, np.bool_)


def catalogue() -> Catalogue:
    """Eighty casts of three items each, too many to be kinds, and two genres."""
    return build_catalogue(
        [Item(f"i{row}", attributes={"cast": [f"c{row % 80}"], "genres": ["ab"[row % 2]]}) for row in range(ITEMS)]
    )


def test_what_an_item_is_does_not_depend_on_what_other_items_have_lost() -> None:
    whole = catalogue()
    content = Content.of(whole, EVERYTHING)
    lost = np.arange(ITEMS) > 1
    left = content.measures.content(replace(whole, attributes=whole.attributes.without_items(lost)))
    assert left.bags.keys() == content.bags.keys() == {"cast"}
    np.testing.assert_array_equal(left.bags["cast"][:2].toarray(), content.bags["cast"][:2].toarray())
    np.testing.assert_array_equal(left.kinds[:2], content.kinds[:2])
    assert not left.bags["cast"][2:].nnz
    assert not left.kinds[2:].any()

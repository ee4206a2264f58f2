"""An explanation as a page, with what it speaks of as the mesh knows it."""

from collections.abc import Sequence
from pathlib import Path

from modalmesh.client import Client
from modalmesh.errors import NotFound
from modalmesh.local.report.explanation import ExplainedItem, render_explanation
from modalmesh.types import Explanation

_TITLES = 8


def write_explanation(
    client: Client, user_id: str, explanation: Explanation, pictures: Sequence[bytes], page: Path
) -> None:
    """Draw an explanation for which these picture files were given.

    Raises:
        OSError: it can't be written there.
        NotFound: the item is gone meanwhile.
    """
    item = client.get_item(explanation.item_id)
    titles = {item.item_id: item.title}
    for share in explanation.history[:_TITLES]:
        try:
            titles[share.item_id] = client.get_item(share.item_id).title
        except NotFound:
            # It was liked once, and is called by its id.
            continue
    shown = {region.picture: pictures[region.picture] for region in explanation.regions}
    drawn = ExplainedItem(user_id, explanation, item.text_fields(), shown, titles)
    page.write_text(render_explanation(drawn), encoding="utf-8")

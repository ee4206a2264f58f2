"""The verbs that ask: recommend, rank, similar, search, explain."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli import options
from modalmesh.cli.options import asking, count, example, open_client, put_out

if TYPE_CHECKING:
    from modalmesh.types import RankedItems, Served, SimilarBy


@click.command(epilog=example("modalmesh recommend customer-3 -k 5\nmodalmesh recommend 429 --explain --json"))
@click.argument("user")
@count
@click.option("--explain", is_flag=True, help="Say why, item by item.")
@asking
def recommend(user: str, k: int, explain: bool, address: str | None, namespace: str, as_json: bool) -> None:
    """The best items that USER hasn't seen."""
    with open_client(address, namespace) as client:
        ranked = client.recommend(user, k, explain)
    _put_out_ranked({"user_id": user}, ranked, f"For {user}", as_json)


@click.command(epilog=example("modalmesh rank customer-3 item-12 item-40 item-7"))
@click.argument("user")
@click.argument("items", metavar="ITEM...", nargs=-1, required=True)
@asking
def rank(user: str, items: tuple[str, ...], address: str | None, namespace: str, as_json: bool) -> None:
    """Your own candidates in the order in which they suit USER."""
    with open_client(address, namespace) as client:
        ranked = client.rank(items, user)
    _put_out_ranked({"user_id": user}, ranked, f"For {user}", as_json)


@click.command(epilog=example("modalmesh similar item-12 --by image -k 5"))
@click.argument("item")
@count
@click.option(
    "--by",
    type=click.Choice(["fused", "text", "image"]),
    default="fused",
    show_default=True,
    help="Which vectors are compared.",
)
@asking
def similar(item: str, k: int, by: "SimilarBy", address: str | None, namespace: str, as_json: bool) -> None:
    """Items like ITEM."""
    with open_client(address, namespace) as client:
        ranked = client.similar_items(item, k, by)
    _put_out_ranked({"item_id": item, "by": by}, ranked, f"Like {item}, by {by}", as_json)


@click.command(
    epilog=example(
        'modalmesh search "red shoes"\nmodalmesh search --image shoe.jpg\nmodalmesh search "in blue" --image shoe.jpg'
    )
)
@click.argument("text", required=False)
@click.option(
    "--image",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A picture to search by: JPEG, PNG, WebP or GIF.",
)
@count
@asking
def search(text: str | None, image: Path | None, k: int, address: str | None, namespace: str, as_json: bool) -> None:
    """Items that match TEXT, a picture, or both."""
    if not text and image is None:
        raise click.UsageError("give TEXT, --image FILE or both", click.get_current_context())
    content = image.read_bytes() if image else None
    with open_client(address, namespace) as client:
        ranked = client.search_items(text, content, k)
    asked = {"text": text or "", "image": str(image) if image else ""}
    _put_out_ranked(asked, ranked, f"Found for {' and '.join(filter(None, asked.values()))}", as_json)


@click.command(
    epilog=example(
        "modalmesh explain customer-3 item-12\n"
        "modalmesh explain customer-3 item-12 --words --picture mug.png --page why.html"
    )
)
@click.argument("user")
@click.argument("item")
@click.option("--words", is_flag=True, help="Name the words of its text that decided.")
@click.option(
    "--picture",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Name the regions that decided of this picture of the item; may be given several times.",
)
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="Draw it, too: an HTML file that needs no other."
)
@asking
def explain(
    user: str,
    item: str,
    words: bool,
    files: tuple[Path, ...],
    page: Path | None,
    address: str | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Why ITEM gets its score for USER."""
    pictures = [file.read_bytes() for file in files]
    with open_client(address, namespace) as client:
        answer = client.explain(user, [item], words=words, regions=bool(pictures), pictures=pictures)
        if page:
            from modalmesh.cli.drawing import write_explanation

            write_explanation(client, user, answer.explanations[0], pictures, page)
    document = {
        "user_id": user,
        "explanations": [asdict(explanation) for explanation in answer.explanations],
        "served": _served_document(answer.served),
    }

    def view() -> Any:
        from modalmesh.cli.views import explanations_view

        return explanations_view(answer)

    put_out(document, as_json, view)


def _put_out_ranked(asked: dict[str, str], ranked: "RankedItems", title: str, as_json: bool) -> None:
    document = {
        **asked,
        "items": [asdict(item) for item in ranked.items],
        "unknown": list(ranked.unknown),
        "served": _served_document(ranked.served),
    }

    def view() -> Any:
        from modalmesh.cli.views import ranked_view

        return ranked_view(title, ranked)

    options.put_out(document, as_json, view)


def _served_document(served: "Served") -> dict[str, Any]:
    return {"degraded": served.degraded, **asdict(served)}

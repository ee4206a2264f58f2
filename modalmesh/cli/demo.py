"""The verb demo."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli.options import as_json, example, mesh_home, put_out

if TYPE_CHECKING:
    from modalmesh.local.demo import DemoResult


@click.command(
    epilog=example("modalmesh demo\nmodalmesh demo --data data/movielens-posters --output films.html --json")
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A data folder. [default: the built-in shop]",
)
@click.option("--keep", is_flag=True, help="Leave the mesh running at the end.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Where the report goes.",
)
@as_json
def demo(data: Path | None, keep: bool, output: Path, as_json: bool) -> int:
    """Start a mesh, fill it, and write a report to look at.

    A mesh that is up in MODALMESH_HOME is used, and left up. Exits with 1 where nothing of a file could be used.
    """
    from modalmesh.cli.progress import FileProgress
    from modalmesh.local.failures import require_installed

    require_installed()
    from modalmesh.local.demo import run_demo

    with FileProgress() as progress:
        result = run_demo(data, output, mesh_home(), keep, progress)
    put_out(_document(result), as_json, lambda: _view(result))
    if not as_json:
        # Not by rich, which would break a long path into lines.
        click.echo(f"the report: {result.report}")
    return 1 if result.unusable_files or (result.failed and not result.items) else 0


def _document(result: "DemoResult") -> dict[str, Any]:
    return {
        "items": result.items,
        "failed": result.failed,
        "encoded": {"text": result.encoded["text"], "image": result.encoded["image"]},
        "seconds": round(result.seconds, 2),
        "users": result.users,
        "report": str(result.report),
    }


def _view(result: "DemoResult") -> str:
    lines = [f"{result.items:,} items, {result.users:,} users in {result.seconds:.0f} s"]
    lines += [f"[bold red]nothing of {name} could be used:[/] the report says why" for name in result.unusable_files]
    if result.failed:
        lines.append(f"[yellow]{result.failed:,} lines did not go in:[/] the report lists them")
    if result.address:
        lines.append(f"the mesh is up at [cyan]{result.address}[/]: `modalmesh down` stops it")
    return "\n".join(lines)

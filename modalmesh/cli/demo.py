"""The verb demo."""

from pathlib import Path

import click

from modalmesh.cli.options import as_json, example, mesh_home, put_out


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
def demo(data: Path | None, keep: bool, output: Path, as_json: bool) -> None:
    """Start a mesh, fill it, and write a report to look at."""
    from modalmesh.cli.progress import FileProgress
    from modalmesh.local.demo import run_demo

    with FileProgress() as progress:
        result = run_demo(data, output, mesh_home(), keep, progress)
    document = {
        "items": result.items,
        "failed": result.failed,
        "encoded": {"text": result.encoded["text"], "image": result.encoded["image"]},
        "seconds": round(result.seconds, 2),
        "users": result.users,
        "report": str(result.report),
    }
    put_out(
        document,
        as_json,
        lambda: (
            f"{result.items:,} items, {result.users:,} users in {result.seconds:.0f} s. "
            f"The report: [bold cyan]{result.report}[/]"
        ),
    )

"""How much of what a model can do in process many small callers get of its service, beside servers of others."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.encode.results import Kind, Measured
from benchmarks.machine import machine
from benchmarks.options import folder

if TYPE_CHECKING:
    from benchmarks.encode.report import EncodeReport

PEERS = ("infinity-torch", "infinity-optimum", "mosec", "litserve")
_ROUNDS = 5
KINDS: tuple[Kind, ...] = ("text", "image")


def _names(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    """`all`, `none`, or names with commas between them."""
    if value in ("all", "none"):
        return PEERS if value == "all" else ()
    names = tuple(name.strip() for name in value.split(","))
    if unknown := [name for name in names if name not in PEERS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of all, none, {', '.join(PEERS)}")
    return names


_OPTIONS = (
    folder("--pictures", "Photographs or posters. [default: drawn ones]"),
    click.Option(
        ["--peers"],
        metavar="NAMES",
        default="all",
        show_default=True,
        callback=_names,
        help=f"Servers to compare with, which are installed once: all, none, or of {', '.join(PEERS)}.",
    ),
    click.Option(
        ["--kind"], type=click.Choice(("both", *KINDS)), default="both", show_default=True, help="Measure one."
    ),
    click.Option(
        ["--rounds"],
        metavar="N",
        type=click.IntRange(min=1),
        help="Measure all sides N times, by turns.  [default: 5, with --quick 1]",
    ),
    click.Option(["--quick"], is_flag=True, help="Few inputs: to see that it runs, not for figures."),
)


def run(
    tell: Tell, *, pictures: Path | None, peers: tuple[str, ...], kind: str, rounds: int | None, quick: bool
) -> "EncodeReport":
    """Measure.

    Raises:
        NotComparable: sides don't run the same model, or there are too few pictures.
        CannotStart: a service doesn't start.
    """
    # torch and transformers take seconds, for which `--help` needn't wait.
    from benchmarks.encode import inputs
    from benchmarks.encode.measure import Measuring
    from benchmarks.encode.peers import NONE, prepared
    from benchmarks.encode.report import EncodeReport

    where = machine()
    size = inputs.QUICK if quick else inputs.FULL
    plan = size.plan(rounds or (1 if quick else _ROUNDS))
    measured: list[Measured] = []
    described: dict[Kind, dict[str, Any]] = {}
    chosen = prepared(peers, tell) if peers else NONE
    for one in [name for name in KINDS if kind in ("both", name)]:
        deal, described[one] = inputs.deal(one, size, plan.rounds, pictures)
        tell(f"{one}: {described[one]}")
        with ExitStack() as stack:
            sides = Measuring(one, deal, plan, stack, tell)
            measured.append(sides.run(chosen.of(one), chosen.baseline(one, stack)))
    return EncodeReport(where, plan.rounds, described, measured)


BENCHMARK = Benchmark(
    name="encode",
    summary="Either encoder under many callers, against the best loop around its model and against other servers.",
    example="encode --pictures data/posters --json",
    options=_OPTIONS,
    run=run,
)

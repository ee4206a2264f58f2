"""Contenders take turns, so that a machine that slows down slows all of them."""

from collections.abc import Callable, Mapping

from benchmarks.benchmark import Tell


def interleave(contenders: Mapping[str, Callable[[], float]], rounds: int, tell: Tell) -> None:
    """Let each contender measure itself once a round; it answers with its seconds, to be told.

    The order is turned around from round to round.
    """
    order = list(contenders)
    for number in range(1, rounds + 1):
        for name in order:
            seconds = contenders[name]()
            tell(f"round {number} of {rounds}, {name}: {seconds:.1f} s")
        order.reverse()

"""An evaluation for programs.

`protocols.<protocol>.<system>.<metric>` is a number, such as `protocols.users.ease.ndcg@10`. Beside the metrics of a
system stand `low` and `high` with the ends of each one's 95 % interval by the same names, `seconds`, and `seeds`, the
names of its splits. `comparisons.<protocol>.<system>.<metric>` has `difference` and `ratio` to `reference`, each with
`value`, `low` and `high`; pairs are of the same users. `failed` and `skipped` say what is missing and why.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult

COMPARED = ("ndcg@10", "recall@20", "mrr")


def document(evaluation: Evaluation) -> dict[str, Any]:
    """JSON: no number is NaN or infinite."""
    return {
        "protocols": {
            protocol: {name: _of_system(result) for name, result in systems.items()}
            for protocol, systems in evaluation.protocols.items()
        },
        "comparisons": {protocol: _comparisons(evaluation, protocol) for protocol in evaluation.protocols},
        "failed": {protocol: dict(systems) for protocol, systems in evaluation.failed.items()},
        "skipped": dict(evaluation.skipped),
    }


def _of_system(result: SystemResult) -> dict[str, Any]:
    intervals = result.intervals
    return {
        **{name: interval.value for name, interval in intervals.items()},
        "low": {name: _number(interval.low) for name, interval in intervals.items()},
        "high": {name: _number(interval.high) for name, interval in intervals.items()},
        "seconds": round(result.seconds, 2),
        "seeds": list(result.splits),
    }


def _comparisons(evaluation: Evaluation, protocol: str) -> dict[str, Any]:
    reference = evaluation.reference(protocol)
    if reference is None:
        return {}
    name = evaluation.references[protocol]
    others = {system: own for system, own in evaluation.protocols[protocol].items() if system != name}
    return {system: {"reference": name, **_compared(own, reference)} for system, own in others.items()}


def _compared(result: SystemResult, reference: SystemResult) -> Mapping[str, Any]:
    return {
        figure: {
            "difference": _interval(result.difference(figure, reference)),
            "ratio": _interval(result.ratio(figure, reference)),
        }
        for figure in COMPARED
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {name: _number(value) for name, value in asdict(interval).items()}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None

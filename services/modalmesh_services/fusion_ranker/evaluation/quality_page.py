"""An evaluation with its ablations -> docs/quality.md. Every sentence about a part comes from its interval."""

from collections.abc import Iterator, Mapping, Sequence

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.report.page import chosen_figure
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult

_FIGURES = ("ndcg@10", "recall@20", "mrr", "coverage@10", "novelty@10", "pairs.auc", "pairs.log_loss")
_HIDDEN_PICTURE = "recall@20.without_picture"
_COMMAND = "python -m modalmesh_services.fusion_ranker.evaluation.quality"


def quality_page(
    source: str,
    dataset: Dataset,
    whole: Evaluation,
    parts: Evaluation | None,
    completions: Evaluation | None,
    default: str,
) -> str:
    """Markdown. `parts` are the system `default` as it is, and without each of its parts; `completions` one system with
    each way to complete what an item lacks, the first of which the others are compared with.
    """
    lines = [*_opening(source, dataset), *_protocols(whole)]
    lines += _parts(parts, default) if parts else ()
    lines += _completions(completions) if completions else ()
    return "\n".join(lines) + "\n"


def _opening(source: str, dataset: Dataset) -> Iterator[str]:
    catalogue, interactions = dataset.catalogue, dataset.interactions
    yield "# How good the rankers are"
    yield ""
    yield f"Written by `{_COMMAND} {source}`; not by hand."
    yield ""
    yield (
        f"Data: {source}, {len(catalogue):,} items ({int(catalogue.text.present().sum()):,} with text vectors, "
        f"{int(catalogue.image.present().sum()):,} with pictures), {len(interactions.histories):,} users, "
        f"{len(interactions):,} events. In brackets stand 95 % bootstrap intervals over users; differences and ratios "
        "are paired. `ease_best` is EASE at its best on the test itself; all other baselines are tuned on validation."
    )
    for sentence in dataset.consequences:
        yield from ("", sentence)


def _protocols(evaluation: Evaluation) -> Iterator[str]:
    for protocol, results in evaluation.protocols.items():
        chosen, name = chosen_figure(evaluation, protocol), evaluation.references[protocol]
        yield from ("", f"## {protocol}", "")
        yield _row(["system", *_FIGURES, f"{chosen} over {name}", "seconds"])
        yield _row(["---"] * (len(_FIGURES) + 3))
        reference = evaluation.reference(protocol)
        for system, own in sorted(results.items(), key=lambda pair: -pair[1].mean(chosen)):
            cells = [_cell(own.intervals.get(figure)) for figure in _FIGURES]
            ratio = own.ratio(chosen, reference) if reference and system != name else None
            yield _row([system, *cells, _cell(ratio), f"{own.seconds:,.0f}"])
    yield from _untold(evaluation)


def _parts(evaluation: Evaluation, default: str) -> Iterator[str]:
    yield from ("", f"## What each part of {default} adds")
    yield from ("", "The whole, less the same system that may not see the part; trained and asked anew each time.")
    for protocol, results in evaluation.protocols.items():
        if default in results:
            figure = chosen_figure(evaluation, protocol)
            yield from ("", f"### {protocol}, {figure}", "")
            yield from (_row(["system", figure, "the part adds", ""]), _row(["---"] * 4))
            yield _row([default, _cell(results[default].intervals[figure]), "", ""])
            yield from _part_rows(results, default, figure)
    yield from _untold(evaluation)


def _part_rows(results: Mapping[str, SystemResult], default: str, figure: str) -> Iterator[str]:
    for system, own in results.items():
        if system != default:
            added = results[default].difference(figure, own)
            yield _row([system, _cell(own.intervals[figure]), _cell(added), verdict(added)])


def verdict(added: Interval) -> str:
    if added.low > 0:
        return "adds"
    return "harms" if added.high < 0 else "adds nothing that can be told from chance"


def _completions(evaluation: Evaluation) -> Iterator[str]:
    yield from ("", "## What stands in for a hidden picture")
    yield from ("", "One network that differs in nothing else, asked about the items without a picture alone.")
    for protocol, results in evaluation.protocols.items():
        yield from ("", f"### {protocol}, {_HIDDEN_PICTURE}", "")
        (first, reference), *_ = results.items()
        yield from (_row(["", _HIDDEN_PICTURE, f"more than {first}"]), _row(["---"] * 3))
        for system, own in results.items():
            more = own.difference(_HIDDEN_PICTURE, reference) if own is not reference else None
            yield _row([system, _cell(own.intervals.get(_HIDDEN_PICTURE)), _cell(more)])
    yield from _untold(evaluation)


def _untold(evaluation: Evaluation) -> Iterator[str]:
    """Why there is nothing."""
    for protocol, systems in evaluation.failed.items():
        for system, reason in systems.items():
            yield from ("", f"{protocol}: {system} failed: {reason}")
    for protocol, reason in evaluation.skipped.items():
        yield from ("", f"{protocol} was skipped: {reason}.")


def _cell(interval: Interval | None) -> str:
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]" if interval else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

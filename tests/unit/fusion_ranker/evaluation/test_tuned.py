from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import Ease, Popularity, Tuned
from modalmesh_services.fusion_ranker.evaluation.baselines.tuned import validation


def test_the_candidate_that_does_best_on_validation_is_taken(made: Dataset) -> None:
    (split,) = protocols.users(made)
    assert Tuned("best", [Popularity(), Ease(5)]).choose(split.training) == Ease(5)


def test_validation_is_the_last_fifth_of_what_training_knows(made: Dataset) -> None:
    (split,) = protocols.users(made)
    inner = validation(split.training)
    history, known = split.training.histories[0], inner.scored.histories[0]
    assert known.items.tolist() == history.items[: len(known)].tolist()
    assert set(inner.scored.targets[0].tolist()) <= set(history.items[len(known) :].tolist())


def test_without_order_no_user_loses_the_highest_rows_alone(made: Dataset) -> None:
    (split,) = protocols.users_without_order(made)
    inner = validation(split.training)
    assert any(
        targets.min() < history.items.max()
        for history, targets in zip(inner.scored.histories, inner.scored.targets, strict=True)
    )

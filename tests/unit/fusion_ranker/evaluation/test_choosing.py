from pathlib import Path

import pytest

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.evaluation.baselines import BASELINES
from modalmesh_services.fusion_ranker.evaluation.choosing import chosen_plan
from modalmesh_services.fusion_ranker.evaluation.plans import BestOnTest
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.systems import SYSTEMS


def _names(
    systems: tuple[str, ...] = (), protocols: tuple[str, ...] = (), *, named: bool = False
) -> dict[str, set[str]]:
    plan = chosen_plan(systems, protocols, named)
    return {protocol: {system.name for system in own} for protocol, own in plan.items()}


def test_without_names_it_is_the_default_and_every_baseline_under_all_protocols() -> None:
    assert _names() == {protocol: {"modalmesh", *BASELINES} for protocol in PROTOCOLS}


def test_the_named_systems_come_besides_where_they_are_asked_for() -> None:
    found = _names(named=True)
    assert found["users"] == found["cold_items"] == {*SYSTEMS, *BASELINES}
    assert found["new_users"] == {"modalmesh", *BASELINES}


def test_what_is_named_is_measured_alone() -> None:
    assert _names(("ease", "gan-completion"), ("users",)) == {"users": {"ease", "gan-completion"}}


def test_a_file_changes_a_system_and_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text('system = "FeatureAligner"\nepochs = 1\n')
    (changed,) = chosen_plan((str(tmp_path / "short.toml"),), ("users",))["users"]
    (plain,) = chosen_plan(("FeatureAligner",), ("users",))["users"]
    assert changed.name == "short"
    assert not isinstance(changed, BestOnTest)
    assert not isinstance(plain, BestOnTest)
    assert changed.configuration != plain.configuration


@pytest.mark.parametrize(
    ("systems", "protocols", "reason"),
    [(("nothing",), (), "UNKNOWN_SYSTEM"), ((), ("yesterday",), "UNKNOWN_PROTOCOL")],
)
def test_an_unknown_name_is_refused(systems: tuple[str, ...], protocols: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        chosen_plan(systems, protocols)
    assert refused.value.reason == reason

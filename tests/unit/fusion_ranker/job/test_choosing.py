from pathlib import Path

import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.job.choosing import choose

pytestmark = pytest.mark.usefixtures("tiny_system")


def toml(folder: Path, text: str, name: str = "mine") -> str:
    (folder / f"{name}.toml").write_text(text)
    return str(folder / f"{name}.toml")


def test_a_name_with_changes() -> None:
    chosen = choose("tiny", {"epochs": 7})
    assert (chosen.base, chosen.system.configuration["epochs"]) == ("tiny", 7)


def test_a_file_changes_the_system_that_it_names_and_the_command_line_wins(tmp_path: Path) -> None:
    chosen = choose(toml(tmp_path, 'system = "tiny"\nepochs = 5\nseed = 3\n'), {"epochs": 7})
    assert (chosen.base, dict(chosen.system.configuration)) == ("tiny", {"epochs": 7, "seed": 3})


def test_a_file_that_names_no_system_is_of_the_system_that_it_is_called_by(tmp_path: Path) -> None:
    assert choose(toml(tmp_path, "seed = 3", name="tiny"), {}).system.configuration["seed"] == 3


def test_what_is_no_system_is_refused_with_those_that_are(tmp_path: Path) -> None:
    for wanted in ("Mirage", toml(tmp_path, 'system = "Mirage"'), toml(tmp_path, "seed = 3", name="Mirage")):
        with pytest.raises(InvalidInput, match=r"'Mirage'.*modalmesh, MultiModalAttention") as refused:
            choose(wanted, {})
        assert refused.value.field == "system"


def test_a_setting_that_the_system_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        choose(toml(tmp_path, 'system = "tiny"\ncolour = "red"'), {})
    assert refused.value.field == "colour"


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.toml"):
        choose(str(tmp_path / "none.toml"), {})
    with pytest.raises(InvalidInput, match=r"mine\.toml: is no TOML"):
        choose(toml(tmp_path, "epochs = = 3"), {})

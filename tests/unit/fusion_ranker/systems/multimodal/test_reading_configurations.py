import tomllib

import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.systems import SYSTEMS
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.reading import parse_configuration, read_configuration

NAMED = [name for name, kind in SYSTEMS.items() if kind.package.endswith("multimodal")]


@pytest.mark.parametrize("name", NAMED)
def test_every_named_system_comes_with_its_configuration(name: str) -> None:
    assert read_configuration(name).name == name == system(name).name


def test_a_file_changes_a_system_by_its_tables() -> None:
    file = 'modalities = ["text"]\ndim = 16\nepochs = 3\n[history]\nkind = "lstm"\n'
    changed = system("MultiModalAttention", tomllib.loads(file)).settings
    assert (changed.modalities, changed.dim, changed.training.epochs) == (("text",), 16, 3)
    assert (changed.history.kind, changed.fusion.kind) == ("lstm", "attention")


def test_a_system_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="no system 'nothing'; there are FeatureAligner, MultiModalAttention"):
        read_configuration("nothing")


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("dims = 8", "dims", "is no setting; there are name, modalities, dim"),
        ("dim = true", "dim", "is True, no int"),
        ("dim = 8.5", "dim", "is 8.5, no int"),
        ("dim = 0", "dim", "is 0, not between 1 and 65536"),
        ("dim = 9", "fusion.heads", "is 2, by which dim 9 can't be divided"),
        ("history = 3", "history", "is no table"),
        ('[history]\nkind = "rnn"', "history.kind", "is 'rnn'; there are transformer, gru, lstm, mean"),
        ("[training]\nrate = nan", "training.rate", "is nan, not between"),
        ("[training]\nshards = 5", "training.shards", "doesn't divide the batch of 32"),
        ('modalities = "text"', "modalities", "no list of names"),
        ('modalities = ["text", "smell"]', "modalities[1]", "is 'smell'; there are text, image, frames, attributes"),
        ('modalities = ["text", "text"]', "modalities", "names something twice"),
        ("modalities = []", "modalities", "is empty"),
        ("dim = ", "configuration", "is no TOML"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_path(text: str, field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_configuration(text.encode(), "made")
    assert refused.value.field == field
    assert message in refused.value.detail


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert parse_configuration(b"[training]\ndecay = 0", "made").training.decay == 0.0


def test_changes_go_by_path_by_table_and_for_training_by_bare_name() -> None:
    changed = system("FeatureAligner", {"epochs": 3, "history.kind": "mean", "head": {"hidden": 5}}).settings
    assert (changed.training.epochs, changed.history.kind, changed.head.hidden) == (3, "mean", 5)
    assert changed.head.attention == system("FeatureAligner").settings.head.attention


@pytest.mark.parametrize("path", ["nothing", "history.nothing", "nothing.kind", "dim.kind"])
def test_a_change_of_what_is_no_setting_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match=path.split(".")[0]):
        system("FeatureAligner", {path: 3})


def test_a_system_says_all_its_settings() -> None:
    assert system("FeatureAligner", {"dim": 10}).configuration["dim"] == 10

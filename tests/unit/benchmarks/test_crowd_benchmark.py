"""What the crowd benchmark measures of the default ranker's models."""

import json

import numpy as np
import pytest

from benchmarks.command import run
from benchmarks.crowd.measure import Nothing, drawn, without_products
from benchmarks.crowd.report import CrowdReport, Scored
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import Models
from tests.unit.benchmarks.builders import MACHINE


def test_it_measures_each_crowd(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["crowd", "--users", "10", "--users", "40", "--items", "100", "--calls", "2", "--json"]) == 0
    crowds = json.loads(capsys.readouterr().out)["crowds"]
    assert [each["users"] for each in crowds] == [10, 40]
    assert all(each["cpu_ms"] > 0 and each["on_device_ms"] is None for each in crowds)


def test_a_device_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["crowd", "--users", "10", "--items", "100", "--device", "cuda:99"]) == 3
    assert "--device cuda:99" in capsys.readouterr().err


def test_without_products_no_model_has_any() -> None:
    models = Models.of(drawn(10, 100), np.ones((100, 3), np.float32), np.zeros(100, np.float32), with_order=True)
    eases = (models.liked, models.liked_sharp, models.rated, models.content, models.content_liked)
    bare = without_products(models)
    assert not any(isinstance(own.inverse, Nothing) for own in eases)
    for own in (bare.liked, bare.liked_sharp, bare.rated, bare.content, bare.content_liked):
        assert isinstance(own.inverse, Nothing)
        assert isinstance(own.content, Nothing)


def test_the_report_has_the_share_of_dense_products() -> None:
    document = CrowdReport(MACHINE, 100, "cuda:0", [Scored(600, 0.02, 0.015, 0.016)]).document()
    (crowd,) = document["crowds"]
    assert (crowd["cpu_ms"], crowd["dense_cpu_ms"], crowd["dense_share"], crowd["on_device_ms"]) == (20, 5, 0.25, 16)

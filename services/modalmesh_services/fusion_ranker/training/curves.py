"""How far a training came, step by step; kept, so that one that resumes has the steps before."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from modalmesh_services.fusion_ranker.systems.interface import Step


class Curves:
    """Every step once, in the order in which they came first; with a `file` also on disk."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._steps: dict[tuple[str, int], Step] = {}
        if file and file.exists():
            for step in _kept(file):
                self._steps[step.stage, step.done] = step

    def add(self, step: Step) -> None:
        """A step that is made again takes the place of its forerunner."""
        self._steps[step.stage, step.done] = step
        if self._file:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(step)) + "\n")

    @property
    def steps(self) -> list[Step]:
        return list(self._steps.values())

    def stages(self) -> dict[str, list[Step]]:
        """The steps of each stage, in their order."""
        ordered = sorted(self.steps, key=lambda step: step.stage)
        stages = {stage: sorted(own, key=lambda step: step.done) for stage, own in groupby(ordered, _stage)}
        return {stage: stages[stage] for stage in dict.fromkeys(step.stage for step in self.steps)}

    def summary(self) -> dict[str, Any]:
        """Each stage's last loss and best validation, as JSON."""
        return {
            stage: {
                "steps": len(own),
                "loss": next((step.loss for step in reversed(own) if step.loss is not None), None),
                "validation": max((step.validation for step in own if step.validation is not None), default=None),
                "validated_by": own[-1].validated_by,
            }
            for stage, own in self.stages().items()
        }


def _stage(step: Step) -> str:
    return step.stage


def _kept(file: Path) -> Iterator[Step]:
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            yield Step(**json.loads(line))
        except (ValueError, TypeError):
            # Torn by an interruption: it is the last one, and its step is made again.
            return

"""A bundle's report: the curves of its training, its data and its configuration, as a page without a script."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from modalmesh.local.pages import templates
from modalmesh_services.fusion_ranker.bundle import Encoders, Learned
from modalmesh_services.fusion_ranker.systems.interface import Step
from modalmesh_services.fusion_ranker.training.curves import Curves
from modalmesh_services.fusion_ranker.training.drawing import curve


def page(
    learned: Learned, encoders: Encoders, curves: Curves, data: Mapping[str, int], consequences: Sequence[str]
) -> str:
    """The same training gives the same page: it names no time and no place."""
    environment = templates("modalmesh_services.fusion_ranker.training")
    stages = [(stage, list(_figures(steps))) for stage, steps in curves.stages().items()]
    return environment.get_template("page.html.jinja").render(
        system=learned.system,
        consequences=consequences,
        stages=[(stage, figures) for stage, figures in stages if figures],
        data=[(name.replace("_", " "), f"{value:,}") for name, value in data.items()],
        encoders=list(_encoders(encoders)),
        configuration=list(_flat(learned.configuration)),
    )


def _figures(steps: Sequence[Step]) -> Iterator[tuple[str, Markup]]:
    """A caption and a drawing of each figure that the stage's steps have."""
    losses = [(step.done, step.loss) for step in steps if step.loss is not None]
    checks = [(step.done, step.validation) for step in steps if step.validation is not None]
    for name, points in (("loss", losses), (f"{steps[-1].validated_by} on the validation slice", checks)):
        if points:
            places, values = [place for place, _ in points], [value for _, value in points]
            # Drawn here of numbers and an escaped title.
            yield f"{name}: {values[-1]:.4g} at the end", Markup(curve(name, places, values))  # noqa: S704


def _encoders(encoders: Encoders) -> Iterator[tuple[str, str]]:
    models = {"text": (encoders.text, encoders.text_dim), "image": (encoders.image, encoders.image_dim)}
    for modality, (model, dim) in models.items():
        yield modality, f"{model.name}, fingerprint {model.fingerprint}, {dim:,} numbers" if dim else "nothing"


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value if isinstance(value, str) else json.dumps(value)

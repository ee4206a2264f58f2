"""The warm half as a bundle keeps it: the crowd's events, what items are, and networks. The rest is made of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.blend import Blend
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.calibrating import Calibration
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Axes, Content, Measures
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.features import Features
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.learning import FittedWarm
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import Models
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.network import Scale, network


@dataclass(frozen=True, slots=True, eq=False)
class KeptBag:
    """A CSR matrix of `width` columns."""

    starts: Indexes
    columns: Indexes
    weights: Floats
    width: int

    @classmethod
    def of(cls, bag: SparseRows) -> "KeptBag":
        return cls(bag.indptr.astype(np.int32), bag.indices.astype(np.int32), bag.data.astype(np.float32), bag.shape[1])

    def bag(self) -> SparseRows:
        return sparse.csr_array((self.weights, self.columns, self.starts), shape=(len(self.starts) - 1, self.width))


@dataclass(frozen=True, slots=True, eq=False)
class KeptContent:
    text: Floats
    image: Floats
    kinds: Floats
    bags: Mapping[str, KeptBag]
    years: Floats

    @classmethod
    def of(cls, content: Content) -> "KeptContent":
        bags = {name: KeptBag.of(bag) for name, bag in content.bags.items()}
        return cls(content.text, content.image, content.kinds, bags, content.years)

    def content(self) -> Content:
        nowhere = Axes(np.zeros(0, np.float32), np.zeros((0, 0), np.float32))
        bags = {name: kept.bag() for name, kept in self.bags.items()}
        return Content(self.text, self.image, self.kinds, bags, self.years, Measures(nowhere, nowhere, {}))


@dataclass(frozen=True, slots=True, eq=False)
class KeptBlend:
    """`networks` are parameters by name."""

    mean: Floats
    deviation: Floats
    networks: Sequence[Mapping[str, npt.NDArray[np.float32]]]
    slope: float
    offset: float
    lead: float

    @classmethod
    def of(cls, blend: Blend) -> "KeptBlend":
        networks = [{name: own.numpy() for name, own in each.state_dict().items()} for each in blend.networks]
        calibration = blend.calibration
        return cls(blend.scale.mean, blend.scale.deviation, networks, calibration.slope, calibration.offset, blend.lead)

    def blend(self) -> Blend:
        networks = []
        for kept in self.networks:
            model = network(len(self.mean))
            try:
                model.load_state_dict({name: torch.from_numpy(own.copy()) for name, own in kept.items()})
            except RuntimeError as error:
                raise ValueError(f"a network doesn't fit its features: {error}") from error
            networks.append(model.eval())
        return Blend(Scale(self.mean, self.deviation), tuple(networks), Calibration(self.slope, self.offset), self.lead)


@dataclass(frozen=True, slots=True, eq=False)
class KeptWarm:
    """`known` (N,) bool: items that were learned by id. No user's name is kept."""

    crowd: Crowd
    content: KeptContent
    known: Flags
    with_order: bool
    blend: KeptBlend | None

    @classmethod
    def of(cls, fitted: FittedWarm) -> "KeptWarm":
        features = fitted.features
        return cls(
            replace(features.models.crowd, user_ids=()),
            KeptContent.of(features.content),
            features.known,
            features.models.with_order,
            KeptBlend.of(fitted.blend) if fitted.blend else None,
        )

    def fitted(self) -> FittedWarm:
        """Models are made again: some seconds, for a bundle of a few MB.

        Raises:
            ValueError: a network doesn't fit what it is given.
        """
        content = self.content.content()
        models = Models.of(self.crowd, content.side_rows(), content.years, with_order=self.with_order)
        blend = self.blend.blend() if self.blend else None
        return FittedWarm(Features(models, content, self.known), blend)

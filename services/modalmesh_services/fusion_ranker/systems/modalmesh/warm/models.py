"""All simple models of warm items together: the scores that the network blends."""

from dataclasses import dataclass, replace

import torch

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.ease import Ease
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.eras import Eras
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.neighbours import RECENT, Neighbours
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.popularity import Popularity
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.seasons import Seasons
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.transitions import Transitions
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.walks import Walks

ABSOLUTE = frozenset({"pop", "pop_all", "pop_size", "pop_era", "quality", "place_gap", "pop_1y", "pop_4y", "pop_past"})
"""Scores that mean the same for every user; the others are taken in standard deviations of a user's own."""

LEADING = "cease_liked"
"""The best of the models by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """Made of a crowd and of what its items are. Where order means nothing, eras stand for transitions and seasons."""

    crowd: Crowd
    liked: Ease
    liked_sharp: Ease
    rated: Ease
    content: Ease
    content_liked: Ease
    popularity: Popularity
    neighbours: Neighbours
    walks: Walks
    transitions: Transitions | None
    seasons: Seasons | None
    eras: Eras | None

    @classmethod
    def of(cls, crowd: Crowd, side_rows: Floats, years: Floats, *, with_order: bool) -> "Models":
        """Of the items: `side_rows` (N, C) and `years` (N,) float32."""
        return cls(
            crowd,
            Ease.of(crowd.liked, 200.0),
            Ease.of(crowd.liked, 100.0),
            Ease.of(crowd.rated, 400.0),
            Ease.of(crowd.rated, 400.0, side_rows),
            Ease.of(crowd.liked, 200.0, 2 * side_rows),
            Popularity.of(crowd),
            Neighbours.of(crowd),
            Walks.of(crowd),
            Transitions.of(crowd) if with_order else None,
            Seasons.of(crowd) if with_order else None,
            None if with_order else Eras.of(crowd, years),
        )

    def on(self, device: torch.device) -> "Models":
        """The dense ones there; sparse matrices, whose entries a request needs few of, stay in scipy."""
        return replace(
            self,
            liked=self.liked.on(device),
            liked_sharp=self.liked_sharp.on(device),
            rated=self.rated.on(device),
            content=self.content.on(device),
            content_liked=self.content_liked.on(device),
        )

    @property
    def with_order(self) -> bool:
        return self.seasons is not None

    def scores(self, states: States) -> dict[str, Floats]:
        """(B, M) float32 by the models' names."""
        with_order = self.with_order
        rated, liked, recent = states.rated(), states.liked(), states.rated(RECENT)
        alike, *late = self.neighbours.alike(states, [rated, recent] if with_order else [rated])
        found = {
            **self.popularity.scores(states, with_order=with_order),
            **self.neighbours.scores(states, alike, late[0] if late else None),
            **self.walks.scores(states, with_order=with_order),
        }
        likers, raters = states.liked_rows, states.rated_rows
        (found["cease_liked"],) = self.content_liked.scores(states, likers, [liked])
        if self.transitions is None or self.seasons is None or self.eras is not None:
            (found["ease"],) = self.liked.scores(states, likers, [liked])
            (found["ease_all"],) = self.rated.scores(states, raters, [rated])
            (found["cease"],) = self.content.scores(states, raters, [rated])
            return found | (self.eras.scores(states, alike) if self.eras else {})
        found["ease"], found["ease_r40"] = self.liked.scores(states, likers, [liked, states.liked(40)])
        (found["ease_r10"],) = self.liked_sharp.scores(states, likers, [states.liked(10)])
        found["ease_all"], found["ease_all_r15"] = self.rated.scores(states, raters, [rated, recent])
        found["cease"], found["cease_r15"] = self.content.scores(states, raters, [rated, recent])
        return found | self.transitions.scores(states) | self.seasons.scores(states, alike)

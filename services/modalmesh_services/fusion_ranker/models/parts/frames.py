"""Frames: a video's frames, in order, to one token."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.attention import AttentionPooling
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, last, to_front


class FramePooling(nn.Module, ABC):
    def forward(self, frames: Tokens) -> Tokens:
        """(N, T, D) to (N, 1, D), masked where a row has no frame."""
        return Tokens(self.pool(frames)[:, None], frames.present[:, None])

    @abstractmethod
    def pool(self, frames: Tokens) -> Tensor:
        """(N, T, D) to (N, D), zeros where a row has no frame."""


class RecurrentFrames(FramePooling):
    """The last state of a GRU over the frames (Ng et al. 2015, "Beyond Short Snippets")."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.network = nn.GRU(dim, dim, batch_first=True)

    def pool(self, frames: Tokens) -> Tensor:
        if not frames.mask.shape[1]:
            # Recurrent networks refuse to run over nothing.
            return last(frames)
        front, _ = to_front(frames)
        return last(Tokens(self.network(front.values)[0], front.mask))


class AttentionFrames(FramePooling):
    """Learned weights; the order of frames doesn't matter."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.attention = AttentionPooling(dim)

    def pool(self, frames: Tokens) -> Tensor:
        result: Tensor = self.attention(frames)
        return result

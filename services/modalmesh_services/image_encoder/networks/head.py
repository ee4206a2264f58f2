"""A linear map behind a backbone's pooling, kept beside its weights in head.safetensors."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from modalmesh_services.image_encoder.networks.backbones import Backbone

FILE = "head.safetensors"


class HeadedBackbone(Backbone):
    """Maps pooled vectors and cells alike: for a linear map that is the same as to map what is pooled."""

    def __init__(self, backbone: Backbone, head: nn.Linear) -> None:
        super().__init__(backbone.entry)
        backbone.entry = nn.Identity()
        self.backbone = backbone
        self.head = head

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        pooled, cells = self.backbone.rest(entered)
        dtype = self.head.weight.dtype
        return self.head(pooled.to(dtype)), self.head(cells.to(dtype))


def behind(backbone: Backbone, folder: Path) -> Backbone:
    """The backbone with the head that the folder has, or as it is.

    Raises:
        ValueError: the head can't be read.
    """
    path = folder / FILE
    if not path.is_file():
        return backbone
    try:
        weight = load_file(path)["weight"]
        outputs, inputs = weight.shape
        head = nn.Linear(inputs, outputs, bias=False)
        head.load_state_dict({"weight": weight})
    except (KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{path}: the weights can't be read: {error}") from error
    return HeadedBackbone(backbone, head)


def write(head: nn.Linear, folder: Path) -> None:
    """Raises OSError: the folder can't be written."""
    save_file({"weight": head.weight.detach().cpu().contiguous()}, folder / FILE)

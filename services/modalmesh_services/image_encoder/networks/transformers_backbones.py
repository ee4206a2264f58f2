"""Transformers' vision models behind the Backbone interface."""

from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor, nn
from transformers import AutoConfig, CLIPVisionModelWithProjection, SiglipVisionModel, ViTModel

from modalmesh_services.common.backends.hugging_face import load_network, take_over_log
from modalmesh_services.image_encoder.networks.backbones import Backbone, as_grid


class ViTBackbone(Backbone):
    """Pooled is the class token behind the last normalisation."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        hidden: Tensor = self.network(pixel_values=entered).last_hidden_state  # (B, 1 + P, D)
        return hidden[:, 0], as_grid(hidden[:, 1:])


class ClipBackbone(Backbone):
    """Pooled is the projection into the space that CLIP shares with texts; patches are projected likewise."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network: Any = network

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(pixel_values=entered)
        patches = self.network.vision_model.post_layernorm(output.last_hidden_state[:, 1:])
        return output.image_embeds, as_grid(self.network.visual_projection(patches))


class SiglipBackbone(Backbone):
    """Pooled is the attention head's vector, which SigLIP compares with texts."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(pixel_values=entered)
        return output.pooler_output, as_grid(output.last_hidden_state)


TransformersBackbone: TypeAlias = ViTBackbone | ClipBackbone | SiglipBackbone


def from_folder(folder: Path) -> TransformersBackbone:
    """The vision model of a folder, or the vision half of a CLIP or SigLIP.

    Raises:
        OSError: the folder lacks its configuration or safetensors.
        ValueError: a family that isn't known here.
    """
    take_over_log()
    family = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    match family:
        case "vit":
            return ViTBackbone(load_network(ViTModel.from_pretrained, folder, add_pooling_layer=False))
        case "clip" | "clip_vision_model":
            return ClipBackbone(load_network(CLIPVisionModelWithProjection.from_pretrained, folder))
        case "siglip" | "siglip_vision_model":
            return SiglipBackbone(load_network(SiglipVisionModel.from_pretrained, folder))
        case _:
            raise ValueError(f"{folder}: vision models of type {family} are not supported")

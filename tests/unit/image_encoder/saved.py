"""Vision models with random weights, saved in the layout of real ones."""

from pathlib import Path
from typing import Any

import torch
import transformers

SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}
TEXT_SHAPE = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 16,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_CROP = {"size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}
_SQUASH = {"size": {"height": 32, "width": 32}}


def save(folder: Path, family: str) -> Path:
    """`family` is vit, clip or siglip (the whole pair), clip_vision or siglip_vision (its picture half)."""
    torch.manual_seed(0)
    t: Any = transformers  # its classes have no types
    vision = t.CLIPVisionConfig(**SHAPE, projection_dim=12)
    match family:
        case "vit":
            model = t.ViTModel(t.ViTConfig(**SHAPE))
        case "clip":
            texts = t.CLIPTextConfig(**TEXT_SHAPE)
            config = t.CLIPConfig(text_config=texts.to_dict(), vision_config=vision.to_dict(), projection_dim=12)
            model = t.CLIPModel(config)
        case "clip_vision":
            model = t.CLIPVisionModelWithProjection(vision)
        case "siglip":
            texts = t.SiglipTextConfig(**TEXT_SHAPE)
            pictures = t.SiglipVisionConfig(**SHAPE)
            model = t.SiglipModel(t.SiglipConfig(text_config=texts.to_dict(), vision_config=pictures.to_dict()))
        case "siglip_vision":
            model = t.SiglipVisionModel(t.SiglipVisionConfig(**SHAPE))
        case _:
            model = t.AutoModel.from_config(t.AutoConfig.for_model(family))
    model.save_pretrained(folder)
    processor = t.CLIPImageProcessor(**_CROP) if family.startswith("clip") else t.ViTImageProcessor(**_SQUASH)
    processor.save_pretrained(folder)
    return folder

"""An image encoder's base model to be trained."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modalmesh.errors import InvalidInput
from modalmesh.types import Item
from modalmesh_services.fine_tuning.encoder import InputStore
from modalmesh_services.image_encoder import images
from modalmesh_services.image_encoder.networks import head as heads
from modalmesh_services.image_encoder.networks.torchvision_folder import TorchvisionNetwork, write
from modalmesh_services.image_encoder.preprocess import Pixels, Preprocess
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.image_encoder.sources import find_source

_MICRO_BATCH = 16


class PixelStore:
    """Pixels (H, W, 3) by number, in a file that nobody else sees: a catalogue's don't fit into memory."""

    def __init__(self, preprocess: Preprocess) -> None:
        self._shape = (preprocess.height, preprocess.width, 3)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the store lives
        weakref.finalize(self, self._file.close)
        self._count = 0

    def add(self, prepared: Pixels) -> None:
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(prepared).tobytes())
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> Pixels:
        size = int(np.prod(self._shape))
        self._file.seek(row * size)
        return np.frombuffer(self._file.read(size), np.uint8).reshape(self._shape)


class TunableImage:
    """A network of torchvision or transformers. Videos are not looked at, only pictures and frames."""

    def __init__(self, model: str, weights: str, device: torch.device) -> None:
        """Raises OSError or ValueError: something is missing or isn't supported."""
        self._source = find_source(model, weights, fold=False)
        self.name, self.fingerprint = self._source.name, self._source.fingerprint
        self._preprocess = self._source.preprocess
        self._limits = ImageEncoderSettings()
        self._device = device
        backbone: Any = self._source.backbone
        self.head: nn.Linear | None = None
        if isinstance(backbone, heads.HeadedBackbone):
            self.head = backbone.head.float().to(device)
            backbone.backbone.entry = backbone.entry
            backbone = backbone.backbone
        self._backbone = backbone.float().to(device=device, memory_format=torch.channels_last)
        self.network: Any = self._source.network
        std = torch.tensor(self._preprocess.std, device=device)[:, None, None]
        self._scale, self._shift = 1 / std, -torch.tensor(self._preprocess.mean, device=device)[:, None, None] / std
        self.dim = self._find_dim()

    def prepare(self, item: Item) -> Iterator[Pixels | None]:
        for picture in item.pictures:
            try:
                images.read_size(picture.content, self._limits.max_image_bytes, self._limits.max_image_pixels)
                yield self._preprocess(images.decode(picture.content, self._preprocess))[0]
            except InvalidInput:
                yield None

    def store(self) -> InputStore:
        return PixelStore(self._preprocess)

    def pooled(self, inputs: Sequence[Pixels]) -> Tensor:
        parts = [inputs[start : start + _MICRO_BATCH] for start in range(0, len(inputs), _MICRO_BATCH)]
        return torch.cat([self._batch(part) for part in parts])

    def _batch(self, pictures: Sequence[Pixels]) -> Tensor:
        pixels = torch.from_numpy(np.stack(pictures)).to(self._device)
        pooled: Tensor = self._backbone(pixels.permute(0, 3, 1, 2).float() * self._scale + self._shift)[0]
        return pooled

    @torch.no_grad()
    def _find_dim(self) -> int:
        blank = np.zeros((self._preprocess.height, self._preprocess.width, 3), np.uint8)
        return int(self.pooled([blank]).shape[1])

    def write(self, folder: Path) -> None:
        source = self._source
        if source.torchvision_name:
            write(TorchvisionNetwork(source.torchvision_name, source.network, source.preprocess), folder)
        elif source.folder is not None:
            self.network.save_pretrained(folder)
            for name in ("preprocessor_config.json", "processor_config.json"):
                if (source.folder / name).is_file():
                    shutil.copyfile(source.folder / name, folder / name)
        if self.head is not None:
            heads.write(self.head, folder)

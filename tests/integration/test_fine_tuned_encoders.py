"""Fine-tuned weights as callers see them: real encoder servers over real gRPC, under a fingerprint of their own."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto
from modalmesh.v1.image_encoder_service_pb2 import (
    ImageEncoderEncodeRequest,
    ImageEncoderGetModelRequest,
    VisualInput,
)
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeRequest, TextEncoderGetModelRequest
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh_services.image_encoder import __main__ as image_main
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder import __main__ as text_main
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from tests.unit.fine_tuning.made import image_base, text_base, text_folder, write_folder
from tests.unit.image_encoder.pictures import encode, noise

from .encoder_servers import serve

if TYPE_CHECKING:
    # The stubs of types alone know them.
    from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderAsyncStub
    from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderAsyncStub

TEXTS = ["a dog runs", "the red house", "the cat sleeps"]


def picture_folder(folder: Path) -> Path:
    items = [{"item_id": f"item-{number}", "images": [f"{number}.png"]} for number in range(12)]
    likes = [(f"user-{user}", f"item-{number}") for user in range(3) for number in range(user, 12, 2)]
    write_folder(folder, items, likes)
    for number in range(12):
        (folder / f"{number}.png").write_bytes(encode(noise(60, 60, seed=number)))
    return folder


async def fine_tune(folder: Path, modality: str, layers: str, base: Path, out: Path) -> Any:
    """By the command line, as a user does it: its document."""
    command = (sys.executable, "-m", "modalmesh", "fine-tune", str(folder), "--modality", modality, "--layers", layers)
    options = ("--model", str(base), "--out", str(out), "--epochs", "1", "--learning-rate", "1e-2", "--json")
    process = await asyncio.create_subprocess_exec(*command, *options, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return json.loads(said)


# The command line takes most of the time; the layers that a run trains have quick tests of their own.
@pytest.mark.parametrize("layers", [pytest.param("none", marks=pytest.mark.slow), "all"])
async def test_a_text_encoder_serves_fine_tuned_weights(tmp_path: Path, layers: str) -> None:
    base = text_base(tmp_path / "base")
    document = await fine_tune(text_folder(tmp_path / "data"), "text", layers, base, tmp_path / "weights")
    spaces = {}
    for model in (base, tmp_path / "weights"):
        server, core = text_main.build(TextEncoderSettings(model=str(model)))
        async with await serve(server, core) as channel:
            stub: TextEncoderAsyncStub = TextEncoderStub(channel)
            response = await stub.Encode(TextEncoderEncodeRequest(texts=TEXTS))
            about = (await stub.GetModel(TextEncoderGetModelRequest())).model
        await server.stop()
        await core.stop()
        spaces[model.name] = about.fingerprint, matrix_from_proto(response.embeddings, field="embeddings").values
    assert (spaces["base"][0], spaces["weights"][0]) == (
        document["base"]["fingerprint"],
        document["model"]["fingerprint"],
    )
    assert spaces["base"][0] != spaces["weights"][0]
    assert spaces["base"][1].shape == spaces["weights"][1].shape == (3, 32)
    assert not np.allclose(spaces["base"][1], spaces["weights"][1], atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["none", "last:1"])
async def test_an_image_encoder_serves_fine_tuned_weights(tmp_path: Path, layers: str) -> None:
    base = image_base(tmp_path / "base")
    document = await fine_tune(picture_folder(tmp_path / "data"), "image", layers, base, tmp_path / "weights")
    spaces = {}
    for model in (base, tmp_path / "weights"):
        server, core = image_main.build(ImageEncoderSettings(model=str(model)))
        async with await serve(server, core) as channel:
            stub: ImageEncoderAsyncStub = ImageEncoderStub(channel)
            inputs = [VisualInput(image=encode(noise(seed=seed))) for seed in (1, 2)]
            response = await stub.Encode(ImageEncoderEncodeRequest(inputs=inputs))
            about = (await stub.GetModel(ImageEncoderGetModelRequest())).model
        await server.stop()
        await core.stop()
        spaces[model.name] = about.fingerprint, matrix_from_proto(response.embeddings, field="embeddings").values
    assert spaces["base"][0] == document["base"]["fingerprint"] != spaces["weights"][0]
    assert spaces["weights"][0] == document["model"]["fingerprint"]
    assert spaces["weights"][1].shape == (2, 48)
    assert not np.allclose(spaces["base"][1], spaces["weights"][1], atol=1e-3)

"""A bundle that isn't what was written is refused, and the refusal says which file and why."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.bundle import Learned, read_bundle
from modalmesh_services.fusion_ranker.bundle.contents import FILES, TENSORS, VOCABULARY
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST, Manifest
from tests.unit.fusion_ranker.bundle.bundles import PARTS, forge, write


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write(tmp_path / "bundle")
    return tmp_path / "bundle"


def refusal(bundle: Path) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_bundle(bundle)
    assert str(bundle) in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("name", [MANIFEST, *FILES])
def test_a_flipped_bit_anywhere_is_found(bundle: Path, name: str) -> None:
    whole = (bundle / name).read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 50)):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        (bundle / name).write_bytes(bytes(flipped))
        assert name in refusal(bundle).message


@pytest.mark.parametrize("name", [MANIFEST, *FILES])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_torn_file_is_named(bundle: Path, name: str, kept: float) -> None:
    whole = (bundle / name).read_bytes()
    (bundle / name).write_bytes(whole[: int(len(whole) * kept)])
    assert name in refusal(bundle).message


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_has_grown_or_is_gone_is_named(bundle: Path, name: str) -> None:
    with (bundle / name).open("ab") as file:
        file.write(b" ")
    assert f"{name}: has more" in refusal(bundle).message
    (bundle / name).unlink()
    assert f"{name}: is missing" in refusal(bundle).message


def test_a_file_that_lies_elsewhere_is_refused(bundle: Path) -> None:
    (bundle / TENSORS).rename(bundle.parent / "elsewhere")
    (bundle / TENSORS).symlink_to(bundle.parent / "elsewhere")
    refused = refusal(bundle)
    assert (refused.reason, "is a link" in refused.message) == ("BUNDLE_PATH_OUTSIDE", True)


def test_a_pipe_in_the_place_of_a_file_does_not_block(bundle: Path) -> None:
    (bundle / TENSORS).unlink()
    os.mkfifo(bundle / TENSORS)
    assert "is no file" in refusal(bundle).message


def rename_tensors(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["files"].update({name: document["files"].pop(TENSORS)})


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        (lambda document: document.update(format=2), "BUNDLE_LATER_FORMAT", "format 2, this release reads 1"),
        (lambda document: document.update(format="1"), "BUNDLE_NOT_WHOLE", "format '1'"),
        (lambda document: document.pop("format"), "BUNDLE_NOT_WHOLE", "format None"),
        (lambda document: document.update(system="Mirage"), "BUNDLE_NOT_WHOLE", "revision"),
        (lambda document: document.update(system=[]), "BUNDLE_NOT_WHOLE", "no text"),
        (lambda document: document.update(revision="f" * 32), "BUNDLE_NOT_WHOLE", "revision"),
        (lambda document: document["made_for"]["text"].update(fingerprint="t2"), "BUNDLE_NOT_WHOLE", "revision"),
        (lambda document: document["made_for"]["text"].update(dim="wide"), "BUNDLE_NOT_WHOLE", "wide"),
        (lambda document: document.pop("made_for"), "BUNDLE_NOT_WHOLE", "made_for"),
        (lambda document: document.update(files=[]), "BUNDLE_NOT_WHOLE", "manifest"),
        (lambda document: document["files"].pop(TENSORS), "BUNDLE_NOT_WHOLE", TENSORS),
        (rename_tensors("../tensors.safetensors"), "BUNDLE_PATH_OUTSIDE", "'../tensors.safetensors'"),
        (rename_tensors("/etc/passwd"), "BUNDLE_PATH_OUTSIDE", "'/etc/passwd'"),
        (rename_tensors(".."), "BUNDLE_PATH_OUTSIDE", "'..'"),
        (rename_tensors("weights.pth"), "BUNDLE_NOT_WHOLE", "weights.pth"),
    ],
)
def test_a_manifest_that_was_made_up_is_refused(
    bundle: Path, change: Callable[[dict[str, Any]], object], reason: str, words: str
) -> None:
    forge(bundle, change)
    refused = refusal(bundle)
    assert refused.reason == reason
    assert MANIFEST in refused.message
    assert words in refused.message


def test_a_system_that_this_release_does_not_know_is_named(tmp_path: Path) -> None:
    write(tmp_path / "bundle", PARTS, Learned("Mirage", 1, {}, ""))
    refused = refusal(tmp_path / "bundle")
    assert refused.reason == "BUNDLE_UNKNOWN_SYSTEM"
    assert "'Mirage'; there are modalmesh, " in refused.message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (TENSORS, b"\x80\x04K\x01.", "holds no tensors"),
        (TENSORS, save({"a": np.zeros(3)})[:-1], "holds no tensors"),
        (VOCABULARY, b'{"lamp": 1}', "another kind of JSON"),
        (VOCABULARY, b"[1, 2]", "no texts"),
        (VOCABULARY, b"[" * 100_000, "is no JSON"),
        ("settings.json", b"[NaN]", "is no JSON"),
        ("metrics.json", b"[]", "another kind of JSON"),
    ],
)
def test_a_file_of_another_kind_is_refused_though_all_hashes_fit(
    bundle: Path, name: str, content: bytes, words: str
) -> None:
    files = {each: (bundle / each).read_bytes() for each in FILES} | {name: content}
    manifest = Manifest.from_bytes((bundle / MANIFEST).read_bytes())
    (bundle / name).write_bytes(content)
    (bundle / MANIFEST).write_bytes(Manifest.of(manifest.learned, manifest.encoders, files).to_bytes())
    assert words in refusal(bundle).message


def test_a_manifest_of_endless_depth_or_length_is_refused(bundle: Path) -> None:
    for content in (b"[" * 100_000, b'{"format": 1, "checksum": "", "a": ' + b"[" * 900 + b"]" * 900 + b"}"):
        (bundle / MANIFEST).write_bytes(content)
        assert MANIFEST in refusal(bundle).message

"""Models in Hugging Face layout: found on disk or on the hub, and loaded without any pickle or code of theirs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

# No pickle is ever fetched, let alone loaded.
_FILES = ["*.safetensors", "*.json", "vocab.txt", "*.model", "1_Pooling/*.json"]


def find_folder(model: str) -> tuple[Path, str]:
    """Folder and name of a local folder, or of a hub name, which is downloaded once.

    Raises:
        OSError: there is no such folder, or a hub name that is neither downloaded nor reachable.
    """
    path = Path(model)
    if path.is_dir():
        return path, path.resolve().name
    if path.is_absolute() or model.startswith("."):
        raise FileNotFoundError(f"--model {model}: there is no such folder")
    # Not at the top, because a start that finds a converted model on disk needs none of it.
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=_FILES)), model


def take_over_log() -> None:
    """Have transformers log as all else does: it brings a handler and a format of its own."""
    import transformers

    log: Any = transformers.utils.logging  # it has no types
    log.disable_default_handler()
    log.enable_propagation()
    log.disable_progress_bar()


def load_network(from_pretrained: Callable[..., Any], folder: Path, **options: Any) -> Any:
    """What `from_pretrained` of a transformers class gives for the folder, from safetensors only.

    Raises:
        OSError, ValueError: the folder lacks something, or its weights can't be read.
    """
    from safetensors import SafetensorError

    take_over_log()
    try:
        return from_pretrained(folder, local_files_only=True, use_safetensors=True, **options)
    except SafetensorError as error:
        raise ValueError(f"{folder}: the weights can't be read: {error}") from error

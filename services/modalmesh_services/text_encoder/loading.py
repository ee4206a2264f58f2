"""A model's folder to everything that the core needs."""

import copy
from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig, AutoModel, AutoTokenizer

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common import fingerprint, hugging_face, precision
from modalmesh_services.common.device import Placement, place
from modalmesh_services.text_encoder.folder import ModelFolder, find_folder
from modalmesh_services.text_encoder.model import TextModel
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import CHARACTERS_PER_TOKEN, Tokeniser, Tokens

# By which precisions are compared.
_PROBE = (
    "dog",
    "A red house by the sea, 1998.",
    "Two gladiators fight for their freedom, and for each other, in an arena that knows no mercy.",
    "the quick brown fox jumps over the lazy dog " * 20,
)
# A tokenizer without a limit of its own says 1e30.
_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class LoadedText:
    """A model ready to run, and what it is called."""

    tokeniser: Tokeniser
    model: TextModel
    placement: Placement
    name: str
    fingerprint: str
    dim: int


def load(settings: TextEncoderSettings) -> LoadedText:
    """Load safetensors and a fast tokenizer.

    Raises:
        OSError, ValueError: the folder lacks something or holds something that isn't supported; says what.
    """
    folder = find_folder(settings.model)
    placement = place(settings.device, settings.precision, settings.threads)
    pooling = folder.pooling() if settings.pooling == "auto" else settings.pooling
    config = AutoConfig.from_pretrained(folder.path, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True)
    max_tokens = _max_tokens(folder, config, tokenizer, settings.max_tokens)
    if not tokenizer.is_fast:
        raise ValueError(f"{folder.path} has no fast tokenizer, which tells where in a text a token is")
    network = hugging_face.load_network(AutoModel.from_pretrained, folder.path, config=config)
    decisive = {
        "max_tokens": max_tokens,
        "pooling": pooling,
        "normalised": True,
        "characters_per_token": CHARACTERS_PER_TOKEN,
    }
    tokeniser = Tokeniser(tokenizer.backend_tokenizer, max_tokens)

    def make(where: Placement) -> TextModel:
        return TextModel(copy.deepcopy(network), pooling, tokenizer.pad_token_id or 0, where)

    def probe(model: TextModel) -> FloatMatrix:
        return model([tokens for tokens in tokeniser(_PROBE) if isinstance(tokens, Tokens)], False)[0]

    model, placement = precision.choose(make, probe, placement, settings.precision)
    return LoadedText(
        tokeniser,
        model,
        placement,
        folder.name,
        fingerprint.of_files(folder.deciding_files(), decisive),
        int(config.hidden_size),
    )


def _max_tokens(folder: ModelFolder, config: Any, tokenizer: Any, wanted: int) -> int:
    """The least of what the caller wants and what configuration, tokenizer and sentence-transformers allow.

    Raises:
        ValueError: more is wanted than the model has positions for.
    """
    positions = int(config.max_position_embeddings)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        # Their positions start behind the padding's number, which MPNet takes for 1 whatever its configuration says.
        positions -= max(int(config.pad_token_id), 1) + 1
    if wanted > positions:
        raise ValueError(f"--max-tokens {wanted}: {folder.name} has {positions} positions")
    own = (folder.read_json("sentence_bert_config.json") or {}).get("max_seq_length")
    return wanted or min(int(own or _NO_LIMIT), positions, int(min(tokenizer.model_max_length, _NO_LIMIT)))

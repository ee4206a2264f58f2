"""A model's folder to everything that the core needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tokenizers import Tokenizer

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends import fingerprint
from modalmesh_services.common.backends.choosing import Backends, Kept
from modalmesh_services.common.backends.device import Placement, places
from modalmesh_services.common.backends.hugging_face import take_over_log
from modalmesh_services.common.backends.step import Step
from modalmesh_services.text_encoder.folder import ModelFolder, find_folder
from modalmesh_services.text_encoder.model import TextModel
from modalmesh_services.text_encoder.settings import Pooling, TextEncoderSettings
from modalmesh_services.text_encoder.tokens import CHARACTERS_PER_TOKEN, Tokeniser, Tokens

# By which builds are compared.
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


@dataclass(frozen=True, slots=True)
class BaseText:
    """All of a model but its weights. `config` is the one of transformers; `dim` that of the vectors put out."""

    config: Any
    tokenizer: Tokenizer
    pooling: Literal["mean", "cls"]
    max_tokens: int
    pad_id: int
    dim: int
    fingerprint: str


def load(settings: TextEncoderSettings) -> LoadedText:
    """Load safetensors and a fast tokenizer, or what an earlier start made of them.

    Raises:
        OSError, ValueError: the folder lacks something or holds something that isn't supported; says what.
    """
    placements = places(settings.device, settings.precision, settings.threads, settings.backend)
    backends = Backends(placements, settings.model_cache)
    folder = find_folder(settings.model)
    # What the folder's further files say is looked up again only when one of them has changed.
    wanted = {"pooling": settings.pooling, "max_tokens": settings.max_tokens}
    key = {"kind": "text", "files": fingerprint.of_files(folder.all_files(), wanted, backends.digests.of)}
    kept = backends.kept(key)
    return _from_kept(kept, folder) if kept else _convert(settings, folder, backends, key)


def _from_kept(kept: Kept, folder: ModelFolder) -> LoadedText:
    """Takes half a second, because neither torch nor transformers is needed."""
    about = kept.about
    tokeniser = Tokeniser(Tokenizer.from_str(about["tokenizer"]), about["max_tokens"])
    model = _model(kept.step, kept.placement, about)
    return LoadedText(tokeniser, model, kept.placement, folder.name, about["fingerprint"], about["dim"])


def _convert(
    settings: TextEncoderSettings, folder: ModelFolder, backends: Backends, key: Mapping[str, Any]
) -> LoadedText:
    from modalmesh_services.text_encoder import network as networks

    base = read_base(folder, settings.pooling, settings.max_tokens)
    about: dict[str, Any] = {
        "fingerprint": base.fingerprint,
        "tokenizer": base.tokenizer.to_str(),
        "max_tokens": base.max_tokens,
        "pad_id": base.pad_id,
        "dim": base.dim,
    }
    tokeniser = Tokeniser(base.tokenizer, base.max_tokens)

    def probe(step: Step) -> FloatMatrix:
        texts = [tokens for tokens in tokeniser(_PROBE) if isinstance(tokens, Tokens)]
        return TextModel(step, base.pad_id, base.max_tokens, few_lengths=False)(texts, False)[0]

    network = networks.load(folder, base.config, base.pooling, base.max_tokens)
    step, placement, graph = backends.choose(network, probe)
    backends.keep(key, placement, graph, about)
    model = _model(step, placement, about)
    return LoadedText(tokeniser, model, placement, folder.name, base.fingerprint, base.dim)


def read_base(folder: ModelFolder, pooling: Pooling = "auto", max_tokens: int = 0) -> BaseText:
    """Read configuration and tokenizer; `pooling` and `max_tokens` as in the settings.

    Raises:
        OSError, ValueError: the folder lacks something or holds something that isn't supported; says what.
    """
    from transformers import AutoConfig, AutoTokenizer

    take_over_log()
    chosen = folder.pooling() if pooling == "auto" else pooling
    head = folder.head()
    config = AutoConfig.from_pretrained(folder.path, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True)
    longest = _max_tokens(folder, config, tokenizer, max_tokens)
    if not tokenizer.is_fast:
        raise ValueError(f"{folder.path} has no fast tokenizer, which tells where in a text a token is")
    decisive = {
        "max_tokens": longest,
        "pooling": chosen,
        "normalised": True,
        "characters_per_token": CHARACTERS_PER_TOKEN,
    }
    return BaseText(
        config=config,
        tokenizer=tokenizer.backend_tokenizer,
        pooling=chosen,
        max_tokens=longest,
        pad_id=tokenizer.pad_token_id or 0,
        dim=head.outputs if head else int(config.hidden_size),
        fingerprint=fingerprint.of_files(folder.deciding_files(), decisive),
    )


def _model(step: Step, placement: Placement, about: Mapping[str, Any]) -> TextModel:
    return TextModel(step, about["pad_id"], about["max_tokens"], few_lengths=placement.backend == "openvino")


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

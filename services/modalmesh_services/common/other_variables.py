"""Environment variables that modalmesh reads and that are no setting of a server. docs/configuration.md lists them."""

from typing import NamedTuple


class OtherVariable(NamedTuple):
    read_by: str
    default: str
    meaning: str


# Each server watches over its own; the gateway's own prefix is the beginning of all of them.
OTHER_PREFIXES = ("MODALMESH_TEXT_ENCODER_", "MODALMESH_IMAGE_ENCODER_", "MODALMESH_FUSION_RANKER_", "MODALMESH_SOAK_")

OTHER_VARIABLES = {
    "MODALMESH_HOME": OtherVariable(
        "`modalmesh`", "`~/.modalmesh`", "folder of the mesh on this machine: its state, its logs and its Valkey"
    ),
    "MODALMESH_BUNDLE": OtherVariable("`modalmesh up`", "", "the trained bundle to rank by, as `--bundle`"),
    "MODALMESH_REDIS_URL": OtherVariable(
        "`modalmesh up`, the gateway",
        "",
        "a Redis or Valkey of yours; `up` starts an embedded Valkey where it is empty",
    ),
    "MODALMESH_REDIS_URL_FILE": OtherVariable(
        "`modalmesh up`, the gateway", "", "a file with that URL, where it holds a password"
    ),
    "XDG_CACHE_HOME": OtherVariable(
        "encoders",
        "`~/.cache`",
        "converted models are kept in its `modalmesh/models`, unless `--model-cache` says where",
    ),
    "OPENBLAS_NUM_THREADS": OtherVariable(
        "every server", "1 in the fusion-ranker", "threads of small matrix products; `modalmesh up` sets it"
    ),
    "OMP_NUM_THREADS": OtherVariable("every server", "", "the same of torch's; `modalmesh up` sets it"),
    "MALLOC_MMAP_THRESHOLD_": OtherVariable(
        "glibc", "67108864 by `modalmesh up`", "bytes; freed buffers of messages are used again instead of given back"
    ),
    "MALLOC_TRIM_THRESHOLD_": OtherVariable("glibc", "268435456 by `modalmesh up`", "bytes; likewise"),
    "RANK": OtherVariable("`modalmesh train` under torchrun", "0", "which of the processes this is; torchrun sets it"),
    "WORLD_SIZE": OtherVariable("`modalmesh train` under torchrun", "1", "how many processes train; torchrun sets it"),
    "HF_HOME": OtherVariable("encoders", "`~/.cache/huggingface`", "where a model named by its hub name is kept"),
    "TORCH_HOME": OtherVariable("image-encoder", "`~/.cache/torch`", "where torchvision's downloaded weights are kept"),
}

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
    "MODALMESH_TLS_CA": OtherVariable(
        "clients", "", "PEM file of the CA by which the gateway's certificate is checked, as `--tls-ca`"
    ),
    "MODALMESH_TLS_CERTIFICATE": OtherVariable(
        "clients", "", "PEM file of the client's own certificate, as `--tls-certificate`"
    ),
    "MODALMESH_TLS_KEY": OtherVariable("clients", "", "PEM file of that certificate's key, as `--tls-key`"),
    "MODALMESH_TLS_SERVER_NAME": OtherVariable(
        "clients", "the address's host", "the name in the gateway's certificate, as `--tls-server-name`"
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": OtherVariable(
        "every server", "", "where traces go, such as `http://collector:4317`; empty: nowhere"
    ),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": OtherVariable("every server", "", "the same, for traces alone"),
    "OTEL_TRACES_EXPORTER": OtherVariable("every server", "", "`otlp`, `console` or `none`"),
    "OTEL_SERVICE_NAME": OtherVariable("every server", "the service's name", "its name in traces"),
    "OTEL_SDK_DISABLED": OtherVariable("every server", "", "`true`: no traces"),
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
    "LOCAL_RANK": OtherVariable(
        "`modalmesh train` under torchrun", "0", "which of its machine's GPUs it trains on; torchrun sets it"
    ),
    "WORLD_SIZE": OtherVariable("`modalmesh train` under torchrun", "1", "how many processes train; torchrun sets it"),
    "HF_HOME": OtherVariable("encoders", "`~/.cache/huggingface`", "where a model named by its hub name is kept"),
    "TORCH_HOME": OtherVariable("image-encoder", "`~/.cache/torch`", "where torchvision's downloaded weights are kept"),
}

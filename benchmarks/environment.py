"""What processes are started with."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Activations and messages go back to the allocator instead of to the kernel, and one core is one worker's: as
# `modalmesh up` starts the services.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Put over this process's own while processes are started."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

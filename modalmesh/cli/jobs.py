"""A verb whose work is done by a process of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def run(module: str, folder: Path, options: Mapping[str, object], words: Sequence[str] = ()) -> dict[str, Any]:
    """The result of `python -m module` on a data folder, with those `options` that have a value and with `words`; its
    progress is shown.

    Raises:
        ModalmeshError: see modalmesh.local.job.
    """
    from modalmesh.cli.options import given_tls
    from modalmesh.cli.progress import JobProgress
    from modalmesh.local.job import run_job
    from modalmesh.tls import tls_environment

    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    with JobProgress() as progress:
        return run_job(module, [str(folder), *words, *given], progress.tell, tls_environment(given_tls()))

"""Commands of others, and what they found."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Finding(Exception):
    """A check failed; its text is what to read."""


class Missing(Finding):
    """A check couldn't run, as a program for it can't be had here; says which and why."""


def output_of(command: Sequence[str | Path], text: str | None = None) -> str:
    """Its standard output.

    Raises:
        Finding: it ended with an error; all that it said.
    """
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join(part.strip() for part in (done.stdout, done.stderr) if part.strip())
        raise Finding(f"{' '.join(str(word) for word in command)}\n{said}")
    return done.stdout

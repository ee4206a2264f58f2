"""Progress and the result of a process, for whoever started it: a JSON document a line.

    {"note": sentence}  {"progress": [what, done, total]}  {"step": {...}}  {"result": {...}}  {"error": {...}}

The last line is a result or an error.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self, TextIO

from modalmesh.cli.failures import Failure
from modalmesh_services.fusion_ranker.systems.interface import Step


class Lines:
    def __init__(self, out: TextIO) -> None:
        self._out = out

    @classmethod
    def of_stdout(cls) -> Self:
        """From now on whatever else writes to stdout, such as a library, writes to stderr."""
        own = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return cls(os.fdopen(own, "w", encoding="utf-8"))

    def note(self, sentence: str) -> None:
        self._put("note", sentence)

    def progress(self, what: str, done: int, total: int) -> None:
        """The shape of modalmesh.ingest.Progress."""
        self._put("progress", [what, done, total])

    def step(self, step: Step) -> None:
        self._put("step", asdict(step))

    def result(self, document: Mapping[str, Any]) -> None:
        self._put("result", document)

    def error(self, failure: Failure) -> None:
        self._put("error", asdict(failure))

    def _put(self, kind: str, value: Any) -> None:
        self._out.write(json.dumps({kind: value}) + "\n")
        self._out.flush()

"""The command line: one sub-command a benchmark."""

import signal
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

from benchmarks import crowd, encode, explain, gpu, ingest, observability, rank
from benchmarks.benchmark import Benchmark, NotHere
from modalmesh.cli import failures
from modalmesh.cli.options import as_json, example, put_out
from modalmesh.errors import ModalmeshError

BENCHMARKS = (
    encode.BENCHMARK,
    ingest.BENCHMARK,
    explain.BENCHMARK,
    rank.BENCHMARK,
    observability.BENCHMARK,
    gpu.BENCHMARK,
    crowd.BENCHMARK,
)

DONE, FAILED, WRONG_USE, NOT_HERE = 0, 1, 2, 3


def main() -> None:
    # A benchmark that is told to end still stops what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], benchmarks: Sequence[Benchmark] = BENCHMARKS) -> int:
    """Run one; the exit code is 0 when it's done, 1 when it failed, 2 when it was used wrongly, 3 when this machine
    lacks what would be measured.
    """
    try:
        _group(benchmarks).main(list(arguments), prog_name="python -m benchmarks", standalone_mode=False)
    except click.UsageError as error:
        return _tell(failures.of_usage(error), arguments, WRONG_USE)
    except click.Abort:
        return _tell(failures.Failure("INTERRUPTED", "", "interrupted"), arguments, FAILED)
    except NotHere as error:
        return _tell(failures.of_error(error), arguments, NOT_HERE)
    except (ModalmeshError, OSError) as error:
        return _tell(failures.of_error(error), arguments, FAILED)
    return DONE


def _tell(failure: failures.Failure, arguments: Sequence[str], code: int) -> int:
    failures.tell(failure, "--json" in arguments)
    return code


def _group(benchmarks: Sequence[Benchmark]) -> click.Group:
    commands = [_command(benchmark) for benchmark in benchmarks]
    return click.Group(
        commands=commands,
        help="Measures modalmesh against the least time that the work can take, in the same run.",
        epilog=example("\n".join(f"python -m benchmarks {benchmark.example}" for benchmark in benchmarks)),
    )


def _command(benchmark: Benchmark) -> click.Command:
    def measure(as_json: bool, **options: Any) -> None:
        report = benchmark.run(_progress, **options)
        put_out(report.document(), as_json, report.view)

    command = click.Command(
        benchmark.name,
        callback=measure,
        params=list(benchmark.options),
        help=benchmark.summary,
        epilog=example(f"python -m benchmarks {benchmark.example}"),
    )
    return as_json(command)


def _progress(line: str) -> None:
    Console(stderr=True).print(line, highlight=False, soft_wrap=True)

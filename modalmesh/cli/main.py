"""The verbs in one group, and the one place where an error becomes a line and an exit code."""

import os
import sys
from collections.abc import Sequence

import click

from modalmesh.cli import answers, demo, evaluate, failures, filling, fine_tune, lifecycle, status, train
from modalmesh.cli.options import example
from modalmesh.errors import ModalmeshError
from modalmesh.local.failures import WrongSettings

DONE, FAILED, WRONG_USE = 0, 1, 2


_EXAMPLES = """modalmesh demo
modalmesh up --detach && modalmesh ingest DIR && modalmesh recommend USER"""


@click.group(
    epilog=example(_EXAMPLES), context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="modalmesh", prog_name="modalmesh")
def modalmesh() -> None:
    """Multimodal recommendation as a mesh of gRPC services.

    A verb that asks a mesh tries again for up to 30 seconds (ingest: 5 minutes a chunk) while a part of it restarts or
    is overloaded.
    """


for _command in (
    lifecycle.up,
    lifecycle.down,
    status.status,
    filling.ingest,
    train.train,
    evaluate.evaluate,
    answers.recommend,
    answers.rank,
    answers.similar,
    answers.search,
    answers.explain,
    demo.demo,
    fine_tune.fine_tune,
):
    modalmesh.add_command(_command)


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a verb; the exit code is 0 when it's done, 1 when it failed, 2 when it was used wrongly."""
    as_json = "--json" in arguments
    try:
        code = modalmesh.main(list(arguments), prog_name="modalmesh", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        failures.tell(failures.of_usage(error), as_json)
        return WRONG_USE
    except click.ClickException as error:
        failures.tell(failures.Failure("FAILED", "", error.format_message()), as_json)
    except click.Abort:
        failures.tell(failures.Failure("INTERRUPTED", "", "interrupted"), as_json)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except WrongSettings as error:
        failures.tell_settings(error, as_json)
        return WRONG_USE
    except (ModalmeshError, OSError) as error:
        failures.tell(failures.of_error(error), as_json)
    except Exception as error:
        # A fault of ours is told in a line, too; `python -X dev` shows where it was.
        if sys.flags.dev_mode:
            raise
        failures.tell(failures.of_fault(error), as_json)
    else:
        return code if isinstance(code, int) else DONE
    return FAILED

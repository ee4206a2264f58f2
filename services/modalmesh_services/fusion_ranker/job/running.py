"""The one place where a process's work ends, well or not."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from modalmesh.cli.failures import Failure, of_error, of_fault
from modalmesh.errors import ModalmeshError
from modalmesh.local.stoppable import stoppable
from modalmesh_services.fusion_ranker.job.lines import Lines

logger = logging.getLogger(__name__)

DONE, FAILED = 0, 1


def run(work: Callable[[Lines], Mapping[str, Any]], lines: Lines) -> int:
    """Do the work and tell its result, or in one line why there is none; the exit code.

    Ctrl-C, SIGTERM and SIGHUP end it as an error that is cleaned up after.
    """
    try:
        with stoppable():
            result = work(lines)
        lines.result(result)
    except BrokenPipeError:
        # Whoever started this is gone, and with him the wish for it.
        return FAILED
    except KeyboardInterrupt:
        lines.error(Failure("INTERRUPTED", "", "interrupted"))
    except (ModalmeshError, OSError) as error:
        lines.error(of_error(error))
    except Exception as error:
        logger.exception("the work failed")
        lines.error(of_fault(error))
    else:
        return DONE
    return FAILED

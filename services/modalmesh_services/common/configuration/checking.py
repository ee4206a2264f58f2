"""Whether servers would take the environment: for whoever starts several, before the first one runs.

`python -m modalmesh_services.common.configuration.checking PROGRAM=MODULE:CLASS...` imports nothing but their settings.
What is wrong is a line each on stderr, for all of them, and exit code 2.
"""

import sys
from collections.abc import Sequence
from pkgutil import resolve_name

from modalmesh_services.common.configuration.reading import Configuration


def main(arguments: Sequence[str]) -> int:
    # Each has said by itself what is wrong.
    return max([_check(*argument.split("=", 1)) for argument in arguments], default=0)


def _check(program: str, place: str) -> int:
    settings: type[Configuration] = resolve_name(place)
    try:
        loaded = settings.load(program, "", (), for_people=True)
    except SystemExit as end:
        return int(end.code or 0)
    sys.stderr.writelines(f"{program}: {warning}\n" for warning in loaded.warnings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python launch.py SUPERVISOR_PID COMMAND...`: become COMMAND, bound to the life of the supervisor (Linux).

A supervisor that is killed can't stop its children; the kernel does, with SIGTERM, if they have asked for it. To ask
in a preexec_fn would fork a process that runs threads, which isn't safe. Run as a file with -S, this takes 10 ms.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(supervisor_pid: int, command: list[str]) -> int:
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        if library.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
            sys.stderr.write(f"prctl: {os.strerror(ctypes.get_errno())}\n")
            return 1
        if os.getppid() != supervisor_pid:
            # It died before it could be heard of.
            return 1
    try:
        os.execv(command[0], command)  # noqa: S606 - the supervisor's own command, not a shell's
    except OSError as error:
        sys.stderr.write(f"can't run {command[0]}: {error.strerror}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))

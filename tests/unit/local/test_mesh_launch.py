"""A child's bond to its supervisor."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from modalmesh.local import launch
from tests.waiting import eventually

LAUNCHER = launch.__file__
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]


def launched(*command: str, supervisor: int | None = None) -> list[str]:
    return [sys.executable, "-I", "-S", LAUNCHER, str(supervisor or os.getpid()), *command]


def test_it_becomes_the_command_and_keeps_the_pid() -> None:
    code = "import os; print(os.getpid())"
    with subprocess.Popen(launched(sys.executable, "-c", code), stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate(timeout=10)
    assert int(output) == process.pid


def test_a_command_that_is_not_there_is_named() -> None:
    done = subprocess.run(launched("/no/such/program"), capture_output=True, text=True, check=False, timeout=10)
    assert (done.returncode, done.stderr) == (1, "can't run /no/such/program: No such file or directory\n")


@linux
def test_one_whose_supervisor_died_before_it_could_ask_does_not_start() -> None:
    done = subprocess.run(launched(*SLEEP, supervisor=1), check=False, timeout=10)
    assert done.returncode == 1


@linux
def test_it_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = "import os,subprocess,sys,time\n"
    code += f"child = subprocess.Popen([sys.executable, '-I', '-S', {LAUNCHER!r}, str(os.getpid()), *{SLEEP!r}])\n"
    code += f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-S", "-c", code]) as supervisor:
        eventually(lambda: note.exists() and note.read_text())
        child = psutil.Process(int(note.read_text()))
        eventually(lambda: "time.sleep" in " ".join(child.cmdline()))
        supervisor.kill()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)

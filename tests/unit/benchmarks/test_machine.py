import os
import subprocess
import sys
import time

from benchmarks.machine import Meter, machine

BUSY = "import time; print(flush=True)\nwhile time.process_time() < 60: pass"


def _work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_machine_has_cores_and_a_name() -> None:
    here = machine()
    assert here.cpus == len(os.sched_getaffinity(0))
    assert here.model


def test_a_meter_tells_processes_apart_and_counts_from_its_making_on() -> None:
    with subprocess.Popen(["sleep", "60"]) as idle:
        meter = Meter({"idle": idle.pid, "ours": os.getpid()})
        _work(0.1)
        used = meter.read()
        idle.kill()
    # The kernel counts in hundredths.
    assert used.cpu_seconds["idle"] < 0.08 <= used.cpu_seconds["ours"]
    assert used.total_cpu_seconds < used.seconds + 0.1


def test_a_meter_sees_what_others_do() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", BUSY], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        theirs, everybody = Meter({"other": other.pid}), Meter({"ours": os.getpid()})
        while theirs.read().total_cpu_seconds < 0.2:
            _work(0.01)
        used = everybody.read()
        other.kill()
    assert used.other_cpu_seconds >= 0.15
    assert used.other_cores == used.other_cpu_seconds / used.seconds

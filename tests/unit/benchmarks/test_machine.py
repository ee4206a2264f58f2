import os
import subprocess
import time

from benchmarks.machine import cpu_seconds, cpu_seconds_by_name, machine


def _work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_machine_has_cores_and_a_name() -> None:
    here = machine()
    assert here.cpus == len(os.sched_getaffinity(0))
    assert here.model


def test_time_on_a_core_is_what_all_processes_spent_together() -> None:
    ours = os.getpid()
    before = cpu_seconds([ours, ours])
    _work(0.1)
    # The kernel counts in hundredths.
    assert cpu_seconds([ours, ours]) - before >= 0.18


def test_processes_are_told_apart() -> None:
    with subprocess.Popen(["sleep", "60"]) as idle:
        _work(0.1)
        spent = cpu_seconds_by_name({"idle": idle.pid, "ours": os.getpid()})
        idle.kill()
    assert spent["idle"] < 0.1 <= spent["ours"]

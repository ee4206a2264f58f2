import os
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


def test_a_process_that_waits_spends_nothing() -> None:
    pids = {"parent": os.getppid(), "ours": os.getpid()}
    before = cpu_seconds_by_name(pids)
    _work(0.1)
    after = cpu_seconds_by_name(pids)
    assert after["ours"] - before["ours"] >= 0.09
    assert after["parent"] - before["parent"] < 0.09

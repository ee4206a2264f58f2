import logging

import pytest

from modalmesh_services.common.observability.access_log import LINES_A_SECOND, AccessLog


def test_many_failures_of_a_kind_leave_few_lines_and_the_next_says_how_many_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    log = AccessLog(lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(1000):
            log.failed("/a/B", "RESOURCE_EXHAUSTED", 0.001)
        assert len(caplog.records) == LINES_A_SECOND
        now[0] += 1.0
        log.failed("/a/B", "RESOURCE_EXHAUSTED", 0.001)
        log.failed("/a/B", "RESOURCE_EXHAUSTED", 0.001)
    assert f"and {1000 - LINES_A_SECOND} more like it" in caplog.messages[-2]
    assert "more like it" not in caplog.messages[-1]


def test_one_kind_of_failure_leaves_room_for_another(caplog: pytest.LogCaptureFixture) -> None:
    log = AccessLog(lambda: 1.0)
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            log.failed("/a/B", "RESOURCE_EXHAUSTED", 0.001)
        log.failed("/a/B", "INTERNAL", 0.001)
    assert "INTERNAL" in caplog.messages[-1]

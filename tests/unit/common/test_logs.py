"""What lines look like, and what is never in them."""

import json
import logging
import sys
from contextvars import copy_context

import pytest

from modalmesh_services.common.observability.current_call import CurrentCall, enter_call
from modalmesh_services.common.observability.logs import JsonFormatter, TextFormatter

FORMATTERS = pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])


def record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("modalmesh.test", logging.WARNING, __file__, 1, message, (), info)


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error):
        caught = sys.exc_info()[1]
        assert isinstance(caught, Exception)
        return caught


def in_call(formatter: logging.Formatter, message: str) -> str:
    def format_it() -> str:
        enter_call(CurrentCall("/modalmesh.v1.Recommender/Rank", "order-7"))
        return formatter.format(record(message))

    return copy_context().run(format_it)


def test_json_is_an_object_a_line_and_holds_what_there_is() -> None:
    entry = json.loads(JsonFormatter().format(record("Redis is ä\nback")))
    assert entry["time"].endswith("+00:00")
    assert {key: entry[key] for key in entry if key != "time"} == {
        "level": "WARNING",
        "logger": "modalmesh.test",
        "message": "Redis is ä\nback",
    }
    assert "\n" not in JsonFormatter().format(record("Redis is\nback"))


def test_a_line_of_a_call_names_its_request() -> None:
    entry = json.loads(in_call(JsonFormatter(), "slow"))
    assert (entry["request_id"], entry["method"]) == ("order-7", "/modalmesh.v1.Recommender/Rank")
    assert in_call(TextFormatter(), "slow").endswith("WARNING modalmesh.test slow [request order-7]")


def test_what_a_message_quotes_is_no_line_of_its_own() -> None:
    assert TextFormatter().format(record("can't read 'a\n2026-11-28 ERROR all is lost'")).count("\n") == 0


@FORMATTERS
def test_a_traceback_says_where_and_what_but_not_what_was_asked(formatter: logging.Formatter) -> None:
    error = raised(ValueError("can't read 'red shoes for ada'"), raised(KeyError("ada")))
    line = formatter.format(record("it failed", error))
    assert "ada" not in line
    assert "ValueError" in line
    assert "KeyError" in line
    assert "test_logs.py" in line


@FORMATTERS
def test_a_traceback_says_what_the_system_said(formatter: logging.Formatter) -> None:
    line = formatter.format(record("it failed", raised(MemoryError("CUDA out of memory"))))
    assert "CUDA out of memory" in line


@pytest.mark.parametrize("formatter", [JsonFormatter(True), TextFormatter(True)], ids=["json", "text"])
def test_where_everything_is_logged_messages_of_errors_are_too(formatter: logging.Formatter) -> None:
    assert "red shoes" in formatter.format(record("it failed", raised(ValueError("red shoes"))))

"""What is logged, as text or as JSON, a line a record; each names the request that it speaks of.

No line holds what users wrote, who they are or what they did. Errors of libraries may quote their input, so a traceback
comes without their messages, unless everything is logged (DEBUG).
"""

import asyncio
import json
import logging
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from modalmesh_services.common.observability.current_call import current_call
from modalmesh_services.common.observability.tracing import trace_id

LogFormat = Literal["text", "json"]

# What these say is the system's or a device's, such as that a file isn't there or that memory is out.
_HARMLESS = (OSError, MemoryError, RuntimeError)


def configure(level: str, log_format: LogFormat) -> None:
    """Log to stderr, Python's warnings too."""
    logging.captureWarnings(True)
    with_messages = level == "DEBUG"
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(with_messages) if log_format == "json" else TextFormatter(with_messages))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)


def log_without_repr(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """As asyncio itself, which shows what it holds, such as a task's error with all that it quotes."""
    logging.getLogger("asyncio").error("%s", context["message"], exc_info=context.get("exception"))


def log_ended_thread(ended: threading.ExceptHookArgs) -> None:
    """As threading itself, which shows all that the error quotes, in no form that the log has."""
    if ended.exc_value is not None and ended.exc_type is not SystemExit:
        name = ended.thread.name if ended.thread else "a thread"
        error = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        logging.getLogger("threading").error("%s ended", name, exc_info=error)


class TextFormatter(logging.Formatter):
    """For people."""

    def __init__(self, with_messages: bool = False) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        call = current_call()
        line = _one_line(super().format(_without_error(record)))
        if call:
            line += f" [request {call.request_id}]"
        told = _exception(record, self._with_messages)
        return f"{line}\n{told}" if told else line


class JsonFormatter(logging.Formatter):
    """For programs: an object a line, with what there is of time, level, logger, message, request_id, method, trace_id,
    exception, and of a failed call its code, seconds and how many others alike were left out.
    """

    def __init__(self, with_messages: bool = False) -> None:
        super().__init__()
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        call = current_call()
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": call.request_id if call else "",
            "method": call.method if call else "",
            "trace_id": trace_id(),
            "exception": _exception(record, self._with_messages),
            **getattr(record, "fields", {}),
        }
        return json.dumps({key: value for key, value in entry.items() if value != ""}, ensure_ascii=False, default=str)


def _without_error(record: logging.LogRecord) -> logging.LogRecord:
    """The same record for a formatter that would add the traceback with all messages."""
    copy = logging.makeLogRecord(record.__dict__)
    copy.exc_info, copy.exc_text, copy.stack_info = None, None, None
    return copy


def _one_line(text: str) -> str:
    """What a message quotes can't pretend to be a line of its own."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _exception(record: logging.LogRecord, with_messages: bool) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    if with_messages:
        return "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return "".join(_traceback(record.exc_info[1])).rstrip()


def _traceback(error: BaseException) -> Iterator[str]:
    """As Python shows it, with those that caused it first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _traceback(cause)
        yield "\nwhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    yield f"{name}: {error}\n" if isinstance(error, _HARMLESS) else f"{name}\n"

"""What gRPC's own log says that is no fault of ours."""

import logging

_GRPC = "grpc._cython.cygrpc"


class _WithoutCallersThatLeft(logging.Filter):
    """gRPC logs a traceback where an answer meets a caller that has just left, which any caller may do at any time."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("ExecuteBatchError raised in core")


def ignore_callers_that_left() -> None:
    logging.getLogger(_GRPC).addFilter(_WithoutCallersThatLeft())

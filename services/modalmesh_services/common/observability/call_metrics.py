"""What a server counts of its calls, a method each. Read as it is at any time, from any thread. Knows no grpc."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from modalmesh_services.common.observability.distribution import Distribution

CallType = Literal["unary", "client_stream", "server_stream", "bidi_stream"]

_TYPES: dict[tuple[bool, bool], CallType] = {
    (False, False): "unary",
    (True, False): "client_stream",
    (False, True): "server_stream",
    (True, True): "bidi_stream",
}


@dataclass(slots=True)
class MethodMetrics:
    """`handled` counts by status code, such as OK; `seconds` is how long calls took, streams from begin to end."""

    call_type: CallType
    service: str
    method: str
    started: int = 0
    in_flight: int = 0
    # The one of which a share is taken is there from the start.
    handled: Counter[str] = field(default_factory=lambda: Counter(OK=0))
    seconds: Distribution = field(default_factory=Distribution)


class CallMetrics:
    """By full method name, such as /modalmesh.v1.Recommender/Recommend."""

    def __init__(self) -> None:
        self._methods: dict[str, MethodMetrics] = {}

    def of(self, method: str, *, request_streaming: bool, response_streaming: bool) -> MethodMetrics:
        """A method's own, which is shown from its first mention on."""
        metrics = self._methods.get(method)
        if metrics is None:
            _, service, name = method.split("/")
            call_type = _TYPES[request_streaming, response_streaming]
            metrics = self._methods[method] = MethodMetrics(call_type, service, name)
        return metrics

    def all(self) -> list[MethodMetrics]:
        return list(self._methods.values())

"""How a channel to a mesh is set up, sync and async alike."""

import math

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""The largest message either way; every server of the mesh has the same limit."""

DEFAULT_ADDRESS = "127.0.0.1:50050"

OPTIONS: tuple[tuple[str, int | str], ...] = (
    # Of a name with several addresses, such as a headless Service, each gets calls in turn.
    ("grpc.lb_policy_name", "round_robin"),
    # When all that were known are gone, the name is looked up again at once, not after gRPC's half minute.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Servers allow a ping every 5 minutes and answer more with too_many_pings.
    ("grpc.keepalive_time_ms", 330_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A gateway that was restarted is back in seconds; gRPC's own back-off would wait for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

IN_FLIGHT = 3
"""Chunks under way at once: one is encoded, one is on its way, one is being read."""

BULK_TIMEOUTS = 10
"""A chunk of items or events has as many times the client's deadline."""

DEFAULT_TIMEOUT = 30.0
"""Seconds that a call has, its tries and the waits between them included."""

NO_DEADLINE = math.inf
PAGE_SIZE = 500

"""gRPC's four kinds of methods, wrapped alike."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

if TYPE_CHECKING:
    # Only the stubs make this class generic.
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler
Context = grpc.aio.ServicerContext[Any, Any]
Behaviour: TypeAlias = Callable[[Any, Context], Any]
"""Awaitable where one response comes, an async iterator where a stream does."""
Around: TypeAlias = Callable[[Context], AbstractContextManager[object]]
"""What a call is done within."""

_KINDS: dict[tuple[bool, bool], tuple[str, Callable[..., Any]]] = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


def behaviour_of(handler: Handler) -> Behaviour:
    name, _ = _KINDS[handler.request_streaming, handler.response_streaming]
    behaviour: Behaviour = getattr(handler, name)
    return behaviour


def with_behaviour(handler: Handler, behaviour: Behaviour, deserializer: Callable[[bytes], Any] | None) -> Handler:
    """The same method, done otherwise; without a deserializer it gets requests as bytes."""
    _, make = _KINDS[handler.request_streaming, handler.response_streaming]
    made: Handler = make(behaviour, deserializer, handler.response_serializer)
    return made

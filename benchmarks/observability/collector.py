"""`python -m benchmarks.observability.collector PORT`: takes traces as OTLP's collectors do, and forgets them."""

import asyncio
import sys

from benchmarks.hop import serve

SERVICE, METHOD = "opentelemetry.proto.collector.trace.v1.TraceService", "Export"

if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), METHOD, {SERVICE: b""}))

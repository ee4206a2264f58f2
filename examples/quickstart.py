"""Put three items into a mesh, say what ada bought, ask for more: python examples/quickstart.py HOST:PORT."""
# ruff: noqa: T201 - an example prints

import sys
import time

from modalmesh import Client, Event, Item

with Client(sys.argv[1], namespace="quickstart") as client:
    client.upsert_items(Item(name, title=f"A {name} for the desk") for name in ("lamp", "pen", "chair"))
    client.record_events([Event("ada", "lamp", time_ms=time.time_ns() // 1_000_000, type="purchase")])
    for item in client.recommend("ada", k=2, explain=True).items:
        print(f"{item.score:.2f}  {item.title}  {item.explanation.sentence if item.explanation else ''}")

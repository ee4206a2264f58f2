"""Several searches at once, by text and by a picture made with numpy: python examples/async_search.py HOST:PORT."""
# ruff: noqa: T201 - an example prints

import asyncio
import sys

import numpy as np

from modalmesh import AsyncClient


async def main(address: str) -> None:
    red = np.full((64, 64, 3), (200, 30, 30), np.uint8)
    async with AsyncClient(address, namespace="quickstart") as client:
        searches = (client.search_items("a lamp"), client.search_items(image=red), client.search_items("chair", red))
        for answer in await asyncio.gather(*searches):
            print([item.title for item in answer.items], answer.served.served_by)


asyncio.run(main(sys.argv[1]))

"""`python -m benchmarks.rank.echo PORT BYTES`: answers Rank with so many zero bytes, whatever comes."""

import asyncio
import sys

from benchmarks.hop import serve

if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), "Rank", {"modalmesh.v1.FusionRanker": bytes(int(sys.argv[2]))}))

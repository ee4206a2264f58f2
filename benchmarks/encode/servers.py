"""An encoder's server, of ours or a peer's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.encode.client import Client
from benchmarks.encode.load import Inputs
from benchmarks.encode.transports import Target
from benchmarks.servers import ServerProcess


class Server(ServerProcess):
    """Ready when a sample is answered."""

    def __init__(
        self,
        command: Sequence[str | Path],
        target: Target,
        client: Client,
        sample: Inputs,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Raises:
        CannotStart: it ended, or its time ran out.
        """
        self.target = target
        super().__init__(command, lambda: client.is_answered(target, sample), variables)

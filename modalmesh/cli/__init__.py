"""The command line. Modules here import nothing heavy at the top: `modalmesh --help` must not wait for gRPC."""

from modalmesh.cli.main import main

__all__ = ["main"]

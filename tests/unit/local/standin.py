"""A child that is quick to start: answers PING on a port, and misbehaves as its flags say. Standard library only."""

import argparse
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--exit", type=int, help="write two lines and end with this code at once")
    parser.add_argument("--exit-if", type=Path, help="do so with code 2 if this file exists")
    parser.add_argument("--never-ready", action="store_true", help="listen, and answer LOADING")
    parser.add_argument("--mute-if", type=Path, help="answer nothing while this file exists")
    parser.add_argument("--ignore-term", action="store_true")
    parser.add_argument("--note", type=Path, help="append name and `stopped` to this file at SIGTERM")
    options = parser.parse_args()
    if options.exit is not None or (options.exit_if and options.exit_if.exists()):
        sys.stderr.write("loading the model\nthe model is broken\n")
        sys.exit(2 if options.exit is None else options.exit)
    signal.signal(signal.SIGTERM, lambda number, frame: stop(options, frame))
    with socket.create_server(("127.0.0.1", options.port)) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=answer, args=(connection, options), daemon=True).start()


def answer(connection: socket.socket, options: argparse.Namespace) -> None:
    with connection:
        while connection.recv(100):
            while options.mute_if and options.mute_if.exists():
                time.sleep(0.02)
            connection.sendall(b"-LOADING\r\n" if options.never_ready else b"+PONG\r\n")


def stop(options: argparse.Namespace, frame: FrameType | None) -> None:
    if options.note:
        with options.note.open("a") as note:
            note.write(f"{options.port}\n")
    if not options.ignore_term:
        sys.exit(0)


if __name__ == "__main__":
    main()

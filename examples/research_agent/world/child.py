"""How a stand-in process begins and ends: a port on its standard output, and an open input."""

import argparse
import os
import socket
import threading
from pathlib import Path

HOST = "127.0.0.1"


def read_arguments() -> tuple[Path, int]:
    """Read the folder and the preferred port from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    return arguments.dir, arguments.port


def listen(preferred: int) -> socket.socket:
    """Listen on the preferred port, or on any free one when that is taken."""
    for port in (preferred, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            listener.close()
            continue
        listener.listen(128)
        return listener
    raise OSError("There is no free port on this machine.")


def announce(listener: socket.socket) -> None:
    """Tell the parent the port; clients may connect from now on."""
    print(listener.getsockname()[1], flush=True)


def end_with_parent() -> None:
    """End at once when the parent closes our standard input, or is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(0)  # nothing to save: the journal is on disk already

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()

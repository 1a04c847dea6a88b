"""Run the outside world until told to stop."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from research_agent.world import World


def main() -> int:
    """Start the stand-ins, print their addresses, and stop them on SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m research_agent.world", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where the ledger is kept")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with World(parser.parse_args().dir) as world:
        for name, value in world.settings.items():
            print(f"{name}={value}")
        print(f"\nexport RESEARCH_AGENT_WORLD={world.settings_file}", flush=True)
        while not stopping.wait(0.5):
            if not world.is_running():
                print("A stand-in has ended by itself; see its log.", file=sys.stderr)
                return 1
    print(world.ledger.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())

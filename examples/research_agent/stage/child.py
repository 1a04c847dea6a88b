"""Run one holdfast command, and end with the process that started it."""

from holdfast.cli import main
from research_agent.world.child import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    main(prog_name="holdfast")

"""The performance from beginning to end: whatever happens, no process is left behind."""

import asyncio
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from holdfast.client import Client
from holdfast.errors import HoldfastError
from research_agent.stage import serving, story
from research_agent.stage.crew import Crew
from research_agent.stage.errors import StoryError
from research_agent.stage.narrator import Narrator
from research_agent.stage.services import check_settings, compose_environment, find_real
from research_agent.stage.stage import REPORT, Stage, near
from research_agent.world import World

PAGE_DELAY = timedelta(seconds=1)
FAILED, INTERRUPTED = 1, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What was asked for: `port` None serves nothing."""

    folder: Path
    email: str
    port: int | None


def play(programme: Programme, narrator: Narrator) -> int:
    """Tell the story, and return the exit code."""
    check_settings(_compose(programme))
    try:
        return asyncio.run(_play(programme, narrator))
    except asyncio.CancelledError:
        narrator.tell("Interrupted; every process of the demonstration has ended.")
        return INTERRUPTED


async def _play(programme: Programme, narrator: Narrator) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: task and task.cancel())
    with ExitStack() as closing:
        try:
            stage = _build(programme, narrator, closing)
        except (StoryError, HoldfastError) as error:
            narrator.tell(f"The demonstration cannot begin. {error}", loud=True)
            return FAILED
        try:
            return await _perform(stage, programme.port)
        except (StoryError, HoldfastError, OSError) as error:
            narrator.tell(f"The demonstration has failed. {error}", loud=True)
            if await stage.client.list(prefix=REPORT):
                narrator.show(stage.explain())
            narrator.tell(f"The logs of its processes are in {near(stage.folder)}.")
            return FAILED


def _build(programme: Programme, narrator: Narrator, closing: ExitStack) -> Stage:
    folder, real = programme.folder.resolve(), find_real()
    code, world = folder / "code", World(folder / "world")
    if (folder / "holdfast.db").exists():
        raise StoryError(
            f"{near(folder)} holds an earlier demonstration. Give --dir another folder."
        )
    try:
        code.mkdir(parents=True, exist_ok=True)
        world.directory.mkdir(exist_ok=True)
        client = Client(folder / "holdfast.db")
    except OSError as error:
        raise StoryError(f"The folder {near(folder)} cannot be used: {error.strerror}.") from None
    closing.callback(client.close)
    closing.callback(world.stop)
    crew = Crew(code=code, logs=folder, environ=_compose(programme))
    closing.callback(crew.stop)
    return Stage(
        folder=folder, client=client, crew=crew, world=world, narrator=narrator, real=real,
        email=programme.email,
    )  # fmt: skip


def _compose(programme: Programme) -> dict[str, str]:
    return compose_environment(programme.folder.resolve() / "world", page_delay=PAGE_DELAY)


async def _perform(stage: Stage, port: int | None) -> int:
    first = await story.set_up(stage)
    await story.ask(stage)
    await story.kill_in_the_middle(stage, first)
    await story.take_over(stage, first)
    await story.meet_the_others(stage)
    if port is None:
        await story.approve(stage)
        return 0 if await story.conclude(stage) else FAILED
    try:
        await serving.serve(stage, port)
    except asyncio.CancelledError:
        stage.narrator.tell("Ending the processes of the demonstration …")
    return 0

import logging

logger = logging.getLogger("agents")


class Hooks:
    def on_start(self, prompt: str) -> None: ...

    def on_end(self, answer: str) -> None: ...


class LoggingHooks(Hooks):
    def __init__(self, run: str) -> None:
        self.run = run

    def on_end(self, answer: str) -> None:
        logger.info("%s ended with %s characters", self.run, len(answer))  # mistake: HF602

from agent_hooks.hooks import Hooks


class Runner:
    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks

    def finish(self, answer: str) -> str:
        self.hooks.on_end(answer)
        return answer.strip()

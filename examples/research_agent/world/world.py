"""The processes of the outside world, started and ended together."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from research_agent.world.faults import read_faults, write_faults
from research_agent.world.ledger import Ledger, read_ledger

SOURCE_ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 10


class World:
    """Starts and ends the stand-in processes of one folder; what they did stays in the folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def settings_file(self) -> Path:
        """Return the file to name in RESEARCH_AGENT_WORLD."""
        return self.directory / "world.json"

    @property
    def settings(self) -> dict[str, str]:
        """Return the addresses by the names of the settings."""
        settings: dict[str, str] = json.loads(self.settings_file.read_text("utf-8"))
        return settings

    @property
    def ledger(self) -> Ledger:
        """Read what has happened so far."""
        return read_ledger(self.directory)

    def start(self) -> Self:
        """Start both processes, on the ports of last time if those are free."""
        if self._children:
            raise RuntimeError(f"The world in {self.directory} is running already.")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.settings_file.unlink(missing_ok=True)
        try:
            for name in ("web", "mail"):
                self._children[name] = self._launch(name)
            ports = {name: self._read_port(name) for name in self._children}
        except BaseException:
            self.stop()
            raise
        (self.directory / "ports.json").write_text(json.dumps(ports), "utf-8")
        self._write_settings(f"http://127.0.0.1:{ports['web']}", ports["mail"])
        return self

    def stop(self) -> None:
        """End the processes this object started, and no others."""
        self.settings_file.unlink(missing_ok=True)
        for child in self._children.values():
            if child.stdin:
                child.stdin.close()  # which tells the child to end
        for child in self._children.values():
            try:
                child.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout:
                child.stdout.close()
        self._children.clear()

    def is_running(self) -> bool:
        """Tell whether both processes are alive."""
        return bool(self._children) and all(c.poll() is None for c in self._children.values())

    def fail(self, service: str, status: int = 503) -> None:
        """Have a service (llm, company, rates, news, crm, smtp) refuse with this status."""
        write_faults(self.directory, read_faults(self.directory) | {service: status})

    def heal(self, service: str) -> None:
        """Let a service work again."""
        faults = read_faults(self.directory)
        faults.pop(service, None)
        write_faults(self.directory, faults)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self, name: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, (str(SOURCE_ROOT), os.environ.get("PYTHONPATH"))))
        port = str(self._read_last_ports().get(name, 0))
        module = f"research_agent.world.{name}"
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (our own modules)
                [sys.executable, "-m", module, "--dir", str(self.directory), "--port", port],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C is for the parent, which ends us
            )

    def _read_port(self, name: str) -> int:
        stdout = self._children[name].stdout
        line = stdout.readline() if stdout else b""
        if not line.strip().isdigit():
            raise RuntimeError(f"The {name} stand-in did not start: see {name}.log in its folder.")
        return int(line)

    def _read_last_ports(self) -> dict[str, int]:
        try:
            ports: dict[str, int] = json.loads((self.directory / "ports.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return ports

    def _write_settings(self, web: str, smtp_port: int) -> None:
        settings = {
            "OPENAI_BASE_URL": f"{web}/v1",
            "OPENAI_API_KEY": "stand-in",
            "OPENAI_MODEL": "stand-in-1",
            "COMPANY_URL": f"{web}/register",
            "RATES_URL": f"{web}/rates",
            "NEWS_URL": f"{web}/news/doc",
            "CRM_URL": f"{web}/crm",
            "FLAKY_URL": f"{web}/flaky",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp_port),
            "MAIL_FROM": "research@agent.example",
            "RESEARCH_AGENT_DATA": str(self.directory),
        }
        aside = self.directory / "world.json.part"
        aside.write_text(json.dumps(settings, indent=2), "utf-8")
        aside.replace(self.settings_file)

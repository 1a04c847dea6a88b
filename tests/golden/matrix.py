"""Replay the golden histories on every Python that holdfast supports: `poe golden-matrix`.

Each interpreter gets an environment of its own from the lock file, kept in `.venv-matrix/`. Interpreters are looked
for in HOLDFAST_PYTHONS (paths, separated as in PATH), then by name in PATH.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-matrix"
VERSIONS = ("3.11", "3.12", "3.13")
TESTS = ("tests/golden", "tests/runtime/core/test_programs.py", "tests/runtime/core/test_loop.py")
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def version_of(python: str) -> str:
    """Return the version of an interpreter, empty when it does not run."""
    try:
        asked = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def find_pythons(named: str, path: str) -> dict[str, str]:
    """Return the first interpreter of each supported version."""
    candidates = [part for part in named.split(os.pathsep) if part]
    candidates += [
        named_so
        for version in VERSIONS
        if (named_so := shutil.which(f"python{version}", path=path))
    ]
    candidates.append(sys.executable)
    found: dict[str, str] = {}
    for python in candidates:
        found.setdefault(version_of(python), python)
    return {version: found[version] for version in VERSIONS if version in found}


def environment(version: str, python: str) -> Path:
    """Return the interpreter of an environment that is as the lock file says, and make it when there is none."""
    folder = FOLDER / version
    made, stamp = folder / "bin" / "python", folder / ".stamp"
    lock, project = ROOT / "requirements.lock", ROOT / "pyproject.toml"
    digest = hashlib.sha256(lock.read_bytes() + project.read_bytes() + python.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return made
    print(f"{version}: preparing {folder.relative_to(ROOT)}", flush=True)
    pip = [sys.executable, "-m", "uv", "pip"]
    into = ["--quiet", "--python", str(made)]
    for command in (
        [sys.executable, "-m", "uv", "venv", "--quiet", "--clear", "--python", python, str(folder)],
        [*pip, "sync", *into, "--require-hashes", str(lock)],
        [*pip, "install", *into, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    ):
        subprocess.run(command, check=True)
    stamp.write_text(digest)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--any", action="store_true", help="be content with the versions there are")
    parser.add_argument("tests", nargs="*", default=TESTS, help="what to run on each")
    given = parser.parse_args()
    pythons = find_pythons(os.environ.get("HOLDFAST_PYTHONS", ""), os.environ.get("PATH", ""))
    missing = [version for version in VERSIONS if version not in pythons]
    if missing and not given.any:
        print(
            f"golden-matrix: no Python {', '.join(missing)} was found. Name interpreters in HOLDFAST_PYTHONS, "
            "separated as in PATH, or pass --any to do without."
        )
        sys.exit(2)
    failed = []
    for version, python in pythons.items():
        made = environment(version, python)
        ran = subprocess.run([str(made), "-m", "pytest", "-q", *given.tests], cwd=ROOT, check=False)
        print(f"{version}: {'passed' if ran.returncode == 0 else 'failed'}", flush=True)
        failed += [version] if ran.returncode else []
    print(f"golden-matrix: {len(pythons)} Pythons, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

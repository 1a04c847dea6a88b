"""Replay the golden histories on every Python that holdfast supports: `poe golden-matrix`.

Each interpreter gets an environment of its own from the lock file, kept in `.venv-matrix/`. Interpreters are looked
for in HOLDFAST_PYTHONS (paths, separated as in PATH), by name in PATH, and among those of pyenv and uv.

Each runs the tests of the core; then all of them, under several hash seeds, must do the same with the golden histories
and with random programs.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-matrix"
VERSIONS = ("3.11", "3.12", "3.13")
SEEDS = ("0", "1", "4242")
TESTS = ("tests/golden", "tests/runtime/core")
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"

FAILED = "failed: "
Key = tuple[str, str]  # a version and a hash seed


def version_of(python: str) -> str:
    """Return the version of an interpreter, empty when it does not run."""
    try:
        asked = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def candidates(environ: Mapping[str, str]) -> Iterator[str]:
    """Give what may be an interpreter, the named ones first."""
    yield from filter(None, environ.get("HOLDFAST_PYTHONS", "").split(os.pathsep))
    yield sys.executable
    for version in VERSIONS:
        if found := shutil.which(f"python{version}", path=environ.get("PATH", "")):
            yield found
    pyenv = Path(
        environ.get("PYENV_ROOT") or Path(environ.get("HOME", "~")).expanduser() / ".pyenv"
    )
    yield from (str(folder / "bin" / "python") for folder in _newest_first(pyenv / "versions"))
    yield from _kept_by_uv(environ)


def _newest_first(versions: Path) -> list[Path]:
    def number(folder: Path) -> list[int]:
        return [int(part) for part in folder.name.split(".") if part.isdecimal()]

    return sorted(versions.glob("3.*"), key=number, reverse=True)


def _kept_by_uv(environ: Mapping[str, str]) -> list[str]:
    command = [sys.executable, "-m", "uv", "python", "list", "--only-installed", "--managed-python", "--offline"]  # fmt: skip
    listed = subprocess.run(
        [*command, "--output-format", "json"], env=dict(environ), capture_output=True, text=True, check=False
    )  # fmt: skip
    return [one["path"] for one in json.loads(listed.stdout)] if listed.returncode == 0 else []


def find_pythons(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the first interpreter of each supported version."""
    found: dict[str, str] = {}
    for python in candidates(environ):
        if len(found.keys() & set(VERSIONS)) == len(VERSIONS):
            break
        found.setdefault(version_of(python), python)
    return {version: found[version] for version in VERSIONS if version in found}


def missing_text(found: Mapping[str, str]) -> str:
    """Return what to say of the versions that were not found, and how to name them; empty when all were."""
    missing = [version for version in VERSIONS if version not in found]
    if not missing:
        return ""
    example = os.pathsep.join(f"/path/to/python{version}" for version in missing)
    return (
        f"golden-matrix: NOT FOUND: Python {', '.join(missing)} (looked in HOLDFAST_PYTHONS, PATH, pyenv and uv).\n"
        f"golden-matrix: the golden histories are not replayed there. Name the interpreters: "
        f"HOLDFAST_PYTHONS={example}"
    )


def environment(version: str, python: str) -> Path:
    """Return the interpreter of an environment that is as the lock file says, and make it when there is none."""
    if python == sys.executable:
        return Path(python)
    folder = FOLDER / version
    made, stamp = folder / "bin" / "python", folder / ".stamp"
    lock, project = ROOT / "requirements.lock", ROOT / "pyproject.toml"
    digest = hashlib.sha256(lock.read_bytes() + project.read_bytes() + python.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest and version_of(str(made)) == version:
        return made
    print(f"{version}: preparing {folder.relative_to(ROOT)}", flush=True)
    into = ["--quiet", "--python", str(made)]
    _uv("venv", "--quiet", "--clear", "--python", python, str(folder))
    # Certificates of the system as a second try, as in .ci/setup.
    sync = ["pip", "sync", *into, "--require-hashes", str(lock)]
    if _uv(*sync, check=False):
        _uv(*sync, "--system-certs")
    _uv("pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(digest)
    return made


def _uv(*arguments: str, check: bool = True) -> int:
    ran = subprocess.run([sys.executable, "-m", "uv", *arguments], check=False).returncode
    if ran and check:
        sys.exit(f"golden-matrix: the environment could not be made: uv {' '.join(arguments)}")
    return ran


def digests(environments: Mapping[str, Path]) -> dict[Key, list[str]]:
    """Let each interpreter print, under each hash seed, what it makes of histories and random programs."""

    def ask(key: Key) -> list[str]:
        version, seed = key
        asked = subprocess.run(
            [str(environments[version]), "-m", "tests.golden.digest"], env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return (
            asked.stdout.splitlines()
            if asked.returncode == 0
            else [f"{FAILED}{asked.stderr.strip()}"]
        )

    keys = [(version, seed) for version in environments for seed in SEEDS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(keys, pool.map(ask, keys), strict=True))


def disagreements(printed: Mapping[Key, Sequence[str]]) -> list[str]:
    """Return a line for each interpreter and hash seed that does something else than the first."""
    first, said = next(iter(printed.items()))
    return [
        f"Python {version}, hash seed {seed}: not as on Python {first[0]}, seed {first[1]}: {line}"
        for (version, seed), lines in printed.items()
        for line in lines
        if line not in said or line.startswith(FAILED)
    ]


def run_tests(version: str, made: Path, tests: Sequence[str]) -> bool:
    """Let an interpreter run tests on all cores, and tell whether they passed."""
    print(f"{version}: {' '.join(tests)}", flush=True)
    command = [str(made), "-m", "pytest", "-q", "-n", "auto", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(command, cwd=ROOT, check=False)
    return ran.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--any", action="store_true", help="be content with the versions there are")
    parser.add_argument(
        "--quick", action="store_true", help="replay histories and programs; run no other test"
    )
    parser.add_argument("tests", nargs="*", default=TESTS, help="what to run on each")
    given = parser.parse_args()
    pythons = find_pythons(os.environ)
    if missing := missing_text(pythons):
        print(missing, flush=True)
    if missing and not given.any:
        print("golden-matrix: or pass --any to do without.")
        sys.exit(2)
    environments = {version: environment(version, python) for version, python in pythons.items()}
    failed = [] if given.quick else [
        version for version, made in environments.items() if not run_tests(version, made, given.tests)
    ]  # fmt: skip
    wrong = disagreements(digests(environments))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(
        f"golden-matrix: Python {', '.join(pythons)}, hash seeds {', '.join(SEEDS)}: "
        f"{len(failed)} Pythons failed, {len(wrong)} disagreements"
    )
    sys.exit(1 if failed or wrong else 0)


if __name__ == "__main__":
    main()

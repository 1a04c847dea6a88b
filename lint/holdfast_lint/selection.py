"""Which rules count in which file, and how much: the command line over the table of the nearest `pyproject.toml`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from holdfast_lint.config import Config, covers, nearest, read_config
from holdfast_lint.diagnostic import SEVERITIES, LintError, Severity
from holdfast_lint.rulebook import load_rules

ALL = "ALL"
PURE = "pure"
# How much a name weighs: as much as a whole code.
EXACT = len("HF101")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Hold what the command line says; `select`, `ignore` and `per_file_ignores` take the place of the table's."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()


class Selection:
    """Answer, for a file, which rules are looked for and how severe each is.

    Raises:
        LintError: from the first question about a file on, if an option or a table names no rule.
    """

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._configs: dict[Path, Config] = {}
        self._chosen: dict[Path, frozenset[str]] = {}
        given = self._options
        for words, where in (
            (given.select, "--select"),
            (given.extend_select, "--extend-select"),
            (given.ignore, "--ignore"),
            (_every(given.per_file_ignores), "--per-file-ignores"),
        ):
            for word in words:
                codes_of(word, where)

    def config(self, path: Path) -> Config:
        """Give the table that governs a file or folder."""
        return self._config_of(path if path.is_dir() else path.parent)

    def chosen(self, path: Path) -> frozenset[str]:
        """Give the codes that are looked for in a file."""
        if path not in self._chosen:
            self._chosen[path] = self._choose(path)
        return self._chosen[path]

    def severity(self, path: Path, code: str) -> Severity | None:
        """Give the severity that the table of a file gives a rule, if it gives one."""
        table = self.config(path).severity
        fitting = [word for word in table if code in codes_of(word)]
        return cast("Severity", table[max(fitting, key=_weight)]) if fitting else None

    def effects(self, paths: Iterable[Path]) -> Mapping[str, str]:
        """Gather what the tables above the named paths say of functions: a rule's code, or `pure`.

        Raises:
            LintError: if two tables disagree about a name.
        """
        told: dict[str, tuple[str, str]] = {}
        for config in {self.config(path).root: self.config(path) for path in paths}.values():
            for name, effect in config.effects.items():
                code = effect if effect == PURE else code_of(effect)
                before, where = told.setdefault(name, (code, config.where))
                if before != code:
                    raise LintError(
                        f"{config.where}: effects says {code} of {name!r}, but {where} says {before}"
                    )
        return {name: code for name, (code, _) in told.items()}

    def baseline(self, paths: Iterable[Path]) -> Path | None:
        """Give the baseline that the tables above the named paths name.

        Raises:
            LintError: if they name several.
        """
        found = {self.config(path).baseline for path in paths} - {None}
        if len(found) > 1:
            names = ", ".join(sorted(map(str, found)))
            raise LintError(
                f"these paths have several baselines, so say which with --baseline: {names}"
            )
        return next(iter(found), None)

    def _config_of(self, folder: Path) -> Config:
        if folder not in self._configs:
            config = read_config(folder)
            if config is not None:
                _check(config)
            elif folder != folder.parent:
                config = self._config_of(folder.parent)
            self._configs[folder] = config or Config(root=folder)
        return self._configs[folder]

    def _choose(self, path: Path) -> frozenset[str]:
        config, given = self.config(path), self._options
        select = given.select or config.select
        extended = (*given.extend_select, *(() if given.select else config.extend_select))
        asked, refused = _weights((*select, *extended)), _weights(given.ignore or config.ignore)
        ignores, root = config.per_file_ignores, config.root
        if given.per_file_ignores:
            ignores, root = given.per_file_ignores, Path.cwd()
        here = (words for pattern, words in ignores.items() if _fits(pattern, path, root))
        out = {code for words in here for word in words for code in codes_of(word)}
        return _wins({**({} if select else _defaults()), **asked}, refused) - out


def _fits(pattern: str, path: Path, root: Path) -> bool:
    return covers(pattern, path, root) or covers(pattern, Path(path.name), Path())


def _every(table: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(word for words in table.values() for word in words)


def _defaults() -> dict[str, int]:
    return {rule.code: _weight(ALL) for rule in load_rules() if rule.page.default}


def _wins(wanted: Mapping[str, int], refused: Mapping[str, int]) -> frozenset[str]:
    """Let the more exact word win: `HF101` over `HF1` over `ALL`; at a tie a rule is ignored."""
    return frozenset(code for code in wanted if wanted[code] > refused.get(code, -1))


def _weights(words: Iterable[str]) -> dict[str, int]:
    weights: dict[str, int] = {}
    for word in words:
        for code in codes_of(word):
            weights[code] = max(weights.get(code, 0), _weight(word))
    return weights


def _weight(word: str) -> int:
    return 0 if word == ALL else EXACT if word.islower() else len(word)


@cache
def codes_of(word: str, where: str = "") -> frozenset[str]:
    """Give the codes that a code, the beginning of one, a name, or `ALL` stands for.

    Raises:
        LintError: if there are none.
    """
    rules = load_rules()
    if word == ALL:
        return frozenset(rule.code for rule in rules)
    found = frozenset(
        rule.code for rule in rules if word == rule.name or (word and rule.code.startswith(word))
    )
    if not found:
        raise LintError(
            f"{where}{': ' if where else ''}there is no rule {word!r}{suggestion(word)}"
        )
    return found


def code_of(word: str) -> str:
    """Give the one code that a code or name stands for.

    Raises:
        LintError: if it is not exactly one.
    """
    for rule in load_rules():
        if word in {rule.code, rule.name}:
            return rule.code
    raise LintError(f"there is no rule {word!r}{suggestion(word)}")


def suggestion(word: str) -> str:
    """Name the rule that was probably meant, or all of them when none is near."""
    rules = load_rules()
    known = tuple(name for rule in rules for name in (rule.code, rule.name))
    guess = nearest(word.upper(), known) or nearest(word.lower(), known)
    return guess or f"; the codes are {', '.join(rule.code for rule in rules)}"


def normal(words: Iterable[str]) -> tuple[str, ...]:
    """Write codes in capitals, as people do not always; names stay as they are."""
    return tuple(
        word.upper() if word[:2].upper() == "HF" or word.upper() == ALL else word for word in words
    )


def _check(config: Config) -> None:
    """Check the words of a table against the rules."""
    for key, words in (
        ("select", config.select),
        ("extend-select", config.extend_select),
        ("ignore", config.ignore),
        ("severity", tuple(config.severity)),
    ):
        for word in words:
            codes_of(word, f"{config.where}: {key}")
    for pattern, words in config.per_file_ignores.items():
        for word in words:
            codes_of(word, f"{config.where}: per-file-ignores: {pattern!r}")
    for word, level in config.severity.items():
        if level not in SEVERITIES:
            raise LintError(
                f"{config.where}: severity: {word!r} must be one of {', '.join(sorted(SEVERITIES))},"
                f" not {level!r}"
            )
    _check_effects(config)


def _check_effects(config: Config) -> None:
    for name, effect in config.effects.items():
        where = f"{config.where}: effects: {name!r}"
        if not all(part.isidentifier() for part in name.split(".")):
            raise LintError(f"{where} must be a full name such as 'app.clock.now'")
        if effect == PURE:
            continue
        try:
            rule = next(rule for rule in load_rules() if rule.code == code_of(effect))
        except LintError as error:
            raise LintError(f"{where} must be 'pure' or the code of a rule: {error}") from None
        if rule.page.finds is None:
            raise LintError(
                f"{where}: {rule.code} is not about calling a function, so no function has its effect"
            )

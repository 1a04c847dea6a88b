"""Files → a linked project: which module an import names, loading helpers from disk as imports reach them."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from holdfast_lint.model import Class, Function, ImportFrom
from holdfast_lint.module import Module
from holdfast_lint.scopes import Scope, attributes_of, scopes_of, stars_of

Loader = Callable[[Path], Module | None]


class Project:
    """Hold the modules of a check.

    Modules are known by path, not by name, because scripts in different folders may share a name. `packages` are
    never looked for in the project: they are what the code under check is written against.
    """

    def __init__(
        self, modules: Iterable[Module], *, packages: frozenset[str], load: Loader
    ) -> None:
        self.named = {module.path: module for module in modules}
        self.modules: dict[str, Module | None] = {}
        self.scopes: dict[Module | Class | Function, Scope] = {}
        self._attributes: dict[Class, frozenset[str]] = {}
        self._stars: dict[Module, tuple[ImportFrom, ...]] = {}
        self._rebinders: dict[Module, tuple[Function, ...]] = {}
        self._packages = packages
        self._load = load
        self._places: dict[tuple[Path, str], str | None] = {}
        for module in self.named.values():
            self._add(module)
        self._roots = tuple(dict.fromkeys(root_of(Path(path)) for path in self.named))

    def module(self, path: str) -> Module | None:
        """Give the module at `path`, loading it when an import is the first to need it."""
        if path not in self.modules:
            module = self._load(Path(path)) if path.endswith(".py") else None
            self.modules[path] = module
            if module is not None:
                self._add(module)
        return self.modules[path]

    def attributes(self, definition: Class) -> frozenset[str]:
        """Name what a class and its objects hold, found before any of it is evaluated."""
        if definition not in self._attributes:
            self._attributes[definition] = attributes_of(definition)
        return self._attributes[definition]

    def stars(self, module: Module) -> tuple[ImportFrom, ...]:
        """List the star imports of a module."""
        if module not in self._stars:
            self._stars[module] = tuple(stars_of(module))
        return self._stars[module]

    def rebinders(self, module: Module) -> tuple[Function, ...]:
        """List the functions of a module that declare names global."""
        return self._rebinders[module]

    def full_name(self, function: Function) -> str:
        """Name a function as an import would, such as `app.clock.Clock.now`."""
        return f"{module_name(Path(function.path))}.{function.qualified}"

    def absolute(self, importer: str, dotted: str) -> str | None:
        """Find the file or folder that `import dotted` names inside the project.

        The standard library wins over a project file of the same name.
        """
        top = dotted.partition(".")[0]
        if top in self._packages or top in sys.stdlib_module_names:
            return None
        file = Path(importer)
        for root in (root_of(file), file.parent, *self._roots):
            if self._place(root, top) is not None:
                return self._below(root, dotted)
        return None

    def relative(self, importer: str, dotted: str, level: int) -> str | None:
        """Find the file or folder that `from ..dotted import` names."""
        folder = Path(importer).parent
        for _ in range(level - 1):
            folder = folder.parent
        if not dotted:
            return self._place(folder.parent, folder.name)
        return self._below(folder, dotted)

    def submodule(self, path: str, name: str) -> str | None:
        """Find a module inside a package or folder."""
        file = Path(path)
        if file.suffix == ".py" and file.name != "__init__.py":
            return None
        return self._place(file.parent if file.suffix == ".py" else file, name)

    def _below(self, folder: Path, dotted: str) -> str | None:
        return self._place(folder.joinpath(*dotted.split(".")[:-1]), dotted.rpartition(".")[2])

    def _place(self, folder: Path, name: str) -> str | None:
        key = (folder, name)
        if key not in self._places:
            self._places[key] = _find(folder / name)
        return self._places[key]

    def _add(self, module: Module) -> None:
        self.modules[module.path] = module
        scopes = scopes_of(module)
        self.scopes.update(scopes)
        self._rebinders[module] = tuple(
            node
            for node, scope in scopes.items()
            if isinstance(node, Function) and "global" in scope.outer.values()
        )


def module_name(file: Path) -> str:
    """Name the module that a file is, seen from where it is imported."""
    parts = file.relative_to(root_of(file)).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def root_of(file: Path) -> Path:
    """Find the folder from which a file is imported: above its topmost package."""
    folder = file.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _find(stem: Path) -> str | None:
    for candidate in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
        if candidate.is_file():
            return str(candidate)
    if stem.is_dir() and (any(stem.glob("*.py")) or any(stem.glob("*/*.py"))):
        return str(stem)
    return None

"""What a name or an attribute stands for: builtins, imports, re-exports, star imports, classes and their bases."""

import builtins
from collections.abc import Iterator
from dataclasses import replace

from holdfast_lint import model
from holdfast_lint.inference.cells import BASES
from holdfast_lint.inference.frame import Frame
from holdfast_lint.model import Class
from holdfast_lint.module import Module
from holdfast_lint.values import (
    NOTHING,
    UNKNOWN,
    ActivityRef,
    ClassRef,
    Collection,
    CollectionMethod,
    External,
    FunctionRef,
    Instance,
    ModuleRef,
    Rebinding,
    SuperRef,
    Value,
    Values,
    WorkflowRef,
    external,
    join,
    one,
)

BUILTINS = frozenset(dir(builtins))


def look_up_name(frame: Frame, name: str) -> Values:
    """Resolve a name as Python does: here, around here, the module, the builtins."""
    home = frame.scope.home(name)
    if home is frame.scope and name in frame.local:
        return frame.local[name]
    if home is not None:
        return frame.program.cells.read(home.node, name, frame.unit)
    starred = _from_star(frame, frame.scope.module, name, frozenset())
    if starred is not None:
        return starred
    return external(f"builtins.{name}") if name in BUILTINS else UNKNOWN


def look_up_import(frame: Frame, dotted: str, level: int) -> Values:
    """Resolve the module of an import statement."""
    project, importer = frame.program.project, frame.scope.module.path
    if level:
        path = project.relative(importer, dotted, level)
        return UNKNOWN if path is None else one(ModuleRef(path=path))
    path = project.absolute(importer, dotted)
    return external(dotted) if path is None else one(ModuleRef(path=path))


def look_up_attribute(frame: Frame, value: Value, name: str) -> Values:  # noqa: PLR0911 - one arm per kind
    """Resolve `value.name`; nothing means that this possibility cannot be meant."""
    match value:
        case External():
            return _of_external(frame, value, name)
        case ModuleRef(path=path):
            return module_attribute(frame, path, name)
        case Instance(definition=definition) | ClassRef(definition=definition):
            return _of_class(frame, list(lineage(frame, definition)), name, value)
        case SuperRef(definition=definition, receiver=receiver):
            return _of_class(frame, list(lineage(frame, definition))[1:], name, receiver)
        case ActivityRef() if name in frame.program.dialects.rebinds:
            return one(Rebinding(activity=value))
        case WorkflowRef(role=role):
            offered = frame.program.dialects.attribute_of(role, name)
            return UNKNOWN if offered is None else external(offered)
        case Collection():
            return one(CollectionMethod(collection=value, name=name))
        case _:
            return UNKNOWN


def module_attribute(frame: Frame, path: str, name: str) -> Values:
    """Resolve a name that another module offers: its own, a re-export, a submodule."""
    offered = _offered(frame, path, name, frozenset())
    return UNKNOWN if offered is None else offered


def lineage(
    frame: Frame, definition: Class, seen: frozenset[Class] = frozenset()
) -> Iterator[Class | External]:
    """Yield a class and its bases, depth first; bases outside the project come as their names."""
    if definition in seen:
        return
    yield definition
    for base in frame.program.cells.read(definition, BASES, frame.unit):
        if isinstance(base, ClassRef):
            yield from lineage(frame, base.definition, seen | {definition})
        elif isinstance(base, External):
            yield base


def _of_external(frame: Frame, value: External, name: str) -> Values:
    owner = value.name.removeprefix("builtins.").removesuffix("()")
    if value.name == f"builtins.{owner}()" and not _has(owner, name):
        return NOTHING
    return frame.outside(f"{value.name}.{name}", shared=value.shared)


def _has(builtin: str, name: str) -> bool:
    kind = type(None) if builtin == "NoneType" else getattr(builtins, builtin, None)
    return kind is None or not isinstance(kind, type) or hasattr(kind, name)


def _of_class(
    frame: Frame, classes: list[Class | External], name: str, receiver: Instance | ClassRef
) -> Values:
    for item in classes:
        if isinstance(item, Class):
            found = frame.program.cells.read(item, name, frame.unit)
            if found or name in frame.program.project.attributes(item):
                return join(one(_bound(frame, value, receiver)) for value in found)
    call = "()" if isinstance(receiver, Instance) else ""
    outside = [f"{item.name}{call}.{name}" for item in classes if isinstance(item, External)]
    # Which of several bases outside has the attribute does not show, but a table may know.
    outside.sort(key=lambda full: not frame.program.dialects.knows(full))
    return frame.outside(outside[0]) if outside else NOTHING


def _bound(frame: Frame, value: Value, receiver: Instance | ClassRef) -> Value:
    """Bind a method to its object, but not a function that merely was stored in an attribute."""
    if not isinstance(value, FunctionRef) or value.receiver is not None:
        return value
    if frame.program.project.scopes[value.function].owner is None or value.binding == "static":
        return value
    if value.binding == "class":
        return replace(value, receiver=ClassRef(definition=receiver.definition))
    return replace(value, receiver=receiver) if isinstance(receiver, Instance) else value


def _offered(frame: Frame, path: str, name: str, seen: frozenset[str]) -> Values | None:
    """Find what a module offers under a name; no values yet differs from no such name."""
    project = frame.program.project
    module = project.module(path)
    if module is not None:
        frame.program.cells.need(module)
        if name in project.scopes[module].bound:
            return frame.program.cells.read(module, name, frame.unit)
        starred = _from_star(frame, module, name, seen)
        if starred is not None:
            return starred
    inner = project.submodule(path, name)
    return None if inner is None else one(ModuleRef(path=inner))


def _from_star(frame: Frame, module: Module, name: str, seen: frozenset[str]) -> Values | None:
    if module.path in seen:
        return None
    for statement in frame.program.project.stars(module):
        found = _through_star(frame, module, statement, name, seen | {module.path})
        if found is not None:
            return found
    return None


def _through_star(
    frame: Frame, module: Module, statement: model.ImportFrom, name: str, seen: frozenset[str]
) -> Values | None:
    project = frame.program.project
    if statement.level:
        path = project.relative(module.path, statement.dotted, statement.level)
    else:
        path = project.absolute(module.path, statement.dotted)
    if path is not None:
        source = project.module(path)
        return _offered(frame, path, name, seen) if source and exports(source, name) else None
    full = f"{statement.dotted}.{name}"
    known = frame.program.catalog.knows(full) or frame.program.dialects.knows(full)
    return external(full) if known and not statement.level else None


def exports(module: Module, name: str) -> bool:
    """Tell whether `from module import *` brings `name`."""
    for statement in module.body:
        match statement:
            case model.Assign(
                targets=(model.Name(id="__all__"),), value=model.Display(items=items)
            ):
                listed = {item.text for item in items if isinstance(item, model.Constant)}
                return name in listed
    return not name.startswith("_")

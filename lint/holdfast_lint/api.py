"""Checking paths: discover, collect, link, analyse, apply rules, suppress, report."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from holdfast_lint.callgraph import CallGraph, build_callgraph
from holdfast_lint.catalog import load_catalog
from holdfast_lint.collect.files import collect_file
from holdfast_lint.diagnostic import Coverage, Diagnostic, Hop, Problem, Report
from holdfast_lint.dialectbook import load_dialects
from holdfast_lint.discovery import discover
from holdfast_lint.fixes.planning import with_fixes
from holdfast_lint.flow import Flow, waters_of
from holdfast_lint.model import Function
from holdfast_lint.module import Module
from holdfast_lint.project import Project
from holdfast_lint.rule import Hit, Rule, View
from holdfast_lint.rulebook import load_rules
from holdfast_lint.selection import Options, Selection
from holdfast_lint.suppress import directives_of, review, suppress
from holdfast_lint.world import World

# libcst and the analysis recurse over the syntax tree, a dozen frames per level at most, and `parse` bounds the levels.
DEEPEST_STACK = 10_000


def check_paths(
    paths: Sequence[Path],
    *,
    options: Options | None = None,
    overlay: Mapping[Path, str] | None = None,
    folder: Path | None = None,
) -> Report:
    """Check files and folders without importing any of them.

    Args:
        paths: Files and folders; folders are walked.
        options: What takes the place of the table `[tool.holdfast.lint]`, or adds to it.
        overlay: Texts that take the place of files, such as what an editor has not saved yet.
        folder: What paths in the report are relative to; the working directory by default.

    Raises:
        LintError: if a code is unknown or a `[tool.holdfast.lint]` table does not make sense.
    """
    selection = Selection(options)
    found = discover(paths, selection.config, () if options is None else options.exclude)
    problems = list(found.problems)
    catalog = load_catalog().declaring(selection.effects(found.files))
    dialects = load_dialects()
    loader = _Loader(problems, overlay or {})
    with _recursion(DEEPEST_STACK):
        modules = [module for file in found.files if (module := loader(file)) is not None]
        project = Project(modules, packages=dialects.packages, load=loader)
        graph = build_callgraph(project, catalog, dialects)
        report = _judge(project, graph, selection, problems)
    return _shorten(replace(report, left_out=found.left_out), folder or Path.cwd())


class _Loader:
    def __init__(self, problems: list[Problem], overlay: Mapping[Path, str]) -> None:
        self._problems = problems
        self._overlay = overlay

    def __call__(self, file: Path) -> Module | None:
        outcome = collect_file(file, shown=str(file), text=self._overlay.get(file))
        if isinstance(outcome, Module):
            return outcome
        self._problems.append(outcome)
        return None


@contextmanager
def _recursion(limit: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _judge(
    project: Project,
    graph: CallGraph,
    selection: Selection,
    problems: Iterable[Problem],
) -> Report:
    loaded = [module for module in project.modules.values() if module is not None]
    chosen = {module.path: selection.chosen(Path(module.path)) for module in loaded}
    directives = [directive for module in loaded for directive in directives_of(module)]
    outcome = suppress(_findings(project, graph, chosen), directives)
    named = [directive for directive in directives if directive.path in project.named]
    remarks = (
        item for item in review(named, outcome.used, chosen) if item.code in chosen[item.path]
    )
    diagnostics = sorted(
        (_weighed(selection, item) for item in (*outcome.kept, *remarks)),
        key=lambda item: (item.path, item.span, item.code, item.message),
    )
    sources = {module.path: module.text for module in loaded}
    return Report(
        diagnostics=tuple(with_fixes(diagnostics, sources)),
        suppressed=outcome.suppressed,
        problems=tuple(
            sorted(set(problems), key=lambda problem: (problem.path, problem.line or 0))
        ),
        coverage=_coverage(project, graph),
        sources=sources,
        checked={path: chosen[path] for path in project.named},
    )


def _weighed(selection: Selection, item: Diagnostic) -> Diagnostic:
    return replace(item, severity=selection.severity(Path(item.path), item.code) or item.severity)


def _coverage(project: Project, graph: CallGraph) -> Coverage:
    traces = [graph.traces[function] for function in graph.reached() if function in graph.traces]
    return Coverage(
        files=len(project.named),
        workflows=sum(role.kind == "workflow" for role in graph.roles.values()),
        calls=sum(len(trace.callees) for trace in traces),
        resolved_calls=sum(trace.is_resolved(call) for trace in traces for call in trace.callees),
    )


def _findings(
    project: Project, graph: CallGraph, chosen: Mapping[str, frozenset[str]]
) -> Iterator[Diagnostic]:
    reached = {item: graph.traces[item] for item in graph.reached() if item in graph.traces}
    flow = Flow(project, reached, graph.workflows, waters_of(reached, graph.dialects))
    steps = graph.steps
    world = World(project=project, dialects=graph.dialects, entries=graph, steps=steps)
    for one in (graph, steps):
        for function in one.reached():
            if function not in one.traces:
                continue
            view = View(
                function=function,
                trace=one.traces[function],
                traces=one.traces,
                dialect=one.dialect_of(function),
                flow=flow,
                world=world,
            )
            for rule in load_rules():
                if rule.code in chosen[function.path]:
                    for hit in (rule.check if one is graph else rule.check_step)(view):
                        yield _diagnostic(one, function, rule, hit)
    for rule in load_rules():
        for defect in rule.survey(world):
            if rule.code in chosen[defect.path]:
                yield _found(rule, defect.path, defect.hit, (), 0)


def _diagnostic(graph: CallGraph, function: Function, rule: Rule, hit: Hit) -> Diagnostic:
    chain, others = graph.chain(function, hit.span, hit.root)
    return _found(rule, function.path, hit, chain, others)


def _found(rule: Rule, path: str, hit: Hit, chain: tuple[Hop, ...], others: int) -> Diagnostic:
    return Diagnostic(
        code=rule.code,
        name=rule.name,
        severity=hit.severity or rule.severity,
        path=path,
        span=hit.span,
        message=hit.message,
        advice=hit.advice,
        chain=chain,
        other_workflows=others,
        sinks=hit.sinks,
    )


def _shorten(report: Report, folder: Path) -> Report:
    """Write paths below `folder` relative to it, as people type them."""

    def short(path: str) -> str:
        file = Path(path)
        return str(file.relative_to(folder)) if file.is_relative_to(folder) else path

    def shown(item: Diagnostic) -> Diagnostic:
        chain = tuple(replace(hop, path=short(hop.path)) for hop in item.chain)
        sinks = tuple(replace(sink, path=short(sink.path)) for sink in item.sinks)
        return replace(item, path=short(item.path), chain=chain, sinks=sinks)

    return replace(
        report,
        diagnostics=tuple(map(shown, report.diagnostics)),
        suppressed=tuple(
            replace(item, diagnostic=shown(item.diagnostic)) for item in report.suppressed
        ),
        problems=tuple(replace(problem, path=short(problem.path)) for problem in report.problems),
        left_out=tuple(replace(item, path=short(item.path)) for item in report.left_out),
        checked={short(path): codes for path, codes in report.checked.items()},
        sources={short(path): text for path, text in report.sources.items()},
    )

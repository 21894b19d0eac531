"""Runs that were killed: where they are kept, and whether what they need is as it was."""

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from .config import RunConfig
from .errors import ResultError
from .journal import NAME, Kept, read_journal
from .manifest import strategy_entry, versions
from .market.store import Store
from .output import DEFAULT_ROOT, OutputFolder
from .plan import Plan
from .result import MANIFEST
from .strategy import Strategy

AGAIN = "run it again"


def begin(
    config: RunConfig, strategy: Strategy | None, store: Store, plan: Plan, folder: OutputFolder
) -> dict[str, Any]:
    """What somebody needs to know who goes on with a run after a kill."""
    return {
        "config": {f.name: getattr(config, f.name) for f in fields(config)},
        "inputs": _inputs(config, strategy, store, plan),
        "where": str(Path.cwd()),
        "final": str(folder.final),
        "force": folder.force,
    }


def _inputs(
    config: RunConfig, strategy: Strategy | None, store: Store, plan: Plan
) -> dict[str, dict[str, Any]]:
    """Everything that decides a run's result, by kind and name."""
    origin = strategy_entry(config, strategy)
    files = {path for group in plan.groups for path in _files(group)}
    return {
        "the strategy": {origin["name"]: origin["hash"]},
        "the data file": {str(p.relative_to(store.root)): _seen(p) for p in sorted(files)},
        "the rules of": {a.venue: a.rulebook.hash for g in plan.groups for a in g.accounts},
        "the version of": dict(versions()),
    }


def _files(group: Any) -> list[Path]:
    series = [s for d in group.data for s in (d.trade, d.mark, d.funding) if s is not None]
    return [path for one in series for path in one.files]


def _seen(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def refuse_changes(
    kept: Kept, config: RunConfig, strategy: Strategy | None, store: Store, plan: Plan
) -> None:
    """Raise ResultError where a run would not go on as it began."""
    was, now = kept.begin["inputs"], _inputs(config, strategy, store, plan)
    for kind, names in was.items():
        for name in sorted({*names, *now[kind]}):
            if names.get(name) != now[kind].get(name):
                raise ResultError(
                    f"{kind} {name} has changed since the run of {kept.begin['final']} began, so "
                    f"it cannot go on; {AGAIN}."
                )


def find_kept(path: Path | None) -> Kept:
    """The killed run that was to write `path`; without one the last in the results folder."""
    if path is None:
        found = _left_in(Path(DEFAULT_ROOT), ".*")
        what = f"no run in {DEFAULT_ROOT} was killed in the middle"
    else:
        if (path / MANIFEST).is_file() and not (found := _left_in(path.parent, f".{path.name}-*")):
            raise ResultError(f"the run of {path} is complete; `backtest show {path}` prints it.")
        found = _left_in(path.parent, f".{path.name}-*")
        what = f"there is no run of {path} to go on with"
    if not found:
        raise ResultError(f"{what}: a run keeps what it has done after its first second; {AGAIN}.")
    return found[-1]


def _left_in(parent: Path, pattern: str) -> list[Kept]:
    """Kept runs in a folder, the one that was written to last at the end."""
    journals = [p for p in parent.glob(f"{pattern}/{NAME}") if p.is_file()]
    journals.sort(key=lambda p: p.stat().st_mtime_ns)
    return [kept for kept in map(read_journal, journals) if kept is not None]


@contextmanager
def where_it_began(kept: Kept) -> Iterator[None]:
    """In the folder in which the run was begun, as paths may be relative to it."""
    try:
        with chdir(kept.begin["where"]):
            yield
    except FileNotFoundError as error:
        if error.filename != kept.begin["where"]:
            raise
        raise ResultError(f"the folder {error.filename} of the run is gone; {AGAIN}.") from error

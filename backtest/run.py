"""The main path: data are streamed through accounts that follow venues' rules into a result."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .accounts import Account
from .config import RunConfig
from .crew import Crew, Progress
from .errors import UsageError
from .hashing import FileHashes
from .journal import NAME, Journal, Kept
from .kept import begin, find_kept, refuse_changes, where_it_began
from .loading import load
from .manifest import build_manifest, strategy_entry
from .market.store import Store
from .order_file import read_orders
from .order_symbols import in_names_of_run
from .output import OutputFolder
from .plan import Plan, plan_run
from .records import Recorder
from .result import Result
from .samples import open_data
from .strategy import Strategy, of


def execute(
    config: RunConfig, out: Path | None = None, *, strategy: Strategy | None = None,
    progress: Progress | None = None, force: bool = False,
) -> Result:  # fmt: skip
    """Run a config and write its result; `strategy` stands in for the config's file."""
    chosen = strategy or _load(config)
    _refuse_unheard_alerts(config, chosen)
    config, store = open_data(config)
    plan = _plan(config, store, chosen)
    with OutputFolder(out, chosen.name if chosen else "orders", force) as folder:
        journal = Journal(folder.path / NAME, begin(config, chosen, store, plan, folder))
        return _carry_out(Crew(config, chosen, plan, journal, progress), store, folder)


def resume(
    path: Path | None, *, strategy: Callable[..., Any] | None = None,
    progress: Progress | None = None,
) -> Result:  # fmt: skip
    """Go on with a run that was killed; `path` is the result it was to write, None the last
    in the results folder.

    Its strategy, data and rules must be as they were; `strategy` stands in for one that was
    given as a function. Raises ResultError where there is nothing to go on with, or it has changed.
    """
    kept = find_kept(path)
    with where_it_began(kept):
        config = RunConfig(**kept.begin["config"])
        chosen = of(strategy, config.params) if strategy else _load(config)
        config, store = open_data(config)
        plan = _plan(config, store, chosen)
        refuse_changes(kept, config, chosen, store, plan)
        journal = Journal(kept.path, None, kept.size).hold()
        with OutputFolder.reopen(kept.path.parent, kept.begin) as folder:
            return _carry_out(Crew(config, chosen, plan, journal, progress), store, folder, kept)


def _load(config: RunConfig) -> Strategy | None:
    return load(config.strategy, config.params) if config.strategy else None


def _refuse_unheard_alerts(config: RunConfig, chosen: Strategy | None) -> None:
    if config.thresholds and (chosen is None or chosen.kind != "on_bar"):
        has = "there is none here" if chosen is None else f"{chosen.name} has targets(bars)"
        raise UsageError(
            f"--alerts are told to on_bar(view), and {has}; leave them out, or let a policy act, "
            "such as reduce_on_alert:0.8."
        )


def _plan(config: RunConfig, store: Store, chosen: Strategy | None) -> Plan:
    return plan_run(config, store, None if chosen else _names_check(Path(str(config.orders))))


def _names_check(path: Path) -> Callable[[Account], Any]:
    """What refuses an account that lacks a symbol of an order file."""
    return partial(in_names_of_run, path, read_orders(path))


def _carry_out(crew: Crew, store: Store, folder: OutputFolder, kept: Kept | None = None) -> Result:
    """Run all accounts, from the start or from where a kept run stands, and write the result."""
    config, groups = crew.config, crew.plan.groups
    origin = strategy_entry(config, crew.strategy)
    synthetic = any(d.trade.synthetic for group in groups for d in group.data)
    metadata = {"synthetic": str(synthetic).lower()}
    with crew.journal, Recorder(folder.path, metadata) as recorder:
        files = FileHashes([group.data for group in groups], store.root)
        sessions = crew.work(recorder, kept)
        looked_into = [one for group in groups if group.finer for one in group.finer.used]
        content = build_manifest(config, origin, sessions, files.result(looked_into))
        content |= {"synthetic": synthetic, "left_out": crew.plan.left_out}
        content |= {"result_hash": recorder.finish(), "rows": recorder.rows}
        folder.finish(content)
    return Result(folder.final)

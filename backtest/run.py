"""The main path: data are streamed through accounts that follow venues' rules into a result."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .accounts import Account
from .config import RunConfig, milliseconds
from .dialogue import Dialogue
from .errors import StrategyError
from .frames import lazy_frames
from .hashing import FileHashes
from .legs import Positions
from .loading import load
from .manifest import build_manifest, strategy_entry
from .market.store import Store
from .market.stream import Stream
from .order_file import order_events, read_orders
from .order_symbols import in_names_of_run
from .orders import from_targets
from .output import OutputFolder
from .plan import Group, plan_run
from .records import Recorder
from .result import Result
from .samples import sample_data
from .session import Session, open_session
from .strategy import Strategy

Progress = Callable[[int, int], None]


def execute(
    config: RunConfig, out: Path | None = None, *, strategy: Strategy | None = None,
    progress: Progress | None = None, force: bool = False,
) -> Result:  # fmt: skip
    """Run a config and write its result; `strategy` stands in for the config's file."""
    chosen = strategy or (load(config.strategy, config.params) if config.strategy else None)
    store = Store(Path(config.data) if config.data else sample_data())
    plan = plan_run(config, store, None if chosen else _names_check(Path(str(config.orders))))
    groups = plan.groups
    origin = strategy_entry(config, chosen)
    synthetic = any(d.trade.synthetic for group in groups for d in group.data)
    with (
        OutputFolder(out, chosen.name if chosen else "orders", force) as folder,
        Recorder(folder.path, {"synthetic": str(synthetic).lower()}) as recorder,
    ):
        files = FileHashes([group.data for group in groups], store.root)
        count = _Count(groups, config.timeframe_ms, progress)
        sessions = [s for group in groups for s in _run(config, chosen, group, recorder, count)]
        looked_into = [one for group in groups if group.finer for one in group.finer.used]
        content = build_manifest(config, origin, sessions, files.result(looked_into))
        content |= {"synthetic": synthetic, "left_out": plan.left_out}
        content |= {"result_hash": recorder.finish(), "rows": recorder.rows}
        folder.finish(content)
    return Result(folder.final)


def _names_check(path: Path) -> Callable[[Account], Any]:
    """What refuses an account that lacks a symbol of an order file."""
    return partial(in_names_of_run, path, read_orders(path))


@dataclass
class _Count:
    """How many bars of all groups are done."""

    groups: list[Group]
    bar_ms: int
    progress: Progress | None
    done: int = 0

    def add(self, bars: int) -> None:
        self.done += bars
        if self.progress is not None:
            spans = [group.span for group in self.groups]
            self.progress(self.done, sum((s.until - s.since) // self.bar_ms for s in spans))


def _run(
    config: RunConfig, strategy: Strategy | None, group: Group, recorder: Recorder, count: _Count
) -> list[Session]:
    """Run all accounts of a group over one pass of its stream."""
    asked = strategy is not None and strategy.kind == "on_bar"
    stream = _stream(config, group, volume=asked)
    sessions = [open_session(config, account, group) for account in group.accounts]
    _give_orders(config, strategy, group, sessions, recorder)
    for number, block in enumerate(stream.blocks()):
        for session in sessions:
            if number == 0:
                session.worst.engine.know_funding(stream.last_funding)
            session.feed(block, recorder)
        count.add(len(block.ts))
    for session in sessions:
        session.end(recorder, stream)
    return sessions


def _stream(config: RunConfig, group: Group, volume: bool) -> Stream:
    return Stream(
        group.data, config.timeframe_ms, group.span.since, group.span.until, volume=volume,
        max_gap_ms=milliseconds(config.max_gap), missing_funding=config.funding_policy,
    )  # fmt: skip


def _give_orders(
    config: RunConfig,
    strategy: Strategy | None,
    group: Group,
    sessions: list[Session],
    recorder: Recorder,
) -> None:
    """Hand every account its order events, or a dialogue with an `on_bar` strategy."""
    if strategy is not None and strategy.kind == "on_bar":
        positions = Positions(tuple(group.symbols), config.hedge)
        for session in sessions:
            life = session.worst
            life.dialogue = Dialogue(strategy, life.engine, positions, config.exposure)
        return
    if strategy is None:
        _replay(config, group, sessions, recorder)
        return
    events = _targets(config, strategy, group)
    for session in sessions:
        session.worst.engine.give(events)


def _replay(config: RunConfig, group: Group, sessions: list[Session], recorder: Recorder) -> None:
    """Hand every account the rows of the order file, which name symbols as its venue does."""
    path = Path(str(config.orders))
    frame, positions = read_orders(path), Positions(tuple(group.symbols), config.hedge)
    last = group.span.until - config.timeframe_ms
    for session in sessions:
        own = in_names_of_run(path, frame, session.account)
        events = order_events(path, own, positions, config.exposure)
        inside = (events["ts"] >= group.span.since) & (events["ts"] <= last)
        session.leave_out(recorder, events[~inside])
        session.worst.engine.give(events[inside])


def _targets(config: RunConfig, strategy: Strategy, group: Group) -> Any:
    frames = lazy_frames(strategy, group.data, group.symbols, group.span)
    positions = Positions(tuple(group.symbols), config.hedge)
    try:
        return from_targets(strategy, frames, positions, config.exposure, config.timeframe_ms)
    except StrategyError:
        # Frames are read without the stream's checks: a broken file must not look like the
        # strategy's fault, so the stream is asked whether it finds one.
        for _ in _stream(config, group, volume=True).blocks():
            pass
        raise

"""The main path: data are streamed through accounts that follow venues' rules into a result."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .config import RunConfig, milliseconds
from .core.engine import Engine, Settings
from .core.state import KINDS, OnLiquidation
from .core.types import MarginMode
from .manifest import build_manifest
from .market.store import Store
from .market.stream import Block, Stream, SymbolData
from .orders import from_file, from_targets, sorted_events
from .output import OutputFolder
from .plan import Account, Span, account_rules, common_span, plan_accounts, symbol_data
from .records import Names, Recorder
from .result import Result
from .strategy import Strategy, load
from .view import Dialogue

Progress = Callable[[int, int], None]


@dataclass
class Session:
    """One account while it runs."""

    account: Account
    engine: Engine
    rules: Any
    names: Names
    dialogue: Dialogue | None = None
    bars: int = 0
    extrapolated: int = 0
    statistics: list[Any] = field(default_factory=list)

    def feed(self, block: Block) -> None:
        """Run a block, unless the account has ended."""
        if self.engine.stopped:
            return
        if self.dialogue is not None:
            self.dialogue.feed(block)
        else:
            self.engine.feed(block.ts, block.prices, block.flags)
        self.bars += int(np.count_nonzero(block.flags))
        self.extrapolated += _extrapolated_bars(self.rules, block)

    def flush(self, recorder: Recorder) -> None:
        """Hand the records written so far to the files."""
        for kind in KINDS:
            recorder.add(kind, self.engine.take(kind), self.names)


def execute(
    config: RunConfig, out: Path | None = None, *, strategy: Strategy | None = None,
    progress: Progress | None = None, force: bool = False,
) -> Result:  # fmt: skip
    """Run a config and write its result; `strategy` stands in for the config's file."""
    store = Store(Path(config.data))
    chosen = strategy or (load(config.strategy, config.params) if config.strategy else None)
    accounts = plan_accounts(config, store)
    sources = {a.source: symbol_data(config, store, a) for a in accounts}
    span = common_span(config, list(sources.values()))
    with OutputFolder(out, chosen.name if chosen else "orders", force) as folder:
        recorder = Recorder(folder.path, {"synthetic": str(_synthetic(sources.values())).lower()})
        sessions = []
        for source, data in sources.items():
            group = [a for a in accounts if a.source == source]
            sessions += _run_group(config, chosen, (group, data, span), recorder, progress)
        content = build_manifest(config, chosen, sessions, sources, recorder)
        folder.finish(content)
    return Result(folder.final)


def _run_group(
    config: RunConfig,
    strategy: Strategy | None,
    part: tuple[list[Account], list[SymbolData], Span],
    recorder: Recorder,
    progress: Progress | None,
) -> list[Session]:
    """Run all accounts that share one source of prices over one pass of its stream."""
    accounts, data, span = part
    stream = Stream(
        data, config.timeframe_ms, span.since, span.until,
        volume=strategy is not None and strategy.kind == "on_bar",
        max_gap_ms=milliseconds(config.max_gap), missing_funding=config.funding_policy,
    )  # fmt: skip
    sessions = [_session(config, account, span) for account in accounts]
    _give_orders(config, strategy, sessions, data, span)
    done, total = 0, (span.until - span.since) // config.timeframe_ms
    for block in stream.blocks():
        for session in sessions:
            session.feed(block)
            session.flush(recorder)
        done += len(block.ts)
        if progress is not None:
            progress(done, total)
    for session in sessions:
        session.engine.finish()
        session.flush(recorder)
        session.statistics = list(stream.statistics)
        recorder.add_gaps(session.account.venue, [gap._asdict() for gap in stream.gaps])
    return sessions


def _session(config: RunConfig, account: Account, span: Span) -> Session:
    rules = account_rules(config, account, span)
    engine = Engine(
        _settings(config), rules, list(account.pools), [config.cash] * len(account.assets)
    )
    every = np.concatenate(rules)

    def step_name(rule: int, step: int) -> str:
        mode = MarginMode[config.margin.upper()]
        when = max(int(every[rule]["valid_from"]), span.since)
        return account.rulebook.step_name(mode.name.lower(), step, when)

    names = Names(account.venue, account.symbols, account.assets, step_name)
    return Session(account, engine, rules, names)


def _settings(config: RunConfig) -> Settings:
    bar = config.timeframe_ms
    return Settings(
        mode=int(MarginMode[config.margin.upper()]),
        leverage=config.leverage,
        timeframe_ms=bar,
        sample_ms=max(milliseconds(config.sample), bar),
        slippage=config.slippage / 10_000,
        liquidation_slippage=config.liquidation_slippage_fraction,
        on_liquidation=int(OnLiquidation[config.on_liquidation.upper()]),
        refill_below=config.refill_below,
        rebalance=config.rebalance_band,
        reenter=config.reenter,
    )


def _give_orders(
    config: RunConfig,
    strategy: Strategy | None,
    sessions: list[Session],
    data: list[SymbolData],
    span: Span,
) -> None:
    """Hand every account its order events, or a dialogue with an `on_bar` strategy."""
    symbols = [one.symbol for one in data]
    if strategy is not None and strategy.kind == "on_bar":
        for session in sessions:
            session.dialogue = Dialogue(strategy, session.engine, symbols, config.exposure)
        return
    if strategy is None:
        events = from_file(Path(str(config.orders)), symbols, config.exposure)
    else:
        frames = lazy_frames(data, span)
        events = sorted_events(
            from_targets(strategy, frames, symbols, config.exposure, config.timeframe_ms)
        )
    for session in sessions:
        session.engine.give(events)


def lazy_frames(data: list[SymbolData], span: Span) -> dict[str, Any]:
    """LazyFrames of the span: `bars`, `mark` and `funding`, each with a symbol column."""
    import polars as pl

    inside = pl.col("ts").is_between(_stamp(span.since), _stamp(span.until), closed="left")

    def joined(pick: Callable[[SymbolData], Any]) -> pl.LazyFrame:
        parts = [
            series.scan().filter(inside).with_columns(symbol=pl.lit(one.symbol))
            for one in data
            if (series := pick(one)) is not None
        ]
        return pl.concat(parts) if parts else pl.LazyFrame()

    return {
        "bars": joined(lambda one: one.trade),
        "mark": joined(lambda one: one.mark),
        "funding": joined(lambda one: one.funding),
    }


def _stamp(ms: int) -> Any:
    import polars as pl

    return pl.lit(ms).cast(pl.Datetime("ms", "UTC"))


def _extrapolated_bars(rules: Any, block: Block) -> int:
    """Bars of the block in which a symbol ran on rules from outside their known dates."""
    count = 0
    for number, periods in enumerate(rules):
        for rule in periods[periods["extrapolated"] == 1]:
            first, last = np.searchsorted(block.ts, [rule["valid_from"], rule["valid_to"]])
            count += int(np.count_nonzero(block.flags[number, first:last]))
    return count


def _synthetic(sources: Iterable[list[SymbolData]]) -> bool:
    return any(one.trade.synthetic for data in sources for one in data)

"""The nearest changes that would have saved an account, each found by running it again.

Saved means: from the moment the position was open until `horizon` after the last step nothing of
its bucket is liquidated, and the position was there. What is reported was run with just that value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from ..core.state import TriggerBy
from ..config import RunConfig
from ..strategy import Strategy
from .pick import Fall, Key, ms
from .replay import Outcome, Replay, Slip
from .search import Edge, Snap, Verdict, digits, edge, reach, ticks, whole
from .slips import (
    STOP_ID,
    has_sizes,
    more_margin,
    smaller_answers,
    smaller_orders,
    stop_at,
)
from .state import State, asset_of

FIRST_TOP_UP = 0.05
"""The first amount that is tried, as a share of the requirement at the liquidation."""


@dataclass(frozen=True)
class Remedy:
    """A change of one thing that saves, `was` to `value`; None: none was found, for `reason`.

    `fails` is the nearest value that was run and did not save. `worth` is the account's money in
    the settle asset at the end of the story, less what was paid in since the position was open.
    """

    kind: str
    was: float | None
    value: float | None
    fails: float | None
    worth: float | None = None
    position: Key | None = None
    by: str = ""
    reason: str = ""


class Remedies:
    """Searches for one liquidation. `loser` is the position that lost most."""

    def __init__(self, replay: Replay, fall: Fall, base: Outcome, new: State) -> None:
        self.replay, self.fall, self.base, self.new = replay, fall, base, new
        since = fall.since
        self.since = since.ts
        self.change_at = since.ts if since.at_open else since.ts + replay.config.timeframe_ms
        self.from_ms = self._window()
        self.last: Outcome | None = None

    def _window(self) -> int:
        """From when on nothing may fall: the opening, if what was run had no other fall since."""
        first = ms(self.fall.first["ts"])
        earlier = self._fallen(self.base, self.since).filter(
            pl.col("ts") < self.fall.first["ts"]
        )
        return first if earlier.height else self.since

    def _fallen(self, outcome: Outcome, since: int) -> pl.DataFrame:
        steps = outcome.frame("liquidations").filter(pl.col("ts").cast(pl.Int64) >= since)
        if self.fall.cross:
            asset = pl.col("symbol").str.extract(r":([^-]+)")
            return steps.filter(asset == asset_of(self.fall.key[0]))
        symbol, side = self.fall.key
        return steps.filter(pl.col("symbol") == symbol, pl.col("position_side") == side)

    def worth(self, outcome: Outcome) -> float:
        """Money of the pool at the end, less what was paid in since the position was open."""
        asset = asset_of(self.fall.key[0])
        deposits = outcome.frame("deposits").filter(
            pl.col("asset") == asset, pl.col("ts").cast(pl.Int64) >= self.since
        )
        return outcome.equity[asset] - float(deposits["amount"].sum())

    def _verdict(self, outcome: Outcome, refused: bool) -> Verdict:
        if self._fallen(outcome, self.from_ms).height:
            return "fell"
        if refused:
            return "refused"
        self.last = outcome
        return "saved"

    def slipped(self, slip: Slip) -> Verdict:
        """Whether what is done when the position is open saves it; refused by the venue or not."""
        outcome = self.replay.again(slip)
        return self._verdict(outcome, self._refused(outcome))

    def changed(self, config: RunConfig, strategy: Strategy | None = None) -> Verdict:
        """Whether a change of the whole run saves; refused where the position was never there."""
        outcome = self.replay.changed(config, strategy)
        return self._verdict(outcome, not self._was_open(outcome))

    def _was_open(self, outcome: Outcome) -> bool:
        """Whether the position was there when it had been opened in the run."""
        (symbol, side), since = self.fall.key, self.fall.opened[self.fall.key].ts
        stamps = pl.col("ts").cast(pl.Int64)
        fills = outcome.frame("fills").filter(
            pl.col("symbol") == symbol, pl.col("position_side") == side, stamps <= since
        )
        sign = 1.0 if self.fall.first["side"] == "long" else -1.0
        then = fills.filter(stamps == since)
        rows = then if then.height else fills.tail(1)
        return bool((rows["position_after"] * sign > 0.0).any())

    def _refused(self, outcome: Outcome) -> bool:
        """Whether the venue did not take the money or the stop."""
        refused = outcome.frame("rejections").filter(pl.col("ts").cast(pl.Int64) >= self.change_at)
        mine = pl.col("order_id") == STOP_ID
        ended = pl.col("reason").is_in(["position closed", "segment ended"])
        margin = pl.col("reason") == "no position"
        return bool(refused.filter((mine & ~ended) | margin).height)

    def all(self) -> Iterator[Remedy]:
        """Every remedy, found or not."""
        yield self.margin()
        if self.replay.config.leverage > 1.0:
            yield self.leverage()
        yield self.size()
        yield self.stop()

    def _too_late(self) -> bool:
        return self.change_at > ms(self.fall.first["ts"])

    def margin(self) -> Remedy:
        """More money behind the bucket from when it was complete."""
        self.last = None
        cross, key = self.fall.cross, self.fall.key
        was = self.new.equity
        if self._too_late():
            return Remedy("margin", None, None, None, reason="same bar")

        def test(amount: float) -> Verdict:
            return self.slipped(more_margin(key, self.change_at, amount, cross))

        first = digits(FIRST_TOP_UP * max(self.new.maintenance, abs(was)))
        enough = reach(test, first)
        if enough is None:
            return Remedy("margin", None, None, None, reason="never")
        top = self._remedy("margin", 0.0, Edge(enough, 0.0))
        found = edge(test, enough, 0.0, digits)
        return self._remedy("margin", 0.0, found) if found.saves else replace(
            top, fails=found.fails
        )

    def leverage(self) -> Remedy:
        """A lower setting over the whole run."""
        self.last, config = None, self.replay.config
        snap: Snap = whole if config.leverage > 2.0 else digits

        def test(leverage: float) -> Verdict:
            return self.changed(replace(config, leverage=leverage))

        found = edge(test, 0.0 if snap is whole else 1.0, config.leverage, snap)
        return self._remedy("leverage", config.leverage, found)

    def size(self) -> Remedy:
        """Smaller exposure over the whole run; of orders that are sizes, smaller ones."""
        self.last = None
        config, strategy = self.replay.config, self.replay.strategy
        seen: list[bool] = []
        sized = strategy is None and has_sizes(Path(str(config.orders)))
        with TemporaryDirectory() as folder:

            def test(factor: float) -> Verdict:
                smaller = replace(config, exposure=digits(config.exposure * factor))
                wrapped = strategy
                if sized:
                    path = smaller_orders(Path(str(config.orders)), factor, Path(folder))
                    smaller = replace(config, orders=str(path))
                if strategy is not None and strategy.kind == "on_bar":
                    wrapped = smaller_answers(strategy, factor, seen)
                return self.changed(smaller, wrapped)

            found = edge(test, 0.0, 1.0, digits)
        if sized or seen:
            return self._remedy("size", 1.0, found)
        saves = None if found.saves is None else digits(config.exposure * found.saves)
        scaled = Edge(saves, digits(config.exposure * found.fails))
        return self._remedy("exposure", config.exposure, scaled)

    def stop(self) -> Remedy:
        """A stop for the position that lost most, from when it was open; last price, then mark."""
        if self._too_late():
            return Remedy("stop", None, None, None, reason="same bar")
        key, sign, bad, good, tick = self._stop_range()
        self.last = None
        for by in TriggerBy:

            def test(price: float, by: TriggerBy = by) -> Verdict:
                return self.slipped(stop_at(key, self.change_at, price, sign, by))

            snap = ticks(tick, sign)
            if test(snap(bad)) == "saved":
                found = Edge(snap(bad), snap(bad))
            else:
                found = edge(test, good, bad, snap)
            if found.saves is not None:
                return self._remedy("stop", None, found, position=key, by=by.name.lower())
        return self._remedy("stop", None, found, position=key)

    def _stop_range(self) -> tuple[Key, float, float, float, float]:
        """(position, side, price at which it falls, price it was opened at, tick)."""
        key = self.loser
        held = self.new.positions[key]
        sign = 1.0 if held.size > 0.0 else -1.0
        start = self.replay.start
        number = self._symbols.index(key[0])
        opens = start.blocks[0].prices[0, number] if start and start.blocks else [held.entry]
        good = float(opens[0]) if opens[0] == opens[0] else held.entry
        bad = held.mark
        if (good - bad) * sign <= 0.0:
            good = held.entry
        tick = float(self.base.rules[number]["tick"][0])
        return key, sign, bad, good, tick

    @property
    def _symbols(self) -> tuple[str, ...]:
        return self.replay.group.accounts[0].symbols

    @property
    def loser(self) -> Key:
        """The position of the bucket that had lost most when it fell."""
        from .state import pnl

        rules: Any = self.base.rules
        held = self.new.positions
        return min(
            held,
            key=lambda k: pnl(
                rules[self._symbols.index(k[0])][0], held[k].size, held[k].entry, held[k].mark
            ),
        )

    def _remedy(
        self, kind: str, was: float | None, found: Edge, position: Key | None = None, by: str = ""
    ) -> Remedy:
        if found.saves is None:
            return Remedy(kind, was, None, found.fails, None, position, by, "never")
        worth = self.worth(self.last) if self.last is not None else None
        return Remedy(kind, was, found.saves, found.fails, worth, position, by)



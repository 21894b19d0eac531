"""Whether a replay saved an account, and what its money was worth then.

Saved means: from the moment the bucket was complete until the story ends nothing of it is
liquidated, and the position was there.
"""

from math import isnan
from typing import Any

import polars as pl

from ..config import RunConfig
from ..core.types import OPEN
from ..strategy import Strategy
from .pick import Fall, Key, ms
from .replay import Outcome, Replay, Slip
from .search import Verdict
from .slips import STOP_ID
from .state import State, asset_of, pnl


class Judge:
    """Plays one liquidation's account again with changes; `base` is the replay without any."""

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
        earlier = self._fallen(self.base, self.since).filter(pl.col("ts") < self.fall.first["ts"])
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

    @property
    def too_late(self) -> bool:
        """Whether the bucket fell in the bar inside which it was opened: before any order."""
        return self.change_at > ms(self.fall.first["ts"])

    @property
    def symbols(self) -> tuple[str, ...]:
        """The venue's names of the symbols, in the order of the engine."""
        return self.replay.group.accounts[0].symbols

    @property
    def loser(self) -> Key:
        """The position of the bucket that had lost most when it fell."""
        rules: Any = self.base.rules
        held = self.new.positions
        return min(
            held,
            key=lambda k: pnl(
                rules[self.symbols.index(k[0])][0], held[k].size, held[k].entry, held[k].mark
            ),
        )

    def tick(self, key: Key) -> float:
        """The price step of a position's contract."""
        return float(self.base.rules[self.symbols.index(key[0])]["tick"][0])

    def price_at_opening(self, key: Key) -> float:
        """The trade price from which a stop of a position must keep its distance."""
        held, block = self.new.positions[key], self.replay.start.blocks[0]
        first = float(block.prices[OPEN, self.symbols.index(key[0]), 0])
        if isnan(first) or (first - held.mark) * held.size <= 0.0:
            return held.entry
        return first

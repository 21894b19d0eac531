"""Margin that is topped up from the wallet and the reserve before the venue takes the position."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from backtest.errors import UsageError
from backtest.instructions import AddMargin, Instruction, Transfer

from .held import Held, check_fraction, positions


@dataclass(frozen=True)
class TopUp:
    """When a bucket's margin ratio is over `over` at a close, bring it down to `to`.

    In isolated mode money moves from the wallet into the position, and from the reserve into
    the wallet as far as that is short; in cross mode from the reserve. Money on its way counts. At
    most `limit` per account and settle asset over the whole run, in that asset. What the reserve
    does not hold is asked for, refused and recorded; the rest is moved.
    """

    over: float = 0.8
    to: float = 0.5
    limit: float = inf

    def __post_init__(self) -> None:
        """Refuse ratios that are none, or a goal that is no lower."""
        check_fraction("the ratio over which top_up acts", self.over)
        check_fraction("the ratio that top_up goes to", self.to)
        if self.to >= self.over:
            raise UsageError(
                f"top_up goes to {self.to:g}, which is not under {self.over:g}, where it acts; "
                "give a lower one."
            )
        if not self.limit > 0.0:
            raise UsageError(f"the limit of top_up is {self.limit:g}; give an amount over 0.")

    def at_fill(self, view: Any) -> Sequence[Instruction]:
        """Nothing: a ratio is judged at closes."""
        return ()

    def at_close(self, view: Any) -> Sequence[Instruction]:
        """Move what is missing; money that several positions need is given to one after another."""
        memory, found = view.memory(self), []
        purses: dict[str, Purse] = {}
        for one in positions(view):
            asset = one.symbol.partition(":")[2].partition("-")[0]
            if view.cross and asset in purses:
                continue
            missing = self._missing(view, one)
            purse = purses.setdefault(asset, Purse(view, one.symbol))
            amount = min(missing, self.limit - memory.get(asset, 0.0))
            if amount > 0.0:
                moved = purse.pool(amount) if view.cross else purse.position(one, amount)
                memory[asset] = memory.get(asset, 0.0) + moved
        for purse in purses.values():
            found += purse.moves
        return found

    def _missing(self, view: Any, one: Held) -> float:
        """What brings a bucket's ratio down to the goal; 0 where it is low, or nothing is left."""
        ratio = view.margin_ratio(one.symbol, one.position_side)
        if ratio <= self.over or ratio == inf:
            return 0.0
        return float(view.backing(one.symbol, one.position_side) * (ratio / self.to - 1.0))


class Purse:
    """The money of one settle asset at a close: free in the wallet, on its way, in the reserve."""

    def __init__(self, view: Any, symbol: str) -> None:
        self.symbol = symbol
        self.free: float = max(view.available(symbol), 0.0)
        self.ready: float
        self.later: float
        self.ready, self.later = view.coming(symbol)
        self.reserve: float = view.reserve(symbol) - self.ready - self.later
        self.is_quick = view.reserve_delay_ms == 0
        self.moves: list[Instruction] = []

    def pool(self, amount: float) -> float:
        """Bring an amount into the pool, less what is on its way; returns what was moved."""
        return self._bring(amount - self.ready - self.later)

    def position(self, one: Held, amount: float) -> float:
        """Put an amount into a position, of what is there by the next open, and send for the rest.

        Returns what goes into the position.
        """
        brought = self._bring(amount - self.free - self.ready - self.later)
        if self.is_quick:
            self.ready += brought
        else:
            self.later += brought
        given = min(amount, self.free + self.ready)
        if given <= 0.0:
            return 0.0
        self.moves.append(AddMargin(one.symbol, given, one.position_side))
        used = min(given, self.free)
        self.free, self.ready = self.free - used, self.ready - (given - used)
        return given

    def _bring(self, amount: float) -> float:
        """Ask the reserve for an amount; returns what it holds of that."""
        if amount <= 0.0:
            return 0.0
        held = min(amount, max(self.reserve, 0.0))
        parts = (held, amount - held)
        self.moves += [Transfer(part, self.symbol) for part in parts if part > 0.0]
        self.reserve -= held
        return held

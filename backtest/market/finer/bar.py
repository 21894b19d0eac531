"""One bar of one symbol, and the room for the finer bars inside it."""

from dataclasses import dataclass

from backtest.market.check import Floats, Ints
from backtest.market.gaps import Flags


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar to look into: its fields (N_FIELDS,) and flags, its open and length in ms."""

    symbol: str
    timeframe: str
    open: int
    length: int
    fields: Floats
    flags: int

    @property
    def end(self) -> int:
        """Where the next bar may open."""
        return self.open + self.length


@dataclass(frozen=True, slots=True)
class Room:
    """The finer bars to fill: opens (n,), prices (N_FIELDS, n) all NaN and flags (n,) all 0."""

    ts: Ints
    prices: Floats
    flags: Flags

    @property
    def length(self) -> int:
        """Length of a finer bar in ms."""
        return int(self.ts[1] - self.ts[0])

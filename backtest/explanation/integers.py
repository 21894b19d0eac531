"""Margins of a venue that counts in whole units of its settle asset.

Every amount is rounded to a whole unit, values contract by contract and against the trader; the
price of a level is then rounded to the tick, against the trader again (up for a long, down for
a short). Source: the BitMEX position payloads of 2017 to 2023 and its API documentation.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor


def exact(value: float) -> Fraction:
    """A number as it is written: 0.00075 and not the nearest binary fraction."""
    return Fraction(repr(value))


@dataclass(frozen=True)
class IntegerPosition:
    """A position in whole units: `cost` at entry and `value` at mark, of all contracts.

    `price_unit` is the value of a contract at price 1 in units; `free` the units of a pool that
    the position may draw on. Rates are fractions.
    """

    contracts: int
    side: int
    inverse: bool
    cost: int
    value: int
    initial_rate: float
    maintenance_rate: float
    taker_fee: float
    funding_rate: float
    tick: float
    price_unit: float
    added: int = 0
    lost: int = 0
    free: int = 0

    @property
    def unrealized(self) -> int:
        """Unrealised P&L: what the value has gained on the cost, in the position's favour."""
        gain = self.value - self.cost
        return -self.side * gain if self.inverse else self.side * gain

    @property
    def initial(self) -> int:
        """Initial margin of the position."""
        return ceil(self.cost * exact(self.initial_rate))

    @property
    def fee(self) -> int:
        """Closing fee set apart, on cost and margin, rounded up for every contract."""
        each = ceil(Fraction(self.cost + self.initial + self.added, self.contracts))
        return ceil(exact(self.taker_fee) * self.contracts * each)

    @property
    def margin(self) -> int:
        """What stands behind the position without unrealised P&L."""
        return self.initial + self.fee + self.added - self.lost

    @property
    def maintenance(self) -> int:
        """What it must have: closing fee, maintenance rate and the next funding it would pay."""
        rate = exact(self.maintenance_rate) + max(Fraction(0), self.side * exact(self.funding_rate))
        return self.fee + ceil(self.cost * rate)

    @property
    def drawn(self) -> int:
        """What a pool can add, after the closing fee that grows with it."""
        return floor(self.free / (1 + exact(self.taker_fee)))

    @property
    def liquidation_price(self) -> float:
        """Price at which margin and P&L are down to the maintenance margin."""
        cushion = self.margin + self.unrealized - self.maintenance + self.drawn
        return self._price(self.value, cushion)

    @property
    def bankruptcy_price(self) -> float:
        """Price at which nothing is left but the closing fee."""
        return self._price(self.cost, self.margin - self.fee + self.drawn)

    def price_after(self, bankruptcy_price: float) -> float:
        """Liquidation price from the bankruptcy price, where what stands behind is not known."""
        return self._price(self._value_at(bankruptcy_price), self.fee - self.maintenance)

    def price_before(self, liquidation_price: float) -> float:
        """Bankruptcy price from the liquidation price, where what stands behind is not known."""
        return self._price(self._value_at(liquidation_price), self.maintenance - self.fee)

    def _value_at(self, price: float) -> int:
        """Value of all contracts behind a price that was rounded to the tick."""
        unit, at = exact(self.price_unit), exact(price)
        each = unit / at if self.inverse else unit * at
        whole = ceil(each) if (self.side > 0) == self.inverse else floor(each)
        return whole * self.contracts

    def _price(self, start: int, cushion: int) -> float:
        """Price at which the value has moved by a cushion, rounded against the trader."""
        falls = self.inverse == (self.side < 0)
        end = start - cushion if falls else start + cushion
        if end <= 0:
            return 0.0 if self.side > 0 else float("inf")
        each = Fraction(end, self.contracts)
        if each >= 1:
            each = Fraction(floor(each) if self.inverse == (self.side > 0) else ceil(each))
        unit = exact(self.price_unit)
        return self._on_tick(unit / each if self.inverse else each / unit)

    def _on_tick(self, price: Fraction) -> float:
        steps = price / exact(self.tick)
        return float((ceil(steps) if self.side > 0 else floor(steps)) * exact(self.tick))

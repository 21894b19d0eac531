"""A second account of the rules, written from the rulebooks' text in plain Python.

It shares no code with the core: a position's value, profit and requirement as the venues' documents
state them, and the first mark at which a margin is not enough, found by looking along the way.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contract:
    """What a venue's documents say of a contract; `rows` are (floor, rate) of its table."""

    kind: str
    rows: tuple[tuple[float, float], ...]
    form: str
    multiplier: float = 1.0
    slope: float = 0.0
    fee: float = 0.0

    def value(self, size: float, price: float) -> float:
        """Inverse: USD / price in coin. Linear: coins · price. Quanto: times its multiplier."""
        if self.kind == "inverse":
            return abs(size) / price
        return abs(size) * price * self.multiplier

    def profit(self, size: float, entry: float, price: float) -> float:
        """Inverse long: N·(1/entry − 1/mark); linear long: n·(mark − entry)."""
        if self.kind == "inverse":
            return size / entry - size / price
        return size * (price - entry) * self.multiplier

    def needed(self, size: float, price: float) -> float:
        """Maintenance margin at a mark, with a closing fee at the mark."""
        value = self.value(size, price)
        return self.by_table(size, price, value) + self.fee * value

    def by_table(self, size: float, price: float, value: float) -> float:
        """Brackets, the rate of the row on the whole, or a rate that grows with the coins."""
        if self.form == "growing":
            coins = abs(size) / price if self.kind == "inverse" else abs(size)
            return value * (self.rows[0][1] + self.slope * coins)
        if self.form == "whole":
            return value * [rate for floor, rate in self.rows if value > floor or floor == 0][-1]
        ends = [*(floor for floor, _ in self.rows[1:]), float("inf")]
        return sum(
            rate * max(min(value, end) - floor, 0.0)
            for (floor, rate), end in zip(self.rows, ends, strict=True)
        )

    def excess(self, size: float, entry: float, wallet: float, price: float) -> float:
        """What a position has beyond what it needs at a mark."""
        return wallet + self.profit(size, entry, price) - self.needed(size, price)

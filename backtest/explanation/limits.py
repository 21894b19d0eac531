"""What cannot be meant: money of the other margin mode, an absurd price, an order too small."""

from ..core.contracts import notional
from ..errors import UsageError
from ..venues import Instrument, Rulebook
from .asked import size_unit
from .figures import number, percent
from .numbers import Position, opening_margin

HIGHEST = 1e12
"""Price beyond which a number is taken for a slip."""
APART = 1e6
"""Times that entry and mark may lie apart, so that a coin may still collapse."""
ROUNDING = 1e-12
"""Share of the smallest order by which a run lets a size fall short of it."""


def check_money(margin: str, cash: float | None, extra_margin: float) -> None:
    """Refuse money that has no place in the margin mode."""
    if margin == "isolated" and cash is not None:
        raise UsageError(
            f"cash is {number(cash)}, which does not stand behind an isolated position; leave it "
            "out, or give margin cross (--margin cross)."
        )
    if margin == "cross" and extra_margin:
        raise UsageError(
            f"extra_margin is {number(extra_margin)}, but only an isolated position has margin of "
            "its own; leave it out, or add it to cash (--cash)."
        )


def check_rate(funding_rate: float) -> None:
    """Refuse a funding rate that is no fraction."""
    if not -1 < funding_rate < 1:
        raise UsageError(
            f"funding_rate is {number(funding_rate)} ({percent(funding_rate)}); give a fraction "
            "between −1 and 1, like 0.0001 (--funding-rate)."
        )


def check_prices(book: Rulebook, instrument: Instrument, p: Position) -> None:
    """Refuse prices that the contract cannot have, and a mark that the entry cannot lead to."""
    tick, pair = float(p.rules["tick"]), instrument.symbol.partition(":")[0]
    base, _, quote = pair.partition("/")
    for name, price in (("entry", p.entry), ("mark", p.mark)):
        if price < tick * (1.0 - ROUNDING):
            raise UsageError(
                f"{name} is {number(price)}, less than the price step of {number(tick)} of "
                f"{p.symbol} on {book.id}; give it in {quote} for a {base}."
            )
        if price > HIGHEST:
            raise UsageError(
                f"{name} is {number(price)}, over {number(HIGHEST)}; give the price of {p.symbol} "
                f"on {book.id} in {quote} for a {base}."
            )
    if not 1.0 / APART <= p.mark / p.entry <= APART:
        raise UsageError(
            f"entry of {number(p.entry)} and mark of {number(p.mark)} are more than "
            f"{number(APART)} times apart for {p.symbol}; correct the one that is wrong."
        )


def check_order(book: Rulebook, instrument: Instrument, p: Position) -> None:
    """Refuse a size that a run would reject as an order at the entry price: below the minimum."""
    size, unit = abs(p.size), size_unit(instrument)
    least = max(float(p.rules["min_size"]), float(p.rules["lot"]))
    asked = f"an order of {number(size)} {unit} of {p.symbol}"
    if size < least * (1.0 - ROUNDING):
        raise UsageError(
            f"{asked} is under the smallest order on {book.id} of {number(least)} {unit}; make it "
            "larger."
        )
    worth, floor = float(notional(p.rules, size, p.entry)), float(p.rules["min_notional"])
    if worth < floor * (1.0 - ROUNDING):
        raise UsageError(
            f"{asked} is worth {number(worth)} {instrument.settle}, under the smallest order on "
            f"{book.id} of {number(floor)} {instrument.settle}; make it larger."
        )


def isolated_margin(instrument: Instrument, p: Position, extra: float) -> float:
    """Money in an isolated position after `extra` was added or taken; refuses to take it all."""
    opened = opening_margin(p)
    if opened + extra <= 0.0:
        settle = instrument.settle
        raise UsageError(
            f"extra_margin of {number(extra)} {settle} takes all of the {number(opened)} {settle} "
            f"in the isolated position of {p.symbol}; take less."
        )
    return opened + extra

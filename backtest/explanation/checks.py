"""What a venue would refuse: a setting over its limit, a position beyond its table."""

from math import inf

from ..core.tiers import largest_key_at, tier_key, tier_of
from ..core.types import TierKey
from ..errors import UnknownNameError, UsageError
from ..venues import Instrument, Rulebook
from .asked import leverage_counts, leverage_decides, size_unit
from .figures import number
from .numbers import Position
from .words import KEYS

SIDES = ("long", "short")
MODES = ("isolated", "cross")


def check_words(side: str, margin: str) -> None:
    """Refuse an unknown side or margin mode."""
    if side not in SIDES:
        raise UnknownNameError("side", side, SIDES)
    if margin not in MODES:
        raise UnknownNameError("margin mode", margin, MODES)


def check_amounts(**amounts: float) -> None:
    """Refuse amounts that are not positive numbers, and a leverage under 1."""
    for name, value in amounts.items():
        if not 0 < value < float("inf"):
            raise UsageError(f"{name} is {value:g}; it must be a number greater than 0.")
    if amounts.get("leverage", 1.0) < 1:
        raise UsageError(f"leverage is {amounts['leverage']:g}; it must be 1 or more.")


def check_finite(**amounts: float) -> None:
    """Refuse amounts of either sign that are no number."""
    for name, value in amounts.items():
        if not -inf < value < inf:
            raise UsageError(f"{name} is {value:g}; it must be a number.")


def size_of(instrument: Instrument, size: float | None, contracts: float | None) -> float:
    """The |size| of a position from its size or its number of contracts; one must be given."""
    unit = size_unit(instrument)
    if (size is None) == (contracts is None):
        raise UsageError(
            f"{'no size' if size is None else 'size and contracts'} given for {instrument.symbol}; "
            f"give either size, in {unit}, or contracts."
        )
    if contracts is not None:
        check_amounts(contracts=contracts)
        return contracts * instrument.contract_size
    assert size is not None
    check_amounts(size=size)
    return size


def check_leverage(book: Rulebook, p: Position) -> None:
    """Refuse a leverage that is missing where it decides, or over the contract's maximum."""
    if p.leverage == inf and leverage_decides(p.rules):
        raise UsageError(
            f"the initial margin of {book.id} depends on the leverage; give it (--leverage 10)."
        )
    if p.leverage == inf or not leverage_counts(p.rules):
        return
    highest = float(p.rules["max_leverage"][0])
    if p.leverage > highest + 1e-9:
        raise UsageError(
            f"leverage {p.leverage:g} is over the maximum of {highest:g} for {p.symbol} on "
            f"{book.id}; lower it."
        )


def check_size(book: Rulebook, instrument: Instrument, p: Position, twin: float = 0.0) -> None:
    """Refuse a position that the tier table has no row for; `twin` counts towards its tier."""
    size = abs(p.size) + twin
    key = tier_key(p.rules, size, p.entry, p.mark)
    limit = largest_key_at(p.rules, p.leverage, p.mark)
    if key <= limit * (1 + 1e-12):
        return
    what, unit = key_words(instrument, p)
    if limit < p.rules["cap"] and key <= p.rules["cap"] * (1 + 1e-12):
        allowed = float(p.rules["max_leverage"][tier_of(p.rules, size, p.entry, p.mark)])
        raise UsageError(
            f"{book.id} allows {p.leverage:g}x of {p.symbol} up to {number(limit)} {unit} of "
            f"{what}, this position has {number(key)}; lower the leverage (at most {allowed:g}x "
            "at this size) or the size."
        )
    most = f"{number(float(p.rules['cap']))} {unit}"
    last = f"{most}, the venue's limit of {p.symbol} on {book.id}; make it smaller."
    if not p.rules["tiers_complete"]:
        last = (
            f"{most}, the last tier that is known of {p.symbol} on {book.id}; make it smaller or "
            "add the tiers."
        )
    raise UsageError(f"the position's {what} of {number(key)} {unit} is over {last}")


def key_words(instrument: Instrument, p: Position) -> tuple[str, str]:
    """What a contract's tiers are keyed on, and the unit of it."""
    kind = TierKey(int(p.rules["tier_key"]))
    return KEYS[kind], size_unit(instrument) if kind == TierKey.SIZE else instrument.settle

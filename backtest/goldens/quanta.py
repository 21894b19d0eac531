"""Margins and forced orders of a chain that counts in whole quanta of quote and base.

Amounts are integers of 1e-6 quote; a base quantum is 10^resolution base. Every division is rounded
the way the chain does. Source: dydxprotocol/v4-chain, modules subaccounts, perpetuals and clob.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor, trunc
from typing import Any

from ..core.requirement import fillable_limit
from ..explanation.integers import exact
from ..explanation.numbers import Position
from .read import Unsupported
from .subject import Subject

PPM = 1_000_000
QUOTE = 1_000_000
MOST_SUBTICKS = 2**64 - 1
Raw = Mapping[str, Any]


def param(subject: Subject, name: str) -> Any:
    """A parameter of the case; Unsupported where it has none."""
    params = subject.case.get("params") or {}
    if name not in params:
        raise Unsupported(f"the case has no parameter {name}")
    return params[name]


def number(subject: Subject, name: str) -> Fraction:
    """A parameter as an exact number."""
    value = param(subject, name)
    return Fraction(value) if isinstance(value, str) else exact(value)


def value_in_quanta(base: int, resolution: int, price: Fraction) -> int:
    """Signed value of base quanta at a price, cut to whole quote quanta."""
    return trunc(base * Fraction(10) ** resolution * price * QUOTE)


def requirement(value: int, initial: Fraction, share: Fraction) -> int:
    """Maintenance margin: a share of the initial margin, each rounded up."""
    return ceil(ceil(abs(value) * initial) * share)


def effective_ppm(initial: int, low: int, high: int, open_interest: int) -> int:
    """Initial margin in ppm as open interest goes from a lower to an upper cap."""
    if high == 0 or open_interest <= low:
        return initial
    if open_interest >= high:
        return PPM
    return initial + (PPM - initial) * (open_interest - low) // (high - low)


def effective_rate(subject: Subject) -> int:
    """The initial margin in ppm of a case about open interest."""
    initial, interest = (int(param(subject, n)) for n in ("initial_margin_ppm", "oi_notional"))
    low, high = (int(param(subject, f"oi_{end}_cap")) for end in ("lower", "upper"))
    return effective_ppm(initial, low, high, interest)


def margins(subject: Subject) -> tuple[int, int]:
    """(initial, maintenance) margin in quote quanta of a case with its own tier."""
    raw: Raw = subject.case["positions"][0]
    price = number(subject, "price") * Fraction(10) ** int(param(subject, "exponent"))
    resolution, initial = int(raw["atomic_resolution"]), int(param(subject, "initial_margin_ppm"))
    value = value_in_quanta(int(raw["base_quantums"]), resolution, price)
    interest = value_in_quanta(
        int(param(subject, "open_interest_base_quantums")), resolution, price
    )
    low, high = (int(param(subject, f"open_interest_{end}_cap")) for end in ("lower", "upper"))
    rate = effective_ppm(initial, low, high, interest)
    share = Fraction(int(param(subject, "maintenance_fraction_ppm")), PPM)
    return (
        ceil(Fraction(abs(value) * rate, PPM)),
        requirement(value, Fraction(initial, PPM), share),
    )


def is_quanta(subject: Subject) -> bool:
    """Whether a case states its margins in ppm."""
    return "maintenance_fraction_ppm" in (subject.case.get("params") or {})


def largest_funding(subject: Subject) -> int:
    """Largest rate per eight hours in ppm: a multiple of initial less maintenance margin."""
    initial = int(param(subject, "initial_margin_ppm"))
    kept = initial * int(param(subject, "maintenance_fraction_ppm")) // PPM
    return int(param(subject, "clamp_factor_ppm")) * (initial - kept) // PPM


def target(subject: Subject) -> int:
    """Number of the position that a case with several is about."""
    ids = subject.case.get("params") or {}
    return int(ids.get("perpetual_id", 0)) if len(subject.positions) > 1 else 0


def _equity(subject: Subject) -> int:
    """Equity in quote quanta: the quote balance and all positions at their prices."""
    balance = exact(float(next(iter(subject.account["collateral"].values()))))
    return trunc(balance * QUOTE) + sum(
        value_in_quanta(int(raw["base_quantums"]), int(raw["atomic_resolution"]), _price(raw))
        for raw in subject.case["positions"]
    )


def _price(raw: Raw) -> Fraction:
    return exact(float(raw["mark_price"]))


def _needed(raw: Raw, base: int) -> int:
    value = value_in_quanta(base, int(raw["atomic_resolution"]), _price(raw))
    initial = exact(float(raw["imf"]))
    return requirement(value, initial, exact(float(raw["mmr"])) / initial) if initial else 0


def bankruptcy_quote(subject: Subject, delta: int | None = None) -> int:
    """Quote quanta received for a change of a position that costs its share of all equity.

    The share is by maintenance margin, rounded down, which favours the fund.
    """
    raw: Raw = subject.case["positions"][target(subject)]
    change = int(param(subject, "delta_base_quantums")) if delta is None else delta
    held, resolution = int(raw["base_quantums"]), int(raw["atomic_resolution"])
    before = value_in_quanta(held, resolution, _price(raw))
    moved = value_in_quanta(held + change, resolution, _price(raw)) - before
    freed = abs(_needed(raw, held + change) - _needed(raw, held))
    every = sum(_needed(r, int(r["base_quantums"])) for r in subject.case["positions"])
    if every == 0:
        raise Unsupported("the case has no maintenance margin to share equity by")
    return -moved - _equity(subject) * freed // every


def bankruptcy_price(subject: Subject) -> float:
    """`bankruptcy_quote` per unit of base."""
    raw: Raw = subject.case["positions"][target(subject)]
    base = int(param(subject, "delta_base_quantums")) * Fraction(10) ** int(
        raw["atomic_resolution"]
    )
    return float(abs(Fraction(bankruptcy_quote(subject), QUOTE) / base))


def fund_delta(subject: Subject) -> int:
    """Quote quanta that the fund receives of a forced fill, at most the largest fee."""
    raw: Raw = subject.case["positions"][target(subject)]
    side = 1 if param(subject, "is_buy") else -1
    base = side * int(param(subject, "fill_base_quantums"))
    resolution = int(raw["atomic_resolution"])
    quote = -value_in_quanta(base, resolution, number(subject, "fill_price"))
    left = quote - bankruptcy_quote(subject, base)
    if left <= 0:
        return left
    return min(abs(quote) * int(param(subject, "max_liquidation_fee_ppm")) // PPM, left)


def fillable_price(subject: Subject) -> float:
    """Limit price of a forced order on the position that the case is about."""
    which = target(subject)
    p: Position = subject.positions[which]
    r = subject.report(which)
    every = sum(subject.report(i).maintenance_margin for i in range(len(subject.positions)))
    adjustment = int(param(subject, "bankruptcy_adjustment_ppm")) / PPM
    spread = int(param(subject, "spread_to_maintenance_margin_ratio_ppm")) / PPM
    used = adjustment * (1.0 - r.equity / every)
    return float(fillable_limit(p.rules, p.size, p.mark, used, spread * r.maintenance_margin))


def limits(subject: Subject) -> tuple[float, float]:
    """(smallest, largest) value of a position that one block may liquidate."""
    value = subject.positions[0].notional
    least = min(float(param(subject, "min_position_notional_liquidated")), value)
    share = int(param(subject, "max_position_portion_liquidated_ppm")) / PPM
    return least, max(least, share * value)


def subticks(subject: Subject) -> int:
    """A fillable price in steps of the order book: up for a sale, down for a purchase."""
    price = number(subject, "fillable_price_quote_quantums_per_base_quantum")
    steps = price / Fraction(10) ** int(param(subject, "quantum_conversion_exponent"))
    tick = int(param(subject, "subticks_per_tick"))
    rounded = ceil(steps / tick) if param(subject, "is_liquidating_long") else floor(steps / tick)
    return min(max(rounded, 1), MOST_SUBTICKS // tick) * tick

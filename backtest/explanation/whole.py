"""The screen of a venue that counts in whole units, from a position asked about."""

from dataclasses import replace
from math import inf

from ..core.contracts import notional
from ..core.requirement import required_rate
from .asked import Asked
from .integers import IntegerPosition
from .numbers import opening_margin

UNIT = "display.integer_unit"


def shown_in_units(a: Asked) -> dict[str, float]:
    """Liquidation and bankruptcy price as such a venue prints them; nothing for any other venue.

    Only of whole contracts, and in a pool only of its one position: what more stands beside it is
    in no source.
    """
    if a.word(f"display.{a.mode}") != "integer_contracts" or UNIT not in a.book.decisions:
        return {}
    contracts = abs(a.position.size) / a.instrument.contract_size
    if abs(contracts - round(contracts)) > 1e-9 or (a.pool and a.pool.other_maintenance):
        return {}
    whole = whole_position(a, round(contracts))
    found = {
        "liquidation_price": whole.liquidation_price,
        "bankruptcy_price": whole.bankruptcy_price,
    }
    return {name: price for name, price in found.items() if 0.0 < price < inf}


def whole_position(a: Asked, contracts: int) -> IntegerPosition:
    """A position in whole units, each contract valued at entry and mark by itself."""
    p, rules, unit = a.position, a.rules, float(a.word(UNIT))
    each = [
        round(notional(rules, a.instrument.contract_size, at) * unit) for at in (p.entry, p.mark)
    ]
    whole = IntegerPosition(
        contracts=contracts,
        side=1 if p.size > 0 else -1,
        inverse=bool(rules["inverse"]),
        cost=contracts * each[0],
        value=contracts * each[1],
        initial_rate=float(required_rate(rules, p.size, p.entry, p.entry, p.leverage)),
        maintenance_rate=float(rules["rate"][a.report.tier - 1]),
        taker_fee=float(rules["taker_fee"]),
        funding_rate=p.funding_rate,
        tick=float(rules["tick"]),
        price_unit=unit * a.instrument.contract_size * float(rules["multiplier"]),
    )
    return _with_money(a, whole, unit)


def _with_money(a: Asked, whole: IntegerPosition, unit: float) -> IntegerPosition:
    """The same position with what was added to its margin, or what its pool has left."""
    if a.pool is not None:
        return replace(whole, free=max(round(a.pool.wallet * unit) - whole.margin, 0))
    margin = a.position.margin or 0.0
    added = round((margin - opening_margin(a.position)) * unit / (1 + float(a.rules["taker_fee"])))
    return replace(whole, added=added)

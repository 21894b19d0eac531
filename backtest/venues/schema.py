"""What a rulebook file may say: its decisions, the words each knows, and its limits."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from math import inf

from ..core.types import (
    CancelsOrders,
    CloseFee,
    FundingFrom,
    Gains,
    InitialRate,
    IsolatedOpen,
    Legs,
    LiquidationOrder,
    NextFunding,
    OrderMargin,
    StepExit,
    StepFee,
    StepSize,
    TierKey,
    TierRule,
    Trigger,
    ValuedAt,
)

CONFIDENCES = ("official", "payload", "code", "secondary", "inferred", "assumed")
"""How sure a fact is: the venue's own text, a real answer of its API, program code that
reproduces it, a third party, worked out from one of these, or a stated default."""

CONTRACTS = ("linear", "inverse", "quanto")
"""Kinds of contracts: sizes are in base units, inverse ones in quote value."""
MODES = ("isolated", "cross")
VENUE_KEYS = ("id", "name", "settle", "contracts", "modes", "checked_until")
SOURCE_KEYS = ("title", "where", "date")
REVISION_KEYS = ("value", "valid_from", "source", "confidence", "note")
PROCESS_KEYS = ("healthy_ratio", "steps", "valid_from", "source", "confidence", "note")
INSTRUMENT_KEYS = (
    "symbol",
    "id",
    "contract",
    "settle",
    "base",
    "contract_size",
    "multiplier",
    "expiry_hour",
    "source",
    "confidence",
)
TIER_KEYS = (
    "symbol",
    "mode",
    "listed",
    "rate_slope",
    "rate_cap",
    "initial_slope",
    "valid_from",
    "known_before",
    "seen_from",
    "seen_until",
    "source",
    "confidence",
    "complete",
    "cap",
    "unit",
    "rows",
    "ladder",
    "note",
)
LADDER_KEYS = (
    "from",
    "step",
    "rate_step",
    "initial_rate",
    "initial_rate_step",
    "until_initial_rate",
)
UNITS = ("settle", "base", "contracts")


@dataclass(frozen=True)
class Kind:
    """What a value may be: one of `words`, a flag, or a number with low <= number <= high."""

    words: tuple[str, ...] = ()
    flag: bool = False
    low: float = -inf
    high: float = inf
    required: bool = True
    process: bool = False
    default: str | float | None = None


def words(
    known: type[IntEnum] | Iterable[str], *, required: bool = True, default: str | None = None
) -> Kind:
    """A word of an enumeration, spelled in lower case, or of a list.

    `default` stands where a rulebook says nothing: what most venues do.
    """
    names = [one.name.lower() if isinstance(one, IntEnum) else one for one in known]
    return Kind(words=tuple(names), required=required, default=default)


RATE = Kind(low=0.0, high=1.0)
REBATE = Kind(low=-1.0, high=1.0)
SHOWN = (
    "exact", "tick_nearer", "tick_rounded", "frozen_estimate", "common_ratio", "integer_contracts",
)  # fmt: skip

DECISIONS: dict[str, Kind] = {
    "maintenance.tier_key": words(TierKey),
    "maintenance.tier_rule": words(TierRule),
    "maintenance.valued_at": words(ValuedAt),
    "maintenance.close_fee": words(CloseFee),
    "maintenance.next_funding": words(NextFunding, default="none"),
    "maintenance.share_of_initial": Kind(low=0.0, high=1.0, required=False),
    "maintenance.change": words(("at_once", "when_touched"), default="at_once"),
    "initial.valued_at": words(ValuedAt),
    "initial.rate": words(InitialRate, default="leverage"),
    "initial.isolated_open": words(IsolatedOpen),
    "trigger.price": words(("mark", "oracle")),
    "trigger.compare": words(Trigger),
    "bankruptcy.fee_included": Kind(flag=True),
    "cross.gains": words(Gains, default="shared"),
    "isolated.form": words(("position", "sub_account"), default="position"),
    "hedge.legs": words(Legs, required=False),
    "funding.from": words(FundingFrom),
    "funding.price": words(("mark", "oracle")),
    "funding.interval_hours": Kind(low=0.25, high=24.0),
    "funding.phase_hours": Kind(low=0.0, high=24.0, default=0.0),
    "funding.interest_rate": Kind(low=-1.0, high=1.0, required=False),
    "funding.band": Kind(low=0.0, high=1.0, required=False),
    "funding.period_hours": Kind(low=0.25, high=24.0, required=False),
    "funding.hourly_cap": Kind(low=0.0, high=1.0, required=False),
    "fees.maker": REBATE,
    "fees.taker": RATE,
    "fees.closing": replace(RATE, required=False),
    "fees.clearance": RATE,
    "fees.delivery": replace(RATE, default=0.0),
    "orders.margin": words(OrderMargin, default="initial"),
    "orders.cancelled": words(CancelsOrders, default="bucket"),
    "orders.max_open": Kind(low=1.0, high=1e6, default=200.0),
    "orders.band": Kind(low=0.0, default=0.0),  # 0: an order may rest at any price
    "liquidation.isolated": Kind(process=True),
    "liquidation.cross": Kind(process=True),
    "liquidation.order": words(LiquidationOrder, default="largest_maintenance"),
    "display.isolated": words(SHOWN),
    "display.cross": words(SHOWN),
    "display.bankruptcy": words(("exact", "tick_rounded", "integer_contracts")),
    "display.maintenance": words(("with_fee", "without_fee", "at_bankruptcy_price")),
    "display.ratio": words(("exact", "inverse", "truncated")),
    "display.isolated_margin": words(("with_pnl", "without_pnl")),
    "display.no_price": words(("none", "sentinel", "unclipped"), default="none"),
    "display.no_price_long": Kind(low=0.0, required=False),
    "display.no_price_short": Kind(low=0.0, required=False),
    "display.balance": words(("wallet", "quote"), default="wallet"),
    "display.fee_decimals": Kind(low=0.0, high=18.0, required=False),
    "display.integer_unit": Kind(low=0.0, required=False),
    "borrow.maintenance_rate": Kind(low=0.0, high=1.0, required=False),
}
"""Every decision by its dotted key `table.key`.

A decision of the tables in VARIED may have another value for one kind of contract or in one margin
mode: the same table under that word, as in [inverse.maintenance] or [isolated.maintenance]. A
mode's value wins over a contract's.
"""
VARIED = (
    "maintenance", "initial", "bankruptcy", "trigger", "funding", "fees", "liquidation", "hedge",
    "display", "orders",
)  # fmt: skip
"""Tables that may stand under a kind of contract or a margin mode."""

SIZES: dict[str, Kind] = {
    "lot": Kind(low=1e-12),
    "tick": Kind(low=1e-12),
    "min_size": Kind(low=0.0, required=False),
    "min_notional": Kind(low=0.0),
    "funding_interval_hours": Kind(low=0.25, high=24.0, required=False),
    "taker_fee": Kind(low=0.0, high=1.0, required=False),
    "clearance_fee": Kind(low=0.0, high=1.0, required=False),
}
"""Dated numbers of an instrument; sizes in its units (base, or quote of inverse contracts), the
notional in the settle asset. Its fees win over the venue's. [orders] holds those of all
instruments beside its decisions."""

STEP: dict[str, Kind] = {
    "name": Kind(words=("*",)),
    "size": words(StepSize),
    "exit": words(StepExit),
    "fee": words(StepFee),
    "amount": Kind(low=0.0, required=False),
    "at_least": Kind(low=0.0, required=False),
    "at_most": Kind(low=0.0, required=False),
    "spread": Kind(low=0.0, required=False),
    "fee_to_fund": Kind(flag=True, required=False),
    "must_cure": Kind(flag=True, required=False),
    "covers_first_tier": Kind(flag=True, required=False),
    "min_tier": Kind(low=1, required=False),
    "min_notional": Kind(low=0.0, required=False),
    "min_margin_ratio": Kind(low=0.0, required=False),
    "wait_seconds": Kind(low=0.0, required=False),
}
"""Keys of one liquidation step."""

"""The core's levels against the oracle: healthy up to a level, and not beyond it."""

from math import inf

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backtest.core.price import liquidation_prices
from backtest.core.requirement import maintenance_margin
from backtest.core.types import CloseFee, TierKey, TierRule
from tests.core.accounts import make_rules

from .oracle import Contract

FAST = settings(deadline=None, derandomize=True, max_examples=1000)
ROWS = ((0.0, 0.01), (20_000.0, 0.02), (60_000.0, 0.05), (150_000.0, 0.1))
PER_UNIT = {"linear": 1.0, "quanto": 2.0, "inverse": 10_000.0}
FORMS = {
    "brackets": (TierKey.NOTIONAL_AT_MARK, TierRule.PROGRESSIVE),
    "whole": (TierKey.NOTIONAL_AT_MARK, TierRule.FLAT),
    "growing": (TierKey.SIZE, TierRule.LINEAR_IN_SIZE),
}
CLOSE = 1e-7


def made(kind, form, fee):
    """The oracle's contract, and the RULES record that says the same."""
    rows = ROWS[:1] if form == "growing" else ROWS
    multiplier = 0.5 if kind == "quanto" else 1.0
    contract = Contract(kind, rows, form, multiplier, 1e-5, fee)
    key, rule = FORMS[form]
    rules = make_rules(
        tiers=[(floor, rate, 10) for floor, rate in rows], tier_key=key, tier_rule=rule,
        inverse=int(kind == "inverse"), multiplier=multiplier, rate_slope=1e-5, rate_cap=inf,
        close_fee=CloseFee.AT_MARK if fee else CloseFee.NONE, close_fee_rate=fee,
    )[0]  # fmt: skip
    return contract, rules


KINDS, FORM, FEES = (
    st.sampled_from(tuple(PER_UNIT)), st.sampled_from(tuple(FORMS)), st.sampled_from((0.0, 6e-4))
)  # fmt: skip
SIZES = st.floats(1.0, 2_500.0).flatmap(lambda size: st.sampled_from((size, -size)))
PRICES, SHARES, WAY = st.floats(50.0, 150.0), st.floats(0.02, 1.5), st.floats(0.0, 1.0)


@FAST
@given(KINDS, FORM, FEES, SIZES, PRICES)
def test_requirement_is_the_oracles(kind, form, fee, size, price):
    contract, rules = made(kind, form, fee)
    size *= PER_UNIT[kind]
    core = maintenance_margin(rules, size, 100.0, price, 0.0)
    expected = contract.needed(size, price)
    assert abs(core - expected) <= 1e-9 * contract.value(size, price)


@settings(FAST, max_examples=2000)
@given(KINDS, FORM, FEES, SIZES, PRICES, SHARES, WAY)
def test_every_mark_between_the_levels_is_healthy_and_the_next_is_not(
    kind, form, fee, size, entry, share, way
):
    contract, rules = made(kind, form, fee)
    size *= PER_UNIT[kind]
    wallet = share * contract.value(size, entry)
    assume(contract.excess(size, entry, wallet, entry) > 0.0)
    level, far = liquidation_prices(rules, size, entry, wallet, entry)
    low, high = min(level, far), max(level, far)
    inside = (
        max(low, entry / 50) * (1 + CLOSE) * (1 - way) + min(high, entry * 50) * (1 - CLOSE) * way
    )
    value = contract.value(size, inside) + contract.value(size, entry)
    assert contract.excess(size, entry, wallet, inside) > -1e-9 * value
    for mark in (low * (1 - CLOSE), high * (1 + CLOSE)):
        if 0.0 < mark < inf:
            value = contract.value(size, mark) + contract.value(size, entry)
            assert contract.excess(size, entry, wallet, mark) < 1e-9 * value

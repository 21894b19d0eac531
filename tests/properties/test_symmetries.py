"""What must not change a result, and what must change it in one direction only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backtest.core.state import KINDS, SCRATCH, OrderKind
from backtest.core.types import (
    FUNDING,
    FUNDING_INSIDE,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_LOW,
    OPEN,
    CloseFee,
    FundingFrom,
    MarginMode,
    TierKey,
    ValuedAt,
)
from tests.core.accounts import HOUR, START, make_rules, orders, step

from .scenarios import BARS, CHOICES, GROWING, PER_UNIT, Scenario, as_bytes, build, run, scenarios

FAST = settings(deadline=None, derandomize=True, max_examples=300)
ANY_DRIFT = 1e300
SPLITS = st.lists(st.integers(1, 30), min_size=1, max_size=8)


def blocks(sizes):
    """Block sizes that add up to all bars."""
    cut = [size for k, size in enumerate(sizes) if sum(sizes[: k + 1]) < BARS]
    return (*cut, BARS - sum(cut))


@FAST
@given(scenarios(), SPLITS)
def test_blocks_of_any_size_give_the_same_bytes(scenario: Scenario, sizes):
    assert as_bytes(*run(scenario, blocks(sizes))) == as_bytes(*run(scenario))


@settings(FAST, max_examples=150)
@given(scenarios())
def test_bar_by_bar_gives_the_same_bytes(scenario: Scenario):
    assert as_bytes(*run(scenario, (1,) * BARS)) == as_bytes(*run(scenario))


@FAST
@given(
    scenarios(symbols=1, rebalance=-1.0, reenter=False),
    st.sampled_from((1.0, 0.02)),
    st.sampled_from((0.5, 0.9)),
)
def test_looking_through_quiet_bars_changes_nothing(scenario: Scenario, calm, below):
    # a band that no drift leaves makes the engine play every bar in full
    calmed = scenario.prices * calm
    calmed[:FUNDING] = 100.0 * (scenario.prices[:FUNDING] / 100.0) ** calm
    market = replace(scenario, prices=calmed)
    results = []
    for band in (ANY_DRIFT, -1.0):
        engine = market.with_choices(rebalance=band).engine()
        engine._config["refill_below"] = below
        engine.give(scenario.orders)
        engine.feed(*market.block(0, BARS))
        results.append((engine, {kind: engine.take(kind).tobytes() for kind in KINDS}))
    (each, by_bar), (rare, skipped) = results
    for kind in KINDS:
        assert by_bar[kind] == skipped[kind], kind
    for name in set(each.positions.dtype.names) - set(SCRATCH):
        assert each.positions[name].tobytes() == rare.positions[name].tobytes(), name
    assert each.pools.tobytes() == rare.pools.tobytes()


@FAST
@given(scenarios(), st.integers(1, BARS - 1))
def test_a_run_saved_and_resumed_gives_the_same_bytes(scenario: Scenario, cut):
    whole_engine, whole = run(scenario)
    first = scenario.engine()
    first.give(scenario.orders)
    first.feed(*scenario.block(0, cut))
    kept = {kind: [first.take(kind)] for kind in KINDS}
    second = scenario.engine()
    second.resume(first.save())
    if not second.stopped:
        second.feed(*scenario.block(cut, BARS))
    second.finish()
    for kind in KINDS:
        kept[kind].append(second.take(kind))
    records = {kind: np.concatenate(parts) for kind, parts in kept.items()}
    assert as_bytes(second, records) == as_bytes(whole_engine, whole)


@FAST
@given(scenarios(), st.integers(0, BARS - 2), st.integers(0, 2**32 - 1))
def test_nothing_uses_a_price_that_comes_later(scenario: Scenario, known, seed):
    rng = np.random.default_rng(seed)
    noise = scenario.prices.copy()
    later = np.exp(rng.normal(0, 0.3, BARS - known - 1))
    noise[OPEN : MARK_CLOSE + 1, :, known + 1 :] *= later
    noise[FUNDING : FUNDING_INSIDE + 1, :, known + 1 :] *= -3.0
    flags = scenario.flags.copy()
    flags[:, known + 1 :][rng.random(flags[:, known + 1 :].shape) < 0.3] = 0
    other = replace(scenario, prices=noise, flags=flags)
    now = scenario.ts[known]
    for one, two in zip(run(scenario)[1].items(), run(other)[1].items(), strict=True):
        kind, name = one[0], "exit_time" if one[0] == "trades" else "ts"
        before = [records[records[name] <= now].tobytes() for records in (one[1], two[1])]
        assert before[0] == before[1], kind


@FAST
@given(scenarios(), st.sampled_from((-7, -3, 3, 10)))
def test_prices_times_k_and_sizes_over_k_change_no_amount(scenario: Scenario, power):
    k = 2.0**power
    inverse = scenario.choices["contract"] == "inverse"
    per_size = 1.0 / k if inverse else k
    scaled = replace(scenario, prices=scenario.prices.copy(), orders=scenario.orders.copy())
    scaled.prices[OPEN : MARK_CLOSE + 1] *= k
    scaled.orders["price"] *= k
    scaled.orders["value"][scaled.orders["kind"] == int(OrderKind.SIZE)] /= per_size
    rules = [one.copy() for one in scenario.rules]
    for one in rules:
        one["lot"] /= per_size
        one["min_size"] /= per_size
        if one["tier_key"][0] == TierKey.SIZE:
            one["floor"] /= per_size
            one["cap"] /= per_size
        if not inverse:  # coins are the size itself
            one["rate_slope"] *= k
            one["initial_slope"] *= k
    (_, plain), (_, other) = run(scenario), run(replace(scaled, rules=rules))
    by_one = ("ts", "symbol", "equity_before", "maintenance_margin", "fee", "residual", "shortfall")
    # a lot that is no decimal fraction is rounded another way: equal to the last digits only
    near = {"rtol": 1e-9, "atol": 1e-7}
    for name in by_one:
        np.testing.assert_allclose(
            plain["liquidations"][name], other["liquidations"][name], err_msg=name, **near
        )
    np.testing.assert_allclose(plain["equity"]["equity"], other["equity"]["equity"], **near)
    np.testing.assert_allclose(plain["fills"]["price"] * k, other["fills"]["price"], **near)
    np.testing.assert_allclose(plain["fills"]["size"] / per_size, other["fills"]["size"], **near)


@pytest.mark.parametrize("mode", list(MarginMode))
@FAST
@given(scenarios(symbols=1, rules_change=False), st.floats(1.0, 80.0))
def test_a_short_in_mirrored_prices_fares_like_the_long(mode, scenario: Scenario, size):
    # requirement at entry, no fees: then equity is the same on both sides
    takeover = (step("ALL", "BANKRUPTCY", "NONE"),)
    rules = make_rules(
        takeover, taker_fee=0.0, maintenance_at=ValuedAt.ENTRY, tier_key=TierKey.NOTIONAL_AT_ENTRY,
        close_fee=CloseFee.NONE,
    )  # fmt: skip
    market = scenario.prices.copy()
    market[FUNDING : FUNDING_INSIDE + 1] = np.nan
    centre = market[OPEN, 0, np.flatnonzero(scenario.flags[0] & 1)[0]]
    mirrored = 2 * centre - market
    assume(not (mirrored[OPEN : MARK_CLOSE + 1] <= 0.0).any())
    for high in (OPEN + 1, MARK_HIGH):
        mirrored[[high, high + 1]] = mirrored[[high + 1, high]]
    plain, results = scenario.with_choices(leverage=20.0, rebalance=-1.0), []
    for prices, sign in ((market, 1.0), (mirrored, -1.0)):
        account = replace(
            plain.with_choices(mode=mode, hedged=False, slippage=0.0),
            rules=[rules], pools=[0], prices=prices, orders=orders((0, 0, "SIZE", sign * size)),
            cash=500.0,
        )  # fmt: skip
        results.append(run(account)[1])
    long, short = results
    np.testing.assert_allclose(long["equity"]["equity"], short["equity"]["equity"], atol=1e-8)
    assert len(long["liquidations"]) == len(short["liquidations"])
    np.testing.assert_allclose(
        long["liquidations"]["mark_price"] - centre,
        centre - short["liquidations"]["mark_price"], atol=1e-8,
    )  # fmt: skip


def in_one_over_price(scenario):
    """The linear account in 1/price that an inverse one is: what is long here is short there."""
    prices, moved = scenario.prices.copy(), scenario.orders.copy()
    prices[OPEN : MARK_CLOSE + 1] = 1.0 / prices[OPEN : MARK_CLOSE + 1]
    for high in (OPEN + 1, MARK_HIGH):
        prices[[high, high + 1]] = prices[[high + 1, high]]
    prices[FUNDING : FUNDING_INSIDE + 1] *= -1.0
    moved["value"] *= -1.0
    moved["price"] = 1.0 / moved["price"]
    rules = [one.copy() for one in scenario.rules]
    for one in rules:
        one["inverse"] = 0
    return replace(scenario, prices=prices, orders=moved, rules=rules)


@FAST
@given(
    scenarios(contract="inverse", slippage=0.0, hedged=False),
    st.sampled_from([one for one in CHOICES["requirement"] if one != GROWING]),
    st.sampled_from((0.0, -1.0)),
)
def test_an_inverse_account_is_a_linear_one_in_one_over_price(scenario: Scenario, form, exits):
    choices = {**scenario.choices, "requirement": form, "liquidation_slippage": exits}
    inverse = build(choices, scenario.seed)
    (_, one), (_, other) = run(inverse), run(in_one_over_price(inverse))
    near = {"rtol": 1e-7, "atol": 1e-5}
    for name in ("ts", "symbol", "equity_before", "maintenance_margin", "fee", "residual"):
        np.testing.assert_allclose(
            one["liquidations"][name], other["liquidations"][name], err_msg=name, **near
        )
    np.testing.assert_allclose(one["equity"]["equity"], other["equity"]["equity"], **near)
    np.testing.assert_allclose(one["fills"]["size"], -other["fills"]["size"], **near)


@FAST
@given(
    scenarios(symbols=1, mode=MarginMode.ISOLATED, rebalance=-1.0, reenter=False, on_liquidation=1),
    st.floats(-90.0, 90.0),
    st.sampled_from(((3.0, 10.0), (10.0, 20.0), (5.0, 6.0))),
)
def test_more_isolated_margin_is_never_liquidated_earlier(scenario: Scenario, size, leverages):
    units = PER_UNIT[scenario.choices["contract"]]
    bought = replace(scenario, orders=orders((0, 0, "SIZE", size * units)), cash=1e6)
    stamps = []
    for leverage in leverages:
        _, records = run(bought.with_choices(leverage=leverage))
        assume(len(records["fills"]) > 0)
        steps = records["liquidations"]["ts"]
        stamps.append(int(steps[0]) if len(steps) else START + HOUR * BARS)
    assert stamps[0] >= stamps[1]


@FAST
@given(scenarios(symbols=1, mode=MarginMode.ISOLATED, funding_from=FundingFrom.MARGIN))
def test_no_liquidation_at_a_better_mark_than_the_bar_had(scenario: Scenario):
    _, records = run(scenario)
    for one in records["liquidations"]:
        bar = (one["ts"] - START) // HOUR
        low, high = scenario.prices[[MARK_LOW, MARK_HIGH], 0, bar]
        assert low <= one["mark_price"] <= high

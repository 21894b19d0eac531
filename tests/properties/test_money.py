"""Money is conserved, whatever rules, prices and orders an account meets."""

import numpy as np
from hypothesis import given, settings

from backtest.core.types import MarginMode
from tests.core.accounts import money_is_conserved, steps_balance

from .scenarios import BARS, Scenario, run, scenarios

FAST = settings(deadline=None, derandomize=True, max_examples=500)


@FAST
@given(scenarios())
def test_every_account_balances_at_every_close(scenario: Scenario):
    engine = scenario.engine()
    engine.give(scenario.orders)
    for bar in range(BARS):
        if engine.stopped:
            break
        engine.feed(*scenario.block(bar, bar + 1))
        assert money_is_conserved(engine), f"after bar {bar}"
        held = engine.positions["size"] != 0.0
        for pool, one in enumerate(engine.pools):
            assert one["open"] == np.count_nonzero(held & (engine.positions["pool"] == pool))
        assert engine._state["waiting"][0] == np.count_nonzero(engine.positions["order_kind"])


@FAST
@given(scenarios())
def test_every_liquidation_step_balances(scenario: Scenario):
    _, records = run(scenario)
    steps = records["liquidations"]
    assert steps_balance(steps, inverse=scenario.choices["contract"] == "inverse")
    for name in ("fee", "forfeited", "shortfall", "size_closed"):
        assert (steps[name] >= 0.0).all(), name
    assert (steps["size_closed"] <= np.abs(steps["size_before"])).all()
    closed_all = steps["size_closed"] == np.abs(steps["size_before"])
    assert ((steps["tier_after"] == 0) == closed_all).all()


@FAST
@given(scenarios())
def test_equity_is_never_under_zero_in_the_records(scenario: Scenario):
    _, records = run(scenario)
    assert (records["equity"]["equity"] >= 0.0).all()
    assert (records["equity"]["equity_low"] >= 0.0).all()


@FAST
@given(scenarios())
def test_totals_are_the_sums_of_the_records(scenario: Scenario):
    engine, records = run(scenario)
    totals = {name: engine.pools[name].sum() for name in engine.pools.dtype.names}
    steps, fills = records["liquidations"], records["fills"]
    ordinary = fills[fills["reason"] != 1]
    same = np.testing.assert_allclose
    same(totals["funding"], records["funding"]["amount"].sum(), rtol=1e-9, atol=1e-6)
    same(totals["fees"], ordinary["fee"].sum(), rtol=1e-9, atol=1e-6)
    same(totals["liquidation_fees"], steps["fee"].sum(), rtol=1e-9, atol=1e-6)
    same(totals["forfeited"], steps["forfeited"].sum(), rtol=1e-9, atol=1e-6)
    covered = steps["shortfall"].sum() + ordinary["shortfall"].sum()
    same(totals["shortfall"], covered, rtol=1e-9, atol=1e-6)
    moved = dict.fromkeys(range(len(engine.positions)), 0.0)
    for fill in fills:
        moved[int(fill["symbol"])] += fill["size"]
    same(list(moved.values()), engine.positions["size"], atol=1e-6)


@FAST
@given(scenarios(mode=MarginMode.ISOLATED))
def test_an_isolated_bucket_never_draws_on_the_wallet_to_be_liquidated(scenario: Scenario):
    _, records = run(scenario)
    last = records["fills"][records["fills"]["reason"] == 1]
    assert (last["margin_after"][last["position_after"] == 0.0] == 0.0).all()
    assert (records["fills"]["cash_after"] >= -1e-9).all()

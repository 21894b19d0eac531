"""BitMEX: inverse, quanto and linear contracts with risk limits; two eras of cross margin."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.tiers import tier_index
from backtest.core.types import (
    CloseFee,
    Gains,
    InitialRate,
    NextFunding,
    StepExit,
    StepSize,
    TierKey,
    Trigger,
    ValuedAt,
)
from backtest.errors import RulebookError
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

XBTUSD, ETHUSD, ETHUSDT, DATED = "BTC/USD:BTC", "ETH/USD:BTC", "ETH/USDT:USDT", "BTC/USD:BTC-*"


def cross(symbol, date):
    rules = resolve(load("bitmex"), symbol, ms(SINCE), ms(UNTIL), mode="cross")
    return on(rules, date)


class TestBitmex(VenueChecks):
    venue = "bitmex"
    rows = {
        (XBTUSD, "2019-08-12", 0): (0, 0.005, 100),
        (XBTUSD, "2019-08-12", 1): (200, 0.01, 1 / 0.015),
        (XBTUSD, "2020-04-20", 1): (200, 0.009, 1 / 0.0145),
        (XBTUSD, "2020-06-01", 2): (300, 0.012, 1 / 0.018),
        (XBTUSD, "2022-01-01", 2): (350, 0.012, 1 / 0.018),
        (XBTUSD, "2024-11-24", 0): (0, 0.005, 100),
        (XBTUSD, "2024-11-24", 2): (350, 0.015, 50),
        (DATED, "2018-06-01", 1): (100, 0.02, 1 / 0.03),
        (DATED, "2024-06-01", 0): (0, 0.005, 100),
        (ETHUSD, "2019-06-01", 0): (0, 0.01, 50),
        (ETHUSD, "2020-05-31", 0): (0, 0.008, 50),
        (ETHUSD, "2021-01-01", 2): (125, 0.024, 1 / 0.036),
        (ETHUSD, "2022-01-01", 2): (150, 0.024, 1 / 0.036),
        (ETHUSDT, "2022-05-21", 0): (0, 0.01, 50),
        (ETHUSDT, "2024-06-01", 0): (0, 0.005, 100),
    }
    tables = {
        (XBTUSD, "2019-08-12"): (128, 12_900),
        (XBTUSD, "2024-11-24"): (128, 19_250),
        (DATED, "2018-06-01"): (99, 5_000),
        (ETHUSD, "2022-01-01"): (123, 12_250),
    }
    values = {
        ("cross.gains", "2024-03-24"): "own",
        ("cross.gains", "2024-03-25"): "shared",
        ("fees.taker", "2023-12-07"): 0.00075,
        ("fees.maker", "2023-12-07"): -0.00025,
        ("fees.taker", "2024-11-24"): 0.0005,
        ("isolated.maintenance.change", "2020-05-05"): "when_touched",
        ("display.isolated", "2018-08-27"): "integer_contracts",
        ("display.integer_unit", "2018-08-27"): 1e8,
        ("display.no_price", "2018-08-27"): "sentinel",
        ("funding.interval_hours", "2020-01-01"): 8,
    }
    numbers = {
        (XBTUSD, "2019-05-10", "lot"): 1,
        (XBTUSD, "2024-11-25", "lot"): 100,
        (XBTUSD, "2019-05-10", "tick"): 0.5,
        (XBTUSD, "2024-11-25", "tick"): 0.1,
        (XBTUSD, "2019-05-10", "inverse"): 1,
        (XBTUSD, "2019-05-10", "tier_key"): TierKey.NOTIONAL_AT_ENTRY,
        (XBTUSD, "2019-05-10", "maintenance_at"): ValuedAt.ENTRY,
        (XBTUSD, "2019-05-10", "close_fee"): CloseFee.COST_AND_MARGIN,
        (XBTUSD, "2019-05-10", "next_funding"): NextFunding.LAST_RATE,
        (XBTUSD, "2019-05-10", "initial_rate"): InitialRate.LARGER,
        (XBTUSD, "2019-05-10", "frozen"): 1,
        (ETHUSD, "2020-05-31", "multiplier"): 1e-6,
        (ETHUSDT, "2022-05-21", "multiplier"): 1,
    }
    extrapolated = {
        (XBTUSD, "2019-05-10"): False,
        (XBTUSD, "2025-06-12"): False,
        (XBTUSD, "2025-06-13"): True,
        (DATED, "2020-01-01"): True,
        (DATED, "2024-03-19"): False,
        (ETHUSD, "2024-03-13"): False,
        (ETHUSD, "2024-03-14"): True,
        (ETHUSDT, "2022-05-22"): True,
        (ETHUSDT, "2025-06-12"): True,
    }
    matches = {XBTUSD: XBTUSD, "BTC": XBTUSD, "ETH": ETHUSDT, "ETH/USDC:USDC": ETHUSDT}


@pytest.mark.parametrize(
    ("value", "rate", "initial"),
    [(180, 0.005, 0.01), (230, 0.01, 0.015), (400, 0.015, 0.02), (600, 0.02, 0.025)],
)
def test_risk_limits_are_those_of_the_venues_examples(value, rate, initial):
    record = on(resolved(load("bitmex"), XBTUSD), "2024-11-24")
    row = tier_index(record, float(value))
    assert record["rate"][row] == pytest.approx(rate)
    assert 1 / record["max_leverage"][row] == pytest.approx(initial)


@pytest.mark.parametrize("step", [1, 17, 127])
def test_every_step_of_the_risk_limit_adds_the_first_rate_to_both_margins(step):
    record = on(resolved(load("bitmex"), XBTUSD), "2022-01-01")
    row = tier_index(record, 200.0 + 150.0 * step)
    assert row == step
    assert record["rate"][row] == pytest.approx(0.004 * (1 + step))
    assert 1 / record["max_leverage"][row] == pytest.approx(0.01 + 0.004 * step)


@pytest.mark.parametrize(
    ("before", "since", "rates"),
    [
        ("2020-04-17T00:59:59", "2020-04-17T01:00:00", {XBTUSD: 0.0045, ETHUSD: 0.009}),
        ("2020-05-05T01:59:59", "2020-05-05T02:00:00", {XBTUSD: 0.004, ETHUSD: 0.008}),
        ("2024-03-13T23:59:59", "2024-03-14T00:00:00", {XBTUSD: 0.005}),
    ],
)
def test_announced_margins_begin_with_their_second(before, since, rates):
    for symbol, rate in rates.items():
        rules = resolved(load("bitmex"), symbol)
        assert on(rules, before)["rate"][0] != pytest.approx(rate)
        assert on(rules, since)["rate"][0] == pytest.approx(rate)


def test_cross_positions_fall_one_tier_at_a_time_before_2024_03_25_and_all_at_once_since():
    old, new = cross(XBTUSD, "2024-03-24"), cross(XBTUSD, "2024-03-25")
    assert (old["gains"], new["gains"]) == (Gains.OWN, Gains.SHARED)
    assert (old["n_steps"], old["healthy_ratio"]) == (2, 1.0)
    assert (new["n_steps"], new["healthy_ratio"]) == (1, 0.0)
    assert (old["trigger"], new["trigger"]) == (Trigger.AT_OR_BELOW, Trigger.BELOW)


def test_isolated_positions_do_not_feel_the_new_cross_system():
    rules = resolved(load("bitmex"), XBTUSD)
    old, new = on(rules, "2024-03-24"), on(rules, "2024-03-25")
    assert new["steps"].tobytes() == old["steps"].tobytes()
    assert (new["trigger"], new["healthy_ratio"]) == (Trigger.AT_OR_BELOW, 1.0)


def test_a_higher_risk_limit_is_lowered_at_the_market_and_the_lowest_is_taken_over():
    record = on(resolved(load("bitmex"), XBTUSD), "2022-01-01")
    lower, takeover = record["steps"][:2]
    assert (lower["size_kind"], lower["amount"], lower["min_tier"]) == (StepSize.TIERS_DOWN, 1, 2)
    assert lower["exit"] == StepExit.ZERO_EQUITY
    assert (takeover["size_kind"], takeover["exit"]) == (StepSize.ALL, StepExit.BANKRUPTCY)


def test_cross_needs_the_rate_of_the_risk_limit_and_keeps_no_old_rules():
    record = cross(XBTUSD, "2022-01-01")
    assert record["initial_rate"] == InitialRate.TABLE
    assert record["frozen"] == 0


def test_a_contract_without_known_parameters_is_refused_and_not_replaced_by_an_inverse_one():
    with pytest.raises(RulebookError, match=r"no symbol 'BTC/USDT:USDT'"):
        load("bitmex").match("BTC/USDT:USDT")


def test_dated_contracts_expire_at_noon():
    assert load("bitmex").instrument("BTC/USD:BTC-210625").expires == ms("2021-06-25T12:00:00")


@pytest.mark.parametrize(
    ("symbol", "contracts", "price", "value"),
    [(ETHUSD, 131, 203.48, 0.02665575), (ETHUSDT, 2000, 1963, 39.26)],
)
def test_contracts_are_worth_what_the_payloads_say(symbol, contracts, price, value):
    book = load("bitmex")
    one = book.instrument(symbol)
    worth = contracts * one.contract_size * one.multiplier * price
    assert worth == pytest.approx(value, rel=1e-4)

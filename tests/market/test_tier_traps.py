"""ccxt's leverage tiers are read as what they are on each venue."""

import pytest

from backtest.errors import RulebookError
from backtest.market.tiers.traps import TRAPS
from backtest.venues.check import Place

HERE = Place("x", "BTC/USDT:USDT")


def row(low, high, rate, leverage, **info):
    names = ("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage")
    return {**dict(zip(names, (low, high, rate, leverage), strict=True)), "info": info}


def read(venue, *rows):
    return [
        (t.floor, t.cap, t.rate, t.max_leverage, t.deduction) for t in TRAPS[venue].rows(HERE, rows)
    ]


def test_tiers_of_okx_are_in_contracts_and_may_begin_a_lot_later():
    rows = row(0, 1000, 0.004, 100), row(1000.01, 5000, 0.005, 66.66)
    assert read("okx", *rows) == [(0, 1000, 0.004, 100, None), (1000, 5000, 0.005, 66.66, None)]
    assert TRAPS["okx"].unit("linear", rows) == "contracts"
    assert TRAPS["okx"].single
    assert TRAPS["okx"].by_mode


def test_a_real_hole_between_tiers_of_okx_stays_one():
    rows = row(0, 1000, 0.004, 100), row(1002, 5000, 0.005, 66.66)
    assert read("okx", *rows)[1][0] == 1002


def test_deductions_of_gate_come_from_its_own_field_and_its_markets_are_asked_one_by_one():
    rows = row(0, 5e5, 0.003, 200, deduction="0"), row(5e5, 1e6, 0.0035, 150, deduction="250")
    assert [tier[4] for tier in read("gate", *rows)] == [0, 250]
    assert TRAPS["gate"].single


def test_tiers_of_bybit_are_sorted_by_limit_and_not_by_id():
    rows = (
        row(0, 2e6, 0.0056, 75, id=1, mmDeduction="1710"),
        row(2e6, 3e5, 0.0033, 100, id=2, mmDeduction=""),
        row(3e5, 1e6, 0.005, 90, id=3, mmDeduction="510"),
    )
    assert read("bybit", *rows) == [
        (0, 3e5, 0.0033, 100, None),
        (3e5, 1e6, 0.005, 90, 510),
        (1e6, 2e6, 0.0056, 75, 1710),
    ]


def test_levels_of_mexc_begin_with_its_base_volume():
    info = {
        "riskBaseVol": 150000, "riskIncrVol": 150000, "riskIncrMmr": 0.004, "riskIncrImr": 0.004,
        "riskLevelLimit": 5, "maintenanceMarginRate": 0.004, "initialMarginRate": 0.008,
        "riskLimitType": "BY_VOLUME",
    }  # fmt: skip
    rows = (row(0, 150000, 0.004, 125, **info),)
    found = read("mexc", *rows)
    assert [tier[:3] for tier in found[:2]] == [(0, 150000, 0.004), (150000, 300000, 0.008)]
    assert len(found) == 5
    assert found[1][3] == pytest.approx(1 / 0.012)
    assert TRAPS["mexc"].unit("linear", rows) == "contracts"
    assert TRAPS["mexc"].unit("linear", (row(0, 1, 0.1, 5, riskLimitType="BY_VALUE"),)) == "settle"


def test_levels_of_mexc_whose_base_differs_from_the_steps_are_not_those_of_ccxt():
    info = {
        "riskBaseVol": 10000, "riskIncrVol": 200000, "riskIncrMmr": 0.004, "riskIncrImr": 0.004,
        "riskLevelLimit": 2, "maintenanceMarginRate": 0.004, "initialMarginRate": 0.008,
    }  # fmt: skip
    assert [tier[:2] for tier in read("mexc", row(0, 2e5, 0.004, 125, **info))] == [
        (0, 10000),
        (10000, 210000),
    ]


def test_rows_of_kraken_are_sorted_and_the_last_has_no_end():
    rows = row(5e5, None, 0.02, 25), row(0, 5e5, 0.01, 50)
    assert [tier[:3] for tier in read("krakenfutures", *rows)] == [
        (0, 5e5, 0.01),
        (5e5, None, 0.02),
    ]
    assert TRAPS["krakenfutures"].unit("inverse", rows) == "contracts"
    assert TRAPS["krakenfutures"].unit("linear", rows) == "settle"


def test_tiers_of_htx_are_adjustment_factors_of_isolated_margin():
    ladder = ({"min_size": 0, "max_size": 999, "adjust_factor": 0.7},
              {"min_size": 1000, "max_size": 9999, "adjust_factor": 0.8})  # fmt: skip
    rows = [
        row(i["min_size"], i["max_size"], i["adjust_factor"] / lever, lever, **i)
        for lever in (75, 50)
        for i in ladder
    ]
    assert read("htx", *rows) == [(0, 1000, 0.7, 75, None), (1000, 9999, 0.8, 75, None)]
    assert TRAPS["htx"].mode == "isolated"


def test_ladders_of_htx_that_differ_by_leverage_are_refused():
    rows = [
        row(0, 999, 0.7 / 75, 75, min_size=0, max_size=999, adjust_factor=0.7),
        row(0, 999, 0.5 / 50, 50, min_size=0, max_size=999, adjust_factor=0.5),
    ]
    with pytest.raises(RulebookError, match="'50x' differs from the ladder at 75x; write the lad"):
        read("htx", *rows)


def test_tiers_of_kucoin_are_for_isolated_margin():
    assert TRAPS["kucoinfutures"].mode == "isolated"

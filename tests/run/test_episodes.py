"""What counts as one liquidation: a position that fell, or in cross mode an account."""

from datetime import UTC, datetime, timedelta

import polars as pl

from backtest.episodes import with_episodes

from .market import BTC, ETH, HOUR, flat, steps

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
TEXTS = ("symbol", "position_side", "scope")
COIN = "BTC/USD:BTC"


def counted(*rows, scope="account"):
    """The episode of each (hour, event, symbol, hour of opening), in order of time."""
    frame = pl.DataFrame(
        {
            "ts": [NEW_YEAR + timedelta(hours=row[0]) for row in rows],
            "event": [row[1] for row in rows],
            "step": list(range(1, len(rows) + 1)),
            "symbol": [row[2] for row in rows],
            "position_side": [row[4] if len(row) > 4 else "both" for row in rows],
            "scope": [scope] * len(rows),
            "bars_held": [row[0] - row[3] for row in rows],
        },
        schema_overrides={"ts": pl.Datetime("ms", "UTC"), **dict.fromkeys(TEXTS, pl.String)},
    )
    return with_episodes(frame, HOUR)["episode"].to_list()


def test_events_of_one_position_are_one_liquidation():
    assert counted((5, 1, BTC, 0), (6, 2, BTC, 0), (9, 3, BTC, 0)) == [1, 1, 1]
    assert counted((5, 1, BTC, 0), (6, 2, BTC, 0), (9, 3, BTC, 8)) == [1, 1, 2]


def test_an_account_that_loses_several_positions_in_turn_fell_once():
    steps_in_turn = ((5, 1, BTC, 0), (6, 2, ETH, 1), (7, 3, BTC, 0), (7, 4, ETH, 1))
    assert counted(*steps_in_turn) == [1, 1, 1, 1]
    # the second fell when all was over with the first
    assert counted((5, 1, BTC, 0), (6, 2, BTC, 0), (7, 3, ETH, 1)) == [1, 1, 2]
    # in the same bar it is one fall, whichever closed first
    assert counted((5, 1, BTC, 0), (5, 2, ETH, 1)) == [1, 1]


def test_accounts_of_two_settle_assets_fall_apart():
    assert counted((5, 1, BTC, 0), (6, 2, COIN, 0), (7, 3, BTC, 0)) == [1, 2, 1]


def test_isolated_positions_are_counted_one_by_one():
    rows = ((5, 1, BTC, 0), (5, 2, ETH, 0), (6, 3, BTC, 0))
    assert counted(*rows, scope="position") == [1, 2, 1]


def test_two_legs_that_are_closed_against_each_other_fell_together():
    legs = ((5, 1, BTC, 0, "long"), (5, 1, BTC, 2, "short"))
    assert counted(*legs, scope="position") == [1, 1]


def test_a_run_without_liquidations_has_no_episodes():
    assert counted() == []


def test_a_venue_that_closes_tenths_liquidated_one_position(market):
    market.add([*flat(100, 2), *steps(100, 97, 95, 93, 92), *flat(92, 3)])
    settings = {"symbols": "BTC", "prices": "binanceusdm", "exposure": 15, "leverage": 20}
    result = market.run("strategies/hold.py", venues="dydx", margin="cross", **settings)
    # 1/15 less 3 % for the margin is lost between 97 and 95, in the bar of 04:00
    row = result.summary.row(0, named=True)
    assert result.liquidations["event"].n_unique() == result.liquidations.height > 3
    assert (row["liquidations"], row["steps"]) == (1, result.liquidations.height)
    assert row["full"] + row["partial"] == row["steps"]
    said = f"dydx: liquidated once in part ({row['steps']} steps), first on 2024-01-01 04:00"
    assert str(result).splitlines()[0] == said

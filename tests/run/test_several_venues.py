"""Several venues in one run: on their common span, or all on one venue's prices."""

import backtest as bt

from .market import BTC, ETH, flat

FOUR = ("binanceusdm", "bybit", "okx", "hyperliquid")


def test_each_venue_runs_on_its_own_prices_over_the_common_span(market):
    market.add(flat(100, 30)).add(flat(200, 30), venue="bybit", first=6)
    result = market.run("strategies/hold.py", venues="binanceusdm,bybit")
    rows = result.summary.select("venue", "prices", "since", "until").rows()
    assert rows == [
        ("binanceusdm", "binanceusdm", "2024-01-01 06:00", "2024-01-02 06:00"),
        ("bybit", "bybit", "2024-01-01 06:00", "2024-01-02 06:00"),
    ]
    assert result.fills["price"].to_list() == [100.0, 200.0]


def test_on_one_venues_prices_only_the_rules_differ(market):
    market.add(flat(100, 30)).add(flat(200, 30), venue="bybit")
    result = market.run("strategies/hold.py", venues=FOUR, prices="bybit")
    assert result.summary["prices"].to_list() == ["bybit"] * 4
    assert result.fills["price"].to_list() == [200.0] * 4
    assert result.fills["fee"].n_unique() > 1


def test_prices_may_come_from_a_venue_that_has_no_rulebook(market):
    market.add(flat(100, 30), venue="ftx")
    result = market.run("strategies/hold.py", venues="okx", prices="ftx")
    assert result.summary.select("venue", "prices").rows() == [("okx", "ftx")]


def test_a_venue_that_settles_in_another_coin_runs_its_own_symbol(market):
    market.add(flat(100, 30))
    result = market.run("strategies/hold.py", venues="hyperliquid", prices="binanceusdm")
    assert result.summary["symbols"].to_list() == ["BTC/USDC:USDC"]
    assert result.equity["asset"].unique().to_list() == ["USDC"]


def test_one_venue_alone_and_among_others_gives_the_same_records(market, tmp_path):
    settings = {"exposure": 8, "leverage": 20, "on_liquidation": "refill", "until": "2023-06-01"}
    settings["prices"] = "binanceusdm"
    together = bt.run("strategies/sma_cross.py", venues=FOUR, out=tmp_path / "all", **settings)
    for venue in FOUR:
        alone = bt.run("strategies/sma_cross.py", venues=venue, out=tmp_path / venue, **settings)
        for kind in ("liquidations", "fills", "equity", "margin"):
            assert alone.frame(kind).equals(together.frame(kind).filter(venue=venue))


def test_an_account_of_two_settle_assets_has_a_pool_for_each(market):
    usdc = "BTC/USDC:USDC"
    market.add(flat(100, 12)).add(flat(100, 12), usdc)
    book = bt.load_venue("binanceusdm")
    other = usdc if usdc in book.symbols() else ETH
    market.add(flat(50, 12), other)
    result = market.run("strategies/hold.py", symbols=[BTC, other], exposure=0.5)
    pools = result.equity["asset"].n_unique()
    assert pools == (2 if other == usdc else 1)
    assert result.manifest["accounts"][0]["totals"]["deposits"] == pools * 10_000

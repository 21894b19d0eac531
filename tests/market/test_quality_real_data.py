"""What the checks find in the real history is what its README says, and nothing unexplained."""

from collections import Counter

import pytest

from backtest.market.quality import check_store, moment
from backtest.market.store import Store


@pytest.fixture(scope="module")
def report(market_data):
    return check_store(Store(market_data))


def places(report, check):
    return {
        (f.venue, f.symbol, f.timeframe, moment(f.start)): f.count
        for f in report.findings
        if f.check == check
    }


def test_no_row_is_broken(report):
    broken = {"unreadable", "name", "unsorted", "duplicate", "off grid", "price", "ohlc", "volume"}
    broken |= {"rate", "overlap", "spot", "copy", "volume jump"}
    assert Counter(f.check for f in report.findings if f.check in broken) == {}


def test_gaps_are_those_of_the_readme(report):
    gaps = places(report, "gap")
    sol = ("binanceusdm", "SOL/USDT:USDT")
    assert gaps.pop((*sol, "1h", "2022-02-26 00:00")) == 72
    assert gaps.pop((*sol, "1h", "2022-04-01 00:00")) == 48
    assert gaps.pop((*sol, "5m", "2025-04-05 10:25")) == 451
    assert gaps.pop(("binancecoinm", "BTC/USD:BTC", "1m", "2022-12-13 04:29")) == 1
    for symbol in ("BTC/USDT", "ETH/USDT"):
        outages = [key for key in gaps if key[:2] == ("binance", symbol)]
        assert sum(gaps.pop(key) for key in outages) == 36
    # what is left are minutes without a trade on dYdX
    assert {key[:3] for key in gaps} == {("dydx", "BTC/USD:USDC", "1m")}


@pytest.mark.parametrize(("symbol", "at", "price", "mark"), [
    ("ADA/USDT:USDT", "2020-02-28 17:00", 0.02286, 0.0476847),
    ("BTC/USDT:USDT", "2020-03-12 10:00", 5199.17, 5620.86),
    ("XRP/USDT:USDT", "2020-06-02 14:00", 0.1529, 0.197619),
    ("ETH/USDT:USDT", "2021-05-19 13:00", 1400.73, 1764.26),
])  # fmt: skip
def test_prints_far_from_the_mark_are_found(report, symbol, at, price, mark):
    (finding,) = [
        f for f in report.findings
        if (f.check, f.symbol, moment(f.start)) == ("mark", symbol, at)
    ]  # fmt: skip
    assert finding.detail == f"low {price:g}, mark {mark:g}, {at}"
    assert finding.worst == pytest.approx(1 - price / mark, rel=1e-4)


def test_the_flat_hours_of_okx_are_found(report):
    stale = places(report, "stale")
    okx = {key: n for key, n in stale.items() if key[0] == "okx" and key[2] == "1h"}
    trade = {key for key in okx if key[3] == "2022-12-18 09:00"}
    assert {key[1].partition("/")[0] for key in trade} >= {"BTC", "ETH", "SOL", "XRP", "DOGE"}
    assert {okx[key] for key in trade} == {9}
    # MATIC's last week before its delisting
    assert stale["binanceusdm", "MATIC/USDT:USDT", "1h", "2024-09-04 09:00"] == 168


def test_volumes_of_unfinished_bars_are_found(report):
    found = places(report, "volume fine")
    for symbol in ("BTC/USDT:USDT", "ETH/USDT:USDT"):
        assert found["binanceusdm", symbol, "1h", "2025-01-29 01:00"] == 2


def test_holes_in_funding_are_those_of_the_readme(report):
    found = {(v, s, at): n for (v, s, _, at), n in places(report, "funding gap").items()}
    complete = ("BTC", "ETH", "XRP", "LTC", "ADA", "SOL", "BNB", "DOGE", "LINK", "AVAX")
    holes = Counter(s.partition("/")[0] for v, s, _ in found if v == "binanceusdm")
    assert not set(complete) & set(holes)
    assert {"1INCH", "ALGO", "APT", "ATOM", "FIL", "TON", "RENDER", "1000PEPE", "TRX"} <= set(holes)
    assert not [s for v, s, _ in found if v == "bybit"]
    assert found["okx", "BTC/USDT:USDT", "2024-07-01 08:00"] == 151
    ten_days = [n for (v, s, _), n in found.items() if v == "hyperliquid" and s[:3] == "BTC"]
    assert sum(n > 200 for n in ten_days) == 5

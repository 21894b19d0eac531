"""What `explain` refuses, and what it says it leaves out: nothing that is given is passed over."""

import json

import pytest

import backtest as bt
from backtest.errors import RulebookError, UsageError
from backtest.explanation import explain_pool, read_positions
from backtest.venues import known

BTC, COIN = "BTC/USDT:USDT", "BTC/USD:BTC"
HELD = {"symbol": BTC, "side": "long", "size": 1, "entry": 50_000, "mark": 50_000, "leverage": 10}


def explain(venue="okx", symbol=BTC, **changes):
    asked = {"side": "long", "entry": 50_000.0, "size": 0.5, "leverage": 10.0}
    return bt.explain(venue, symbol, **(asked | changes))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"cash": 100.0}, "cash is 100, which does not stand behind an isolated .*give margin cro"),
        (
            {"margin": "cross", "extra_margin": 50.0},
            "extra_margin is 50, but only an isolated position has margin of its own; .*to cash",
        ),
        ({"extra_margin": -2_500.0}, "extra_margin of −2,500 USDT takes all of the 2,500 USDT"),
        ({"extra_margin": -1e9}, "takes all of the 2,500 USDT .*take less"),
        ({"funding_rate": 5.0}, r"funding_rate is 5 \(500 %\); give a fraction between −1 and 1"),
        ({"funding_rate": -1.0}, r"funding_rate is −1 \(−100 %\)"),
        ({"entry": 0.05}, "entry is 0.05, less than the price step of 0.1 of BTC/USDT:USDT on okx"),
        ({"mark": 1e-12}, "mark is 1e-12, less than the price step"),
        ({"entry": 1e300}, r"entry is 1e\+300, over 1,000,000,000,000; .* USDT for a BTC"),
        ({"entry": 0.2, "mark": 1e6}, "entry of 0.2 and mark of 1,000,000 are more than 1,000,000"),
    ],
)
def test_what_has_no_meaning_is_refused_in_a_sentence(changes, match):
    with pytest.raises(UsageError, match=match):
        explain(**changes)


@pytest.mark.parametrize(
    ("venue", "symbol", "changes", "match"),
    [
        (
            "okx",
            BTC,
            {"size": 1e-9},
            "0.000000001 BTC .*under the smallest .* of 0.0001 BTC",
        ),
        ("binanceusdm", BTC, {"size": 0.001}, "0.001 BTC .*is worth 50 USDT.* 100 USDT; make it l"),
        ("binancecoinm", COIN, {"size": 50.0}, "an order of 50 USD .*smallest order .* of 100 USD"),
        ("binancecoinm", COIN, {"size": None, "contracts": 0.5}, "an order of 50 USD of BTC/USD"),
        ("hyperliquid", "BTC", {"size": 0.0001}, "worth 5 USDC, under .*10 USDC; make it larger"),
    ],
)
def test_an_order_that_a_run_would_reject_is_refused(venue, symbol, changes, match):
    with pytest.raises(UsageError, match=match):
        explain(venue, symbol, **changes)
    row = {**HELD, "symbol": symbol, **changes}
    with pytest.raises(UsageError, match=match):
        explain_pool(venue, [row], cash=1.0)


@pytest.mark.parametrize("venue", known())
def test_a_leverage_that_a_run_would_refuse_is_refused(venue):
    with pytest.raises(UsageError, match=r"leverage 1000 is over the maximum of [0-9.]+ for BTC/"):
        explain(venue, "BTC", size=0.01, leverage=1000.0)


@pytest.mark.parametrize(
    ("venue", "symbol", "size"),
    [
        ("okx", COIN, 200),
        ("deribit", COIN, 1_000),
        ("krakenfutures", COIN, 1_000),
        ("bitmex", "ETH/USD:BTC", 10),
    ],
)
def test_a_coin_wallet_is_asked_for_in_coin(venue, symbol, size):
    match = "stands on a wallet in BTC; give its cash .--cash., in that coin"
    with pytest.raises(UsageError, match=match):
        explain(venue, symbol, size=size, margin="cross")
    with pytest.raises(UsageError, match=match):
        explain_pool(venue, [{**HELD, "symbol": symbol, "size": size}])


def test_a_pool_holds_no_other_venues_symbols():
    with pytest.raises(RulebookError, match=r"position 2 is in BTC/USDC:USDC, .*write BTC/USDT:U"):
        explain_pool("okx", [HELD, {**HELD, "symbol": "BTC/USDC:USDC"}])
    with pytest.raises(RulebookError, match="okx has no tiers for 'WIF/USDT:USDT'"):
        explain_pool("okx", [{**HELD, "symbol": "WIF/USDT:USDT"}])


@pytest.mark.parametrize("rate", [5, 1, -1, -2])
def test_a_funding_rate_of_a_whole_or_more_is_refused_in_a_pool(rate):
    with pytest.raises(UsageError, match=r"position 1 has funding_rate .*a rate is a fraction"):
        explain_pool("okx", [{**HELD, "funding_rate": rate}])


def test_prices_of_a_pool_are_checked_as_those_of_one_position():
    with pytest.raises(UsageError, match="less than the price step"):
        explain_pool("okx", [{**HELD, "mark": 0.01}])
    with pytest.raises(UsageError, match="over 1,000,000,000,000"):
        explain_pool("okx", [{**HELD, "entry": 1e300}])


def test_a_file_that_says_a_thing_twice_or_a_number_beyond_all_is_refused(tmp_path):
    path = tmp_path / "pool.json"
    path.write_text('[{"symbol": "BTC", "size": 1, "size": 2}]')
    with pytest.raises(UsageError, match="names 'size' twice in one position; keep one"):
        read_positions(path)
    path.write_text(json.dumps([HELD]).replace('"size": 1', f'"size": {"9" * 400}'))
    with pytest.raises(UsageError, match="position 1 has size inf; it must be a number"):
        explain_pool("okx", read_positions(path))


def test_a_size_beyond_the_whole_table_is_not_blamed_on_the_leverage():
    with pytest.raises(UsageError, match=r"size of 1,000,000,000 BTC is over .*make it smaller"):
        explain(size=1e9, leverage=100.0)


@pytest.mark.parametrize(
    "flags",
    [
        "--size 1 --cash 5",
        "--size 1 --margin cross --extra-margin 5",
        "--size 1e-9",
        "--size nan",
        "--size 1 --entry -1",
        "--size 1 --mark 1e300",
        "--size 1 --margin cross --cash -1",
        "--size 1 --funding-rate 5",
        "--size 1 --leverage 1e9",
    ],
)
def test_the_command_ends_with_code_2_and_one_sentence(flags, monkeypatch, capsys):
    from backtest.cli.main import main

    asked = "--venue okx --symbol BTC/USDT:USDT --side long --entry 50000 --leverage 10"
    monkeypatch.setattr("sys.argv", ["backtest", "explain", *asked.split(), *flags.split()])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1

"""Tiers asked through ccxt, on recorded answers: nothing is sent."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from backtest.errors import DataError, RulebookError, UsageError
from backtest.market.fetch.answers import Answers, NoAnswerError
from backtest.market.tier_import import import_tiers
from backtest.venues import load

DAY = datetime(2026, 11, 2, tzinfo=UTC)
BTC = "BTC/USDT:USDT"


@pytest.fixture
def recorded(exchange_responses, tmp_path):
    """A folder with some recorded answers of a venue, and others that a test writes itself."""
    folder = tmp_path / "recorded"
    folder.mkdir()

    def fill(venue, *names, **answers):
        for name in names:
            source = exchange_responses / venue / f"{name}.json"
            (folder / source.name).write_bytes(source.read_bytes())
        for name, (path, query, response) in answers.items():
            answer = {"request": {"path": path, "query": query}, "response": response}
            (folder / f"{name}.json").write_text(json.dumps(answer))
        return folder

    return fill


def response(folder, venue, name):
    return json.loads((folder / venue / f"{name}.json").read_text())["response"]


def last(venue, symbol):
    return load(venue).tiers[symbol][-1]


def test_brackets_of_binance_are_replayed_with_lots_and_ticks(recorded):
    folder = recorded(
        "binanceusdm",
        "gct_fapi_v1_exchangeInfo_GET_0",
        "rebuilt_fapi_v1_leverageBracket_2026-09-29",
    )
    outcome = import_tiers("binanceusdm", folder, date=DAY)
    assert outcome.tables == outcome.symbols == 25
    assert outcome.assumed == ()
    table = last("binanceusdm", BTC)
    assert table.floors[:3] == (0, 300000, 800000)
    assert table.deductions[:3] == pytest.approx((0, 300, 1500))
    assert load("binanceusdm").sources[table.source].title.startswith("binanceusdm leverage tiers")
    made = load("binanceusdm").instrument("NEO/USDT:USDT")
    assert (made.confidence, made.id) == ("payload", "NEOUSDT")


def test_the_built_in_brackets_are_those_of_the_recorded_answer(recorded):
    before = last("binanceusdm", BTC)
    folder = recorded(
        "binanceusdm",
        "gct_fapi_v1_exchangeInfo_GET_0",
        "rebuilt_fapi_v1_leverageBracket_2026-09-29",
    )
    import_tiers("binanceusdm", folder, symbols=[BTC], date=DAY)
    after = last("binanceusdm", BTC)
    assert after.valid_from > before.valid_from
    assert (after.floors, after.rates, after.max_leverages) == (
        before.floors, before.rates, before.max_leverages,
    )  # fmt: skip


def okx_rows(*rows):
    names = ("tier", "minSz", "maxSz", "mmr", "imr", "maxLever")
    data = [
        {"instId": "", "instFamily": "BTC-USDT", **dict(zip(names, r, strict=True))} for r in rows
    ]
    return {"code": "0", "msg": "", "data": data}


PATH = "/api/v5/public/position-tiers"
FIRST = ("1", "0", "1000", "0.004", "0.01", "100")
SECOND = ("2", "1000.01", "5000", "0.005", "0.015", "66.66")


def test_tiers_of_okx_are_kept_in_contracts_for_both_modes_where_they_agree(recorded):
    folder = recorded("okx", "live_get-instruments-swap", tiers=(PATH, "", okx_rows(FIRST, SECOND)))
    import_tiers("okx", folder, symbols=[BTC], date=DAY)
    table = last("okx", BTC)
    assert (table.unit, table.mode) == ("contracts", "")
    assert (table.floors, table.cap) == ((0, 1000), 5000)


def test_tiers_of_okx_are_kept_by_mode_where_they_differ(recorded):
    folder = recorded(
        "okx",
        "live_get-instruments-swap",
        cross=(PATH, "tdMode=cross", okx_rows(FIRST, SECOND)),
        isolated=(PATH, "tdMode=isolated", okx_rows(FIRST)),
    )
    import_tiers("okx", folder, symbols=[BTC], date=DAY)
    book = load("okx")
    assert [book.tables(BTC, mode)[-1].cap for mode in ("isolated", "cross")] == [1000, 5000]


def test_an_okx_contract_that_no_rulebook_has_comes_with_its_sizes(recorded, exchange_responses):
    found = response(exchange_responses, "okx", "live_get-instruments-swap")["data"]
    one = next(i for i in found if i["instId"] == "LTC-USDT-SWAP")
    folder = recorded("okx", "live_get-instruments-swap", tiers=(PATH, "", okx_rows(FIRST)))
    import_tiers("okx", folder, symbols=["LTC/USDT:USDT"], date=DAY)
    made = load("okx").instrument("LTC/USDT:USDT")
    size = float(one["ctVal"])
    assert made.contract_size == size
    assert made.sizes["lot"][0].number == pytest.approx(float(one["lotSz"]) * size)
    assert made.sizes["tick"][0].number == float(one["tickSz"])


def test_tiers_of_gate_are_asked_by_market_with_their_deductions(recorded):
    rows = [
        {"tier": 1, "risk_limit": "500000", "maintenance_rate": "0.003", "leverage_max": "200",
         "deduction": "0"},
        {"tier": 2, "risk_limit": "1000000", "maintenance_rate": "0.0035", "leverage_max": "150",
         "deduction": "250"},
    ]  # fmt: skip
    folder = recorded("gate", tiers=("/futures/usdt/risk_limit_tiers", "contract=BTC_USDT", rows))
    import_tiers("gate", folder, symbols=[BTC], date=DAY)
    table = last("gate", BTC)
    assert (table.floors, table.deductions, table.unit) == ((0, 500000), (0, 250), "settle")


def test_tiers_of_bitget_are_replayed(recorded):
    folder = recorded("bitget", "jk_Futures_ExchangeData_GetPositionTiers")
    import_tiers("bitget", folder, symbols=[BTC], date=DAY)
    assert last("bitget", BTC).rates == (0.004, 0.005)


def test_tiers_of_kucoin_are_kept_for_isolated_margin_only(recorded):
    rows = [
        {"symbol": "XBTUSDTM", "level": 1, "minRiskLimit": 0, "maxRiskLimit": 100000,
         "maxLeverage": 125, "initialMargin": 0.008, "maintainMargin": 0.004},
    ]  # fmt: skip
    path = "/api/v1/contracts/risk-limit/XBTUSDTM"
    folder = recorded("kucoinfutures", tiers=(path, "", {"code": "200000", "data": rows}))
    cross = load("kucoinfutures").tables(BTC, "cross")
    import_tiers("kucoinfutures", folder, symbols=[BTC], date=DAY)
    book = load("kucoinfutures")
    assert book.tables(BTC, "isolated")[-1].cap == 100000
    assert book.tables(BTC, "cross") == cross
    with pytest.raises(UsageError, match="kucoinfutures gives isolated tiers only"):
        import_tiers("kucoinfutures", folder, symbols=[BTC], date=DAY, mode="cross")


def test_levels_of_kraken_are_replayed_with_both_of_their_units(recorded, exchange_responses):
    answer = response(exchange_responses, "krakenfutures", "nt_http_futures_instruments")
    folder = recorded("krakenfutures", levels=("/instruments", "", answer))
    import_tiers("krakenfutures", folder, symbols=["BTC/USD:BTC", "ETH/USD:USD"], date=DAY)
    inverse, linear = last("krakenfutures", "BTC/USD:BTC"), last("krakenfutures", "ETH/USD:USD")
    assert (inverse.unit, inverse.floors) == ("contracts", (0, 500000))
    assert (linear.unit, linear.floors) == ("settle", (0, 2000000))


def test_rates_in_percent_are_refused(recorded):
    folder = recorded("bybit", "jk_V5Api_ExchangeData_GetRiskLimit")
    with pytest.raises(RulebookError, match=r"tier 1.rate = 0.5 is over the initial rate 1/100"):
        import_tiers("bybit", folder, symbols=["BTC/USD:BTC"], date=DAY)


def test_a_venue_whose_tiers_ccxt_lacks_is_refused(recorded, exchange_responses):
    with pytest.raises(DataError, match="ccxt has no leverage tiers for hyperliquid; import a tab"):
        import_tiers("hyperliquid", exchange_responses / "hyperliquid", date=DAY)


def test_a_recording_needs_its_day_and_a_symbol_must_be_the_venue_s(recorded):
    folder = recorded("bitget", "jk_Futures_ExchangeData_GetPositionTiers")
    with pytest.raises(UsageError, match="does not say of which day it is; give --date"):
        import_tiers("bitget", folder)
    with pytest.raises(UsageError, match="bitget has no market 'BITCOIN'"):
        import_tiers("bitget", folder, symbols=["BITCOIN"], date=DAY)


def test_an_answer_that_was_not_recorded_is_named(tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"request": {"path": "/a", "query": "x=1"}, "response": 5}))
    answers = Answers(path)
    assert answers.fetch("https://host/v1/a?x=1&y=2") == 5
    with pytest.raises(NoAnswerError, match="no recorded answer to GET /v1/b; record it there"):
        answers.fetch("https://host/v1/b")
    with pytest.raises(NoAnswerError):
        answers.fetch("https://host/v1/a?x=2")


def test_a_folder_without_answers_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no recorded answers; they are JSON files with"):
        import_tiers("okx", tmp_path, date=DAY)


def test_signed_answers_without_a_key_name_the_variables_to_set():
    import ccxt

    from backtest.market.fetch.exchange import asking

    with pytest.raises(DataError, match="set BINANCEUSDM_API_KEY and BINANCEUSDM_API_SECRET"):  # noqa: SIM117
        with asking("binanceusdm", "leverage tiers"):
            ccxt.binanceusdm().check_required_credentials()


def test_ccxt_is_imported_only_to_fetch():
    code = (
        "import sys, backtest, backtest.cli.main, backtest.market.tier_import, backtest.venues\n"
        "from backtest.market.fetch import fetch_tiers\n"
        "assert 'ccxt' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Tiers from tables and freqtrade files, kept with date and source."""

import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from backtest.errors import RulebookError
from backtest.market.tier_import import import_tiers
from backtest.venues import load, resolve
from backtest.venues.model import FOREVER

HEAD = (
    "symbol,valid_from,tier,min_notional,max_notional,maintenance_margin_rate,max_leverage,source"
)
DAY = datetime(2026, 9, 29, tzinfo=UTC)
BTC = "BTC/USDT:USDT"


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def table(tmp_path):
    """Imports rows of a CSV file under HEAD and more columns."""

    def run(*rows, venue="binanceusdm", more="", **flags):
        path = tmp_path / "table.csv"
        path.write_text("\n".join([HEAD + more, *rows]) + "\n", encoding="utf-8")
        return import_tiers(venue, path, **flags)

    return run


@pytest.fixture
def history(market_data):
    return market_data / "binance-tier-history.parquet"


def test_a_table_keeps_its_dates_sources_and_deductions(table):
    outcome = table(
        f"{BTC},2026-11-01,1,0,50000,0.004,125,the venue's answer",
        f"{BTC},2026-11-01,2,50000,250000,0.005,100,the venue's answer",
    )
    assert (outcome.tables, outcome.symbols, outcome.assumed) == (1, 1, ())
    book = load("binanceusdm")
    last = book.tiers[BTC][-1]
    assert (last.floors, last.cap, last.deductions) == ((0, 50000), 250000, (0, 50))
    assert (last.valid_from, last.confidence) == (ms("2026-11-01"), "payload")
    source = book.sources[last.source]
    assert (source.title, source.where) == ("the venue's answer", "table.csv")


def test_a_second_import_replaces_tables_of_the_same_date_and_keeps_the_others(table):
    table(f"{BTC},2026-11-01,1,0,1,0.004,125,a", f"{BTC},2026-11-10,1,0,2,0.004,125,a")
    outcome = table(f"{BTC},2026-11-10,1,0,3,0.004,125,b")
    assert outcome.replaced == 1
    assert [t.cap for t in load("binanceusdm").tiers[BTC][-2:]] == [1, 3]


def test_a_tier_without_width_is_left_out(table):
    rows = (f"{BTC},2026-11-01,{row},doc" for row in (
        "1,0,5,0.004,125", "2,5,5,0.005,100", "3,5,9,0.01,50"))  # fmt: skip
    table(*rows)
    assert load("binanceusdm").tiers[BTC][-1].floors == (0, 5)


def test_a_table_that_ends_before_the_next_is_extrapolated_in_between(table):
    table(
        "NEW/USDT:USDT,2024-01-01,1,0,1,0.004,125,a,2024-02-01",
        "NEW/USDT:USDT,2024-03-01,1,0,2,0.004,125,a,",
        more=",valid_to",
    )
    book = load("binanceusdm")
    records = resolve(book, "NEW/USDT:USDT", ms("2024-01-15"), ms("2024-04-01"))
    assert list(records["extrapolated"]) == [0, 1, 0]


def test_sizes_that_an_import_carries_are_the_contract_s(table):
    table(
        "NEW/USDT:USDT,2024-01-01,1,0,1,0.004,125,a,NEWUSDT,1,0.5,0.01,1,10",
        more=",id,contract_size,lot,tick,min_size,min_order",
    )
    found = load("binanceusdm").instrument("NEW/USDT:USDT")
    sizes = {name: history[-1].number for name, history in found.sizes.items()}
    assert sizes == {"lot": 0.5, "tick": 0.01, "min_size": 1, "min_notional": 10}
    assert (found.id, found.confidence) == ("NEWUSDT", "payload")


def test_a_contract_of_unknown_sizes_gets_the_finest_of_the_venue_as_assumed(table):
    outcome = table("NEW/USDT:USDT,2024-01-01,1,0,1,0.004,125,a")
    assert outcome.assumed == ("NEW/USDT:USDT",)
    book = load("binanceusdm")
    new = book.instrument("NEW/USDT:USDT")
    lots = [i.sizes["lot"][-1].number for i in book.instruments.values() if i is not new]
    assert new.sizes["lot"][0].number == min(lots)
    assert {r.confidence for sizes in new.sizes.values() for r in sizes} == {"assumed"}
    assert (new.base, new.settle, new.contract) == ("NEW", "USDT", "linear")


def test_a_dated_contract_takes_the_sizes_of_its_coin_and_expires(table):
    table("BTC/USDT:USDT-240628,2024-01-01,1,0,1,0.004,125,a")
    book = load("binanceusdm")
    found = book.instrument("BTC/USDT:USDT-240628")
    assert found.expires == ms("2024-06-28T08:00")
    assert found.sizes["lot"][0].number == book.instruments[BTC].sizes["lot"][0].number
    assert found.sizes["lot"][0].confidence == "assumed"


def test_the_history_of_all_binance_symbols_is_imported_and_resolved(history):
    outcome = import_tiers("binanceusdm", history)
    assert outcome.symbols == len(load("binanceusdm").symbols()) > 1000
    assert outcome.delisted > 100
    book = load("binanceusdm")
    for symbol in book.symbols():
        first = book.tiers[symbol][0]
        records = resolve(book, symbol, first.valid_from, FOREVER)
        assert np.isfinite(records["rate"]).all()
        assert (records["max_leverage"][:, 0] >= 1).all()


def test_the_imported_history_of_bitcoin_is_the_built_in_one(history):
    def tables():
        found = load("binanceusdm").tiers[BTC]
        return [(t.valid_from, t.floors, t.rates, t.max_leverages, t.cap) for t in found]

    before = tables()
    import_tiers("binanceusdm", history, symbols=[BTC])
    assert tables() == before
    imported = [t for t in load("binanceusdm").tiers[BTC] if t.source.startswith("imported")]
    assert len(imported) >= 10


def test_maintenance_amounts_of_the_history_are_those_computed(history):
    frame = pl.read_parquet(history).filter(pl.col("tier") > 0)
    ends = frame.filter(pl.col("min_notional") < pl.col("max_notional"))
    import_tiers("binanceusdm", history)
    for (symbol,), rows in ends.filter(pl.col("symbol").str.contains("/")).group_by("symbol"):
        last = rows.filter(pl.col("valid_from") == rows["valid_from"].max()).sort("tier")
        listed = [t for t in load("binanceusdm").tiers[str(symbol)] if t.listed]
        assert listed[-1].deductions == pytest.approx(last["maintenance_amount"].to_list())


def test_ids_of_a_venue_become_the_symbols_they_stand_for(history):
    outcome = import_tiers("binanceusdm", history)
    assert {"BTCUSDT_210326", "BTCBUSD_210129", "LENDUSDT"} <= set(outcome.renamed)
    symbols = load("binanceusdm").symbols()
    assert {"BTC/USDT:USDT-210326", "BTC/BUSD:BUSD-210129", "LEND/USDT:USDT"} <= set(symbols)
    listed = [t.listed for t in load("binanceusdm").tiers["BTCST/USDT:USDT"]]
    assert listed == [True, True, True, True, False]


def test_a_freqtrade_file_takes_its_date_and_source_from_the_caller(tmp_path):
    tier = {
        "tier": 1.0, "currency": "USDT", "minNotional": 0.0, "maxNotional": 5000.0,
        "maintenanceMarginRate": 0.01, "maxLeverage": 50.0, "info": {"cum": "0.0"},
    }  # fmt: skip
    second = {**tier, "minNotional": 5000.0, "maxNotional": 9e3, "maintenanceMarginRate": 0.02,
              "maxLeverage": 25.0, "info": {"cum": "50.0"}}  # fmt: skip
    path = tmp_path / "binance_leverage_tiers.json"
    path.write_text(json.dumps({"1000BONK/USDC:USDC": [tier, second]}))
    import_tiers("binanceusdm", path, date=DAY, source="freqtrade 2026.9")
    found = load("binanceusdm").tiers["1000BONK/USDC:USDC"]
    assert [(t.valid_from, t.floors, t.deductions) for t in found] == [
        (ms("2026-09-29"), (0, 5000), (0, 50))
    ]


def test_a_cached_freqtrade_file_has_its_own_date_and_counts_what_the_venue_counts(tmp_path):
    rows = [
        {"minNotional": 0, "maxNotional": 1000, "maintenanceMarginRate": 0.004, "maxLeverage": 100,
         "maintAmt": None},
        {"minNotional": 1000, "maxNotional": 5000, "maintenanceMarginRate": 0.005,
         "maxLeverage": 66.66, "maintAmt": None},
    ]  # fmt: skip
    path = tmp_path / "leverage_tiers_USDT.json"
    content = {"updated": "2026-06-01T10:00:00+00:00", "data": {BTC: rows}}
    path.write_text(json.dumps(content))
    import_tiers("okx", path, source="a run of freqtrade")
    last = load("okx").tiers[BTC][-1]
    assert (last.valid_from, last.unit, last.cap) == (ms("2026-06-01T10:00"), "contracts", 5000)


def test_the_hash_of_a_rulebook_covers_what_was_imported(table):
    hashes = [load("binanceusdm").hash]
    for cap in (1, 2, 1):
        table(f"{BTC},2026-11-01,1,0,{cap},0.004,125,a")
        hashes.append(load("binanceusdm").hash)
    assert hashes[1] == hashes[3]
    assert len(set(hashes)) == 3


def test_a_run_after_the_delisting_is_refused_and_one_before_settles_then(table):
    symbol = "OLD/USDT:USDT"
    table(f"{symbol},2024-01-01,1,0,9,0.004,125,a,", f"{symbol},2024-06-01,0,,,,,a,2024-05-20",
          more=",known_before")  # fmt: skip
    book = load("binanceusdm")
    record = resolve(book, symbol, ms("2024-02-01"), ms("2024-12-01"))
    assert list(record["expires"]) == [ms("2024-06-01")] * len(record)
    with pytest.raises(RulebookError) as caught:
        resolve(book, symbol, ms("2024-07-01"), ms("2024-12-01"))
    assert str(caught.value) == (
        "binanceusdm does not list OLD/USDT:USDT on 2024-07-01: delisted between 2024-05-20 and "
        "2024-06-01; choose a date before, or another symbol."
    )


def test_a_symbol_that_comes_back_is_run_again(table):
    symbol = "OLD/USDT:USDT"
    table(
        f"{symbol},2024-01-01,1,0,9,0.004,125,a",
        f"{symbol},2024-06-01,0,,,,,a",
        f"{symbol},2025-01-01,1,0,9,0.004,125,a",
    )
    book = load("binanceusdm")
    records = resolve(book, symbol, ms("2024-02-01"), ms("2025-12-01"))
    assert list(records["expires"]) == [ms("2024-06-01"), FOREVER]
    assert resolve(book, symbol, ms("2025-02-01"), FOREVER)["expires"][0] == FOREVER
    with pytest.raises(RulebookError, match="choose a date before or after 2025-01-01"):
        resolve(book, symbol, ms("2024-07-01"), ms("2024-08-01"))

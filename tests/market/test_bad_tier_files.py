"""Every wrong file of tiers is refused with file, symbol, value and remedy, and nothing is kept."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backtest.errors import BacktestError, DataError, RulebookError, UnknownNameError, UsageError
from backtest.market.tier_import import import_tiers

BAD = sorted((Path(__file__).parents[1] / "bad_inputs" / "tiers").glob("*.csv"))
DAY = datetime(2026, 9, 29, tzinfo=UTC)
TIER = {"minNotional": 0, "maxNotional": 5000, "maintenanceMarginRate": 0.01, "maxLeverage": 50}


def wanted(path):
    return path.with_suffix(".expects").read_text(encoding="utf-8").splitlines()


def write(folder, content, name="some_leverage_tiers.json"):
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_wrong_table_is_refused_in_one_clear_sentence(path, data_folder):
    said, remedy = wanted(path)
    with pytest.raises(RulebookError) as caught:
        import_tiers("binanceusdm", path)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert said in message
    assert remedy in message
    assert message.endswith(("?", "."))
    assert "\n" not in message
    assert list(data_folder.iterdir()) == []


def test_one_wrong_table_keeps_the_right_ones_out_too(tmp_path, data_folder):
    right = "BTC/USDT:USDT,2024-01-01,1,0,50000,0.004,125,doc\n"
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    header = (BAD[0].parent / "gap.csv").read_text(encoding="utf-8").splitlines()[0]
    good.write_text(f"{header}\n{right}")
    bad.write_text(
        f"{header}\n{right.replace('2024', '2025')}ETH/USDT:USDT,2025-01-01,1,0,1,9,1,doc\n"
    )
    path = import_tiers("binanceusdm", good).path
    before = path.read_bytes()
    with pytest.raises(RulebookError, match="ETH/USDT:USDT 2025-01-01"):
        import_tiers("binanceusdm", bad)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["binanceusdm.parquet"]


@pytest.mark.parametrize(
    ("content", "flags", "said"),
    [
        ({"BTC/USDT:USDT": [TIER]}, {"source": "a wheel"}, "date is missing; say of which day"),
        ({"BTC/USDT:USDT": [TIER]}, {"date": DAY}, "source is missing; say where the file is from"),
        ({"BTC/USDT:USDT": 3}, {"date": DAY, "source": "x"}, "BTC/USDT:USDT = '3' is not a list"),
        ([1, 2], {"date": DAY, "source": "x"}, "is no file of leverage tiers"),
        ({"x": [TIER]}, {"date": DAY, "source": "x"}, "'x' is not a ccxt symbol of a contract"),
    ],
)
def test_a_wrong_json_file_says_what_it_lacks(tmp_path, data_folder, content, flags, said):
    with pytest.raises(BacktestError) as caught:
        import_tiers("binanceusdm", write(tmp_path, content), **flags)
    assert said in str(caught.value)
    assert list(data_folder.iterdir()) == []


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist; check the path"):
        import_tiers("okx", tmp_path / "none.csv")


def test_what_is_no_table_and_no_json_is_refused(tmp_path):
    for name in ("x.json", "x.parquet"):
        (tmp_path / name).write_text("{ no")
        with pytest.raises(DataError, match=r"x.* cannot be read|is no table and no JSON"):
            import_tiers("okx", tmp_path / name)


def test_a_venue_without_a_rulebook_is_refused_with_what_was_meant(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'binanceusdm'"):
        import_tiers("binanceusd", write(tmp_path, {}), date=DAY, source="x")


def test_a_symbol_that_the_file_lacks_is_refused(tmp_path):
    path = write(tmp_path, {"BTC/USDT:USDT": [TIER]})
    with pytest.raises(DataError, match="has no tiers of 'ETH/USDT:USDT' on binanceusdm"):
        import_tiers("binanceusdm", path, symbols=["ETH/USDT:USDT"], date=DAY, source="x")


def test_a_date_is_refused_where_the_data_have_their_own(tmp_path):
    with pytest.raises(UsageError, match="a table has its own valid_from"):
        import_tiers("binanceusdm", BAD[0], date=DAY)
    with pytest.raises(UsageError, match="what an exchange answers is of today"):
        import_tiers("binanceusdm", date=DAY)


def test_value_where_the_venue_counts_contracts_is_refused(tmp_path):
    path = tmp_path / "okx.csv"
    head = (BAD[0].parent / "gap.csv").read_text(encoding="utf-8").splitlines()[0]
    path.write_text(f"{head}\nBTC/USDT:USDT,2026-01-01,1,0,50000,0.004,100,doc\n")
    with pytest.raises(RulebookError, match=r"does not fit okx, whose isolated tiers are by size"):
        import_tiers("okx", path)


def test_contracts_of_an_unknown_size_are_refused(tmp_path):
    path = write(tmp_path, {"NEW/USDT:USDT": [TIER]})
    with pytest.raises(RulebookError, match="the contract size is not known; give it as contract"):
        import_tiers("okx", path, date=DAY, source="x")


def test_a_broken_file_of_imports_says_to_import_again(data_folder):
    from backtest.venues import load

    (data_folder / "tiers").mkdir()
    (data_folder / "tiers" / "okx.parquet").write_text("no parquet")
    with pytest.raises(
        DataError, match=r"is not a file of imported tiers .*; delete it and import"
    ):
        load("okx")


def test_a_file_without_a_table_is_refused_and_nothing_is_kept(tmp_path, data_folder):
    with pytest.raises(DataError, match="has no tier tables; nothing was imported"):
        import_tiers("binanceusdm", write(tmp_path, {}), date=DAY, source="doc")
    assert list(data_folder.iterdir()) == []

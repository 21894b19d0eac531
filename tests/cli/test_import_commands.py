"""`backtest import` and what its tables say."""

import json

import pytest

from tests.market.test_binance_vision import JAN, candles, pack
from tests.market.test_freqtrade_import import rows, write


def test_addresses_are_printed_for_a_span(cli):
    asked = [
        "--urls",
        "--symbol",
        "BTC/USDT:USDT",
        "--since",
        "2024-01-01",
        "--until",
        "2024-03-01",
    ]
    assert cli("import", "binance-vision", *asked) == 0
    lines = cli.out.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("https://data.binance.vision/data/futures/um/") for line in lines)


def test_zips_are_imported_and_checked_by_the_commands_of_the_readme(cli, tmp_path):
    for kind, base in (("klines", 100.0), ("markPriceKlines", 100.25)):
        name = f"futures/um/monthly/{kind}/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip"
        pack(tmp_path / "zips", name, candles(JAN, 300, base=base))
    store = str(tmp_path / "store")
    assert cli("import", "binance-vision", str(tmp_path / "zips"), "--data", store) == 0
    assert "BTC/USDT:USDT  mark 1m   2024-01-01  2024-01-01    300      0       0" in cli.out
    assert max(map(len, cli.out.splitlines())) <= 80
    assert cli("check", store) == 0
    assert cli("import", "binance-vision", str(tmp_path / "zips"), "--data", store, "--json") == 0
    assert [one["known"] for one in json.loads(cli.out)["series"]] == [300, 300]


def test_freqtrade_is_imported(cli, tmp_path):
    write(tmp_path / "bybit" / "futures", "BTC_USDT_USDT-1h-futures.feather", rows(30))
    store = str(tmp_path / "store")
    assert cli("import", "freqtrade", str(tmp_path / "bybit"), "--data", store) == 0
    assert "bybit" in cli.out


@pytest.mark.parametrize(("arguments", "said"), [
    (["binance-vision"], "--data DIR"),
    (["binance-vision", "--urls"], "--urls needs --symbol and --since"),
    (["binance-vision", "--urls", "--symbol", "BTC", "--since", "2024-01-01"], "no ccxt symbol"),
    (["binance-vision", "--urls", "--symbol", "BTC/USDT:USDT", "--since", "2024-02-01",
      "--until", "2024-01-01"], "is not after"),
    (["binance-vision", "--urls", "--symbol", "BTC/USDT:USDT", "--since", "2024-01-01",
      "--kinds", "trades"], "has no trades"),
    (["binance-vision", "nowhere", "--data", "d"], "there is no file or folder nowhere"),
    (["freqtrade"], "--data DIR"),
    (["freqtrade", "nowhere", "--data", "d"], "there is no file or folder nowhere"),
])  # fmt: skip
def test_a_wrong_request_is_one_sentence(cli, arguments, said):
    assert cli("import", *arguments) == 2
    assert said in cli.err
    assert cli.err.count("\n") == 1

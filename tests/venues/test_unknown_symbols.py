"""A symbol that a venue does not have: what was meant, or a few of those it has, never all."""

import pytest

from backtest.errors import RulebookError, UnknownNameError
from backtest.venues import known, load


def refusal(venue, symbol):
    with pytest.raises(RulebookError) as caught:
        load(venue).match(symbol)
    return str(caught.value)


@pytest.mark.parametrize("venue", known())
@pytest.mark.parametrize("symbol", ["NOSUCH/USDT:USDT", "NOSUCH", "BTCC/USDT:USDT", "BTC/EUR:BTC"])
def test_at_most_six_symbols_are_named_and_the_command_that_lists_all(venue, symbol):
    book, said = load(venue), refusal(venue, symbol)
    named = [name for name in book.symbols() if name in said.replace(symbol, "")]
    assert len(named) <= 7  # a family's name holds that of its perpetual
    count = len(book.symbols())
    if count > 6:
        assert f"`backtest venues --venue {venue} --symbols`" in said
        assert f"({count} in all" in said or f"lists all {count}" in said
    assert len(said) < 450
    assert "\n" not in said


@pytest.mark.parametrize(
    ("venue", "symbol", "meant"),
    [
        ("okx", "btcusdt", "'BTC/USDT:USDT'?"),
        ("hyperliquid", "btcusdt", "'BTC/USDC:USDC'?"),
        ("okx", "btc", "'BTC'?"),
        ("okx", "BTCC", "'BTC'?"),
        ("okx", "BTCC/USDT:USDT", "'BTC/USDT:USDT'?"),
        ("hyperliquid", "HYPR", "'HYPE'?"),
        ("dydx", "DOGE-USD", "'DOGE/USD:USDC'?"),
    ],
)
def test_a_near_miss_is_asked_about(venue, symbol, meant):
    assert f"{venue} has no symbol {symbol!r}; did you mean {meant}" in refusal(venue, symbol)


def test_coins_of_three_letters_are_no_near_misses_of_each_other():
    assert "XYZ/USDT:USDT'; known: " in refusal("binanceusdm", "XYZ/USDT:USDT")


def test_the_end_that_all_symbols_share_makes_no_near_miss():
    assert "did you mean" not in refusal("okx", "NOSUCH/USDT:USDT")


def test_another_contract_names_those_of_its_coin():
    said = refusal("okx", "BTC/USDT:USDT-261225")
    assert "known: BTC/USDT:USDT, BTC/USD:BTC, BTC/USD:USD-* … (10 in all, listed by" in said


def test_any_long_list_of_names_is_cut_and_counted():
    names = [f"N{i:02}" for i in range(40)]
    assert str(UnknownNameError("symbol", "other", names)) == (
        "unknown symbol 'other'; known: N00, N01, N02, N03, N04, N05 … (40 in all)."
    )
    assert str(UnknownNameError("symbol", "other", names[:12])).endswith("N10, N11.")

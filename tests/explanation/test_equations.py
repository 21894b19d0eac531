"""The words that `explain` prints: the equation must give the printed price, for every form."""

import re
from math import sqrt

import pytest

from backtest.errors import UsageError
from backtest.explanation import explain
from backtest.explanation.figures import number
from backtest.venues import known, load

VENUE_SYMBOLS = [
    (venue, symbol)
    for venue in known()
    for symbol in load(venue).symbols()
    if symbol.split("/")[0] in ("BTC", "ETH")
]
SIZES = (0.02, 1.0, 30.0)
"""Coins of a position; those beyond a table that is known in part are refused."""


def evaluated(line):
    """What the numbers between the last two equals signs of an equation come to."""
    text = re.sub(r";.*$", "", line).rpartition(" = ")[0].rpartition(" = ")[2]
    text = text.replace(",", "").replace("−", "-").replace("·", "*").replace("²", "**2")
    return eval(text.replace("√", "sqrt"), {"sqrt": sqrt})


def equation(found):
    """The line of the liquidation price, or None where there is no such price."""
    return next((line for line in found.formula if line.startswith("P = ")), None)


def asked(venue, symbol, coins, **more):
    """An explanation of a position of some coins, or None where the venue would refuse it."""
    book = load(venue)
    dated = symbol.replace("-*", "-261225")
    price = 2000.0 if symbol.startswith("ETH") else 50_000.0
    inverse = book.instrument(dated).contract == "inverse"
    size = coins * price if inverse else coins
    cash = 0.15 * coins if inverse else 0.15 * coins * price
    cash = cash * 1e-6 if book.instrument(dated).contract == "quanto" else cash
    try:
        wallet = {"cash": cash} if more["margin"] == "cross" else {}
        return explain(venue, dated, entry=price, size=size, leverage=8.0, **wallet, **more)
    except UsageError as error:
        if any(text in str(error) for text in ("make it", "lower the leverage")):
            return None
        raise


@pytest.mark.parametrize(("venue", "symbol"), VENUE_SYMBOLS)
def test_the_equation_gives_the_price_in_every_mode_and_on_both_sides(venue, symbol):
    seen = 0
    for coins in SIZES:
        for margin in ("isolated", "cross"):
            for side in ("long", "short"):
                found = asked(venue, symbol, coins, margin=margin, side=side, funding_rate=0.0003)
                if found is None:
                    continue
                seen += 1
                line = equation(found)
                assert line is not None
                assert evaluated(line) == pytest.approx(found.liquidation_price, rel=2e-8)
                assert line.endswith(f" = {number(found.liquidation_price)}")
    assert seen or venue in ("okx", "bitget", "gate", "kucoinfutures", "bitmex")


@pytest.mark.parametrize("venue", known())
def test_the_text_of_every_venue_fits_into_80_columns(venue):
    for symbol in (s for v, s in VENUE_SYMBOLS if v == venue):
        for margin in ("isolated", "cross"):
            found = asked(venue, symbol, 0.02, margin=margin, side="short")
            if found:
                assert max(len(line) for line in str(found).splitlines()) <= 80


def text_of(venue, symbol, **changes):
    """Formula and notes of a position as one text."""
    base = {"side": "long", "entry": 50_000.0, "leverage": 10.0}
    found = explain(venue, symbol, **(base | changes))
    return " | ".join([*found.formula, *found.notes])


def test_a_rate_that_grows_with_size_is_said_with_its_slope():
    text = text_of("deribit", "BTC/USD:BTC", size=5e6, margin="cross", cash=15.0)
    assert "(rate + slope · coins) · value at mark" in text
    assert "rate 1 % + 0.005 % per coin" in text
    assert "curve = size² · 0.005 % = 1,250,000,000" in text
    assert "no leverage setting here: the table's initial rate 2.5 % holds" in text
    # 100 BTC: 1 % + 100 · 0.005 %; initial 2 % + 100 · 0.005 %
    found = explain(
        "deribit", "BTC/USD:BTC", side="long", entry=5e4, size=5e6, margin="cross", cash=15
    )
    assert found.maintenance_margin == pytest.approx(1.5)
    assert found.leverage is None


def test_a_venue_without_isolated_mode_says_sub_account():
    for venue, symbol in (("deribit", "BTC/USDC:USDC"), ("dydx", "BTC/USD:USDC")):
        assert "a sub-account of its own" in text_of(venue, symbol, size=0.1)
        assert "sub-account" not in text_of(venue, symbol, size=0.1, margin="cross")


def test_the_fee_on_cost_and_margin_and_the_next_funding_are_inside_the_requirement():
    text = text_of("bitmex", "BTC/USD:BTC", size=50_000.0, funding_rate=0.0002)
    assert "closing fee 0.05 % · (value at entry + margin)" in text
    assert "next funding of the side that pays it (0.02 % · value at entry)" in text
    # 1 BTC: 0.05 % · (1 + 0.1) and 0.02 % of 1
    assert "closing fee 0.00055 + next funding 0.0002" in text
    assert "nothing is left but the closing fee set apart" in text
    receives = text_of("bitmex", "BTC/USD:BTC", size=50_000.0, side="short", funding_rate=0.0002)
    assert "(0 here)" in receives
    assert "--funding-rate" in text_of("bitmex", "BTC/USD:BTC", size=50_000.0)


def test_a_venue_priced_by_an_oracle_says_oracle():
    text = text_of("dydx", "BTC/USD:USDC", size=0.1)
    assert "liquidated at the oracle price" in text
    assert "rate · value at oracle" in text
    assert "mark price" not in text


def test_an_inverse_and_a_quanto_contract_say_what_a_unit_is_worth():
    assert "worth 1/price BTC" in text_of("binancecoinm", "BTC/USD:BTC", size=1000.0)
    quanto = text_of("bitmex", "ETH/USD:BTC", size=10.0, entry=2000.0)
    assert "worth price · 0.000001 BTC" in quanto
    assert "/ multiplier = " in quanto


def test_a_dated_contract_says_when_it_settles():
    text = text_of("deribit", "BTC/USD:BTC-261225", size=1000.0)
    assert "it settles on 2026-12-25 08:00 UTC" in text


def test_contracts_are_another_way_to_give_a_size():
    found = explain("okx", "BTC/USD:BTC", side="long", entry=5e4, contracts=2, leverage=5)
    assert (found.size, found.size_unit, found.contracts) == (200.0, "USD", 2.0)
    both = {"contracts": 2, "size": 200.0}
    with pytest.raises(UsageError, match="give either size, in USD, or contracts"):
        explain("okx", "BTC/USD:BTC", side="long", entry=5e4, leverage=5, **both)
    with pytest.raises(UsageError, match="no size given"):
        explain("okx", "BTC/USD:BTC", side="long", entry=5e4, leverage=5)


def test_a_leverage_that_decides_must_be_given_and_one_that_does_not_may_be_left_out():
    with pytest.raises(UsageError, match="margin of okx depends on the leverage; give it"):
        explain("okx", "BTC/USDT:USDT", side="long", entry=5e4, size=0.1)
    found = explain(
        "krakenfutures", "BTC/USD:USD", side="long", entry=5e4, size=0.1, margin="cross"
    )
    assert found.leverage is None
    more = text_of("krakenfutures", "BTC/USD:USD", size=40.0, leverage=100.0)
    assert "100x is more than the table's initial rate allows, 50x here" in more


def test_a_cross_position_in_coin_needs_its_cash():
    with pytest.raises(UsageError, match=r"wallet in BTC; give its cash \(--cash\)"):
        explain("deribit", "BTC/USD:BTC", side="long", entry=5e4, size=100.0, margin="cross")


def at_a_cliff(side, coins, cash):
    """A cross position just under a limit above which the whole of it needs twice as much."""
    asked = {"side": side, "entry": 50_000.0, "size": coins, "leverage": 10.0}
    return explain("bitget", "BTC/USDT:USDT", margin="cross", cash=cash, date="2025-11-30", **asked)


def test_a_price_at_which_a_dearer_tier_begins_is_said_as_such():
    # 99.9 BTC are worth 5 million at 50,050.05: from there 1 % of it, more than 50,000 are left
    found = at_a_cliff("short", 99.9, 50_000.0)
    line = equation(found)
    assert line.startswith("P = floor / size = 5,000,000 / 99.9 = 50,050.05005")
    assert evaluated(line) == pytest.approx(found.liquidation_price)
    assert "tier 4 there" in " ".join(found.formula)


def test_a_level_on_the_other_side_is_a_note():
    # 299.7 BTC are worth 15 million at 50,050.05: from there 2 % of it, and the gain is too small
    found = at_a_cliff("long", 299.7, 180_000.0)
    assert found.liquidation_price < 50_000.0
    note = "also liquidated at 50,050.05005 and above: there its value enters tier 5, whose rate of"
    assert any(one.startswith(note) for one in found.notes)

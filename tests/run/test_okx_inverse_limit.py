"""OKX inverse tiers are known for the first 300 USD of BTC only; what is larger is not guessed."""

import pytest

from .market import flat

SYMBOL = "BTC/USD:BTC"


@pytest.mark.parametrize(("usd", "reasons"), [(290, []), (410, ["tiers unknown"])])
def test_an_inverse_position_over_what_is_known_is_rejected_with_that_reason(market, usd, reasons):
    market.add(flat(50_000, 12), SYMBOL, venue="okx")
    result = market.run(
        "strategies/hold.py", venues="okx", symbols=SYMBOL, cash=1_000,
        exposure=usd / 1_000, leverage=5,
    )  # fmt: skip
    assert result.rejections["reason"].to_list() == reasons

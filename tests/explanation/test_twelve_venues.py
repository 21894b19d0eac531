"""`explain` gives each venue's own numbers: of its answers, its help pages, its program.

The cases are those of tests/goldens under the same names, here asked as a user asks.
"""

import pytest

from backtest.explanation import explain
from backtest.venues import known

BTC_COIN = "BTC/USD:BTC"
CASES = {
    # the wallet of the isolated position, as a cross wallet: 14 digits of a real answer
    "binance-usdm-iso-payload-btc-short-2024-07": (
        ("binanceusdm", "BTC/USDT:USDT"),
        {
            "side": "short",
            "entry": 66351.2,
            "mark": 66351.1,
            "size": 0.002,
            "leverage": 10,
            "margin": "cross",
        },
        {"cash": 13.2198888, "date": "2024-07-15"},
        {"liquidation_price": (72670.4625498, 1e-9)},
    ),
    "binance-coinm-iso-payload-btcusd-long-2021": (
        ("binancecoinm", BTC_COIN),
        {
            "side": "long",
            "entry": 37643.10000021,
            "mark": 38103.05510455,
            "contracts": 2,
            "leverage": 2,
        },
        {"margin": "cross", "cash": 0.00268058, "date": "2021-06-10"},
        {"liquidation_price": (25119.9744576, 1e-5), "notional": (0.00524892, 1e-5)},
    ),
    "bybit-classic-iso-payload-eth-long-2022-11": (
        ("bybit", "ETH/USDT:USDT"),
        {"side": "long", "entry": 1198.45, "size": 0.1, "leverage": 4.2, "date": "2022-11-20"},
        {},
        {"shown_liquidation_price": (919.1, 1e-9), "bankruptcy_price": (913.15, 1e-4)},
    ),
    "okx-inverse-isolated-long-BTC-USD-2026-01": (
        ("okx", BTC_COIN),
        {"side": "long", "entry": 92300.0, "mark": 92376.7, "contracts": 1, "leverage": 3},
        {"date": "2026-01-15"},
        {
            "shown_liquidation_price": (69536.6125000014, 1e-11),
            "shown_maintenance_margin": (4.3300962256e-06, 1e-9),
            "shown_margin_ratio": (74.32029212310307, 1e-9),
        },
    ),
    "bitget-linear-isolated-long-2025-08": (
        ("bitget", "BTC/USDT:USDT"),
        {"side": "long", "entry": 114895.4, "mark": 114895.3, "size": 0.0031, "leverage": 10},
        {"rules": {"fees.taker": 0.0004}, "date": "2025-08-19"},
        {"liquidation_price": (103862.85656890317, 1e-9), "initial_margin": (35.617574, 1e-9)},
    ),
    "gate-progressive-doc-btc-1.2m": (
        ("gate", "BTC/USDT:USDT"),
        {"side": "long", "entry": 60_000.0, "size": 20.0, "leverage": 10, "date": "2025-11-01"},
        {"rules": {"fees.closing": 0.0}},
        {"maintenance_margin": (4900.0, 1e-9)},
    ),
    "kucoin-linear-cross-long-xbt-2026": (
        ("kucoinfutures", "BTC/USDT:USDT"),
        {
            "side": "long",
            "entry": 96976.8,
            "mark": 96985.6,
            "contracts": 1,
            "leverage": 20,
            "margin": "cross",
        },
        {"cash": 44.87473 - 0.0088, "date": "2026-01-14"},
        {"liquidation_price": (52351.69, 1e-6), "bankruptcy_price": (52110.87, 1e-6)},
    ),
    # one of 34 positions of a pool: its wallet is the account's value less what the others need
    "hl-whale-blur": (
        ("hyperliquid", "BLUR/USDC:USDC"),
        {"side": "short", "entry": 0.042449, "mark": 0.015716, "size": 5253319.0, "leverage": 3},
        {
            "margin": "cross",
            "cash": 12985854.207864 - 531687.1955256667 - 5253319.0 * (0.042449 - 0.015716),
        },
        {"liquidation_price": (2.045519605, 1e-9), "initial_margin": (27520.387134, 1e-9)},
    ),
    # 1.2 % and 2 % of the value at the oracle
    "dydx-tier-1": (
        ("dydx", "BTC/USD:USDC"),
        {"side": "long", "entry": 50_000.0, "mark": 51_000.0, "size": 0.5, "margin": "cross"},
        {},
        {"maintenance_margin": (306.0, 1e-12), "initial_margin": (510.0, 1e-12)},
    ),
    "bitmex-iso-short-20180827": (
        ("bitmex", BTC_COIN),
        {"side": "short", "entry": 6725.0, "mark": 6726.8, "contracts": 500, "leverage": 25},
        {"date": "2018-08-27"},
        {"shown_liquidation_price": (6968.5, 1e-12)},
    ),
    "kraken-epp-coinm-doc": (
        ("krakenfutures", BTC_COIN),
        {"side": "long", "entry": 8000.0, "contracts": 1000, "margin": "cross", "cash": 0.01},
        {"date": "2021-01-01"},
        {
            "liquidation_price": (7481.0, 1e-4),
            "bankruptcy_price": (7407.0, 1e-4),
            "initial_margin": (0.0025, 1e-12),
            "maintenance_margin": (0.00125, 1e-12),
        },
    ),
    "deribit-sm-payload-eth18nov22": (
        ("deribit", "ETH/USD:ETH-221118"),
        {
            "side": "short",
            "entry": 1189.8,
            "mark": 1190.88,
            "size": 1.0,
            "margin": "cross",
            "cash": 1.0,
        },
        {"date": "2022-11-15"},
        {"initial_margin": (1.6794e-05, 1e-4), "maintenance_margin": (8.397e-06, 1e-4)},
    ),
}


def test_every_venue_has_a_case():
    assert {venue for (venue, _), *_ in CASES.values()} == set(known())


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_are_the_venues_own(case):
    (venue, symbol), position, more, expected = CASES[case]
    found = explain(venue, symbol, **position, **more)
    for name, (value, tolerance) in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=tolerance), name

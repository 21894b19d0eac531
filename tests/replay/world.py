"""What happened on the exchange: candles and settlements as functions of time alone."""

import time
from dataclasses import dataclass, field

import numpy as np

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
COINS = {
    "BTC": 40_000.0, "ETH": 2_500.0, "SOL": 100.0, "XRP": 0.6, "DOGE": 0.1,
    "ADA": 0.5, "LINK": 15.0, "LTC": 80.0, "BCH": 300.0, "AVAX": 30.0,
}  # fmt: skip
LISTED = 1_567_900_800_000
"""2019-09-08, of all but one."""
LATE, LATE_LISTED = "AVAX", 1_707_549_180_000
"""Listed on 2024-02-10 07:13."""
OUTAGE = (1_709_287_320_000, 1_709_299_020_000)
"""2024-03-01 10:02 to 13:17: the exchange was down."""
SCHEDULE = ((0, 8), (1_709_251_200_000, 4), (1_711_929_600_000, 1))
"""Hours between settlements: 8, 4 from 2024-03-01, 1 from 2024-04-01."""


@dataclass
class World:
    """One exchange's history; `ahead` is how far, in ms, its clock is ahead of this machine's."""

    ahead: int = 0
    closed: dict[str, int] = field(default_factory=dict)

    def now(self):
        return round(time.time() * 1000) + self.ahead

    def candles(self, coin, kind, step, first, stop):
        """(n, 6) of stamp, open, high, low, close, volume from `first` to before `stop`.

        The last one may be unfinished.
        """
        first = -(-max(first, listed(coin) // step * step) // step) * step
        stamps = np.arange(first, max(min(stop, self.now()), first), step, dtype=np.int64)
        stamps = stamps[(stamps < OUTAGE[0] // step * step) | (stamps + step > OUTAGE[1])]
        lift = {"trade": 1.0, "mark": 1.0001, "index": 1.0002}[kind] * COINS[coin]
        start, end = lift * shape(stamps), lift * shape(stamps + step)
        high, low = np.maximum(start, end) * 1.0005, np.minimum(start, end) * 0.9995
        volume = 20 + 10 * np.sin(stamps / 777_777.0)
        return np.column_stack((stamps, start, high, low, end, volume))

    def settlements(self, coin, first, stop):
        """(n, 2) of stamp and rate from `first` to before `stop`."""
        stop = min(stop, self.now())
        stamps = []
        for (begin, hours), (end, _) in zip(SCHEDULE, (*SCHEDULE[1:], (stop, 0)), strict=True):
            low = max(begin, first, listed(coin))
            width = hours * HOUR
            stamps.append(np.arange(-(-low // width) * width, min(end, stop), width))
        found = np.concatenate(stamps).astype(np.int64)
        return np.column_stack((found, 0.0001 + 0.0002 * np.sin(found / 1e8)))


def listed(coin):
    return LATE_LISTED if coin == LATE else LISTED


def shape(stamps):
    days = stamps / DAY
    return 1 + 0.1 * np.sin(days / 5) + 0.01 * np.sin(days * 8) + 0.001 * np.sin(stamps / 131_071.0)


def digits(coin):
    return 2 if COINS[coin] > 10 else 6

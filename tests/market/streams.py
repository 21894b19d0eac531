"""Short ways to look at what a stream says."""

import numpy as np

from backtest.core.types import CLOSE, FUNDING, FUNDING_INSIDE, MARK_CLOSE
from backtest.market.stream import Block, Stream
from tests.market.conftest import HOUR, START


def drained(stream: Stream) -> Block:
    """All blocks of a stream as one."""
    blocks = list(stream.blocks())
    return Block(
        np.concatenate([b.ts for b in blocks]),
        np.concatenate([b.prices for b in blocks], axis=2),
        np.concatenate([b.flags for b in blocks], axis=1),
    )


def same_bytes(one: Block, other: Block) -> bool:
    """Whether two blocks agree in every bit, NaN included."""
    return all(
        a.tobytes() == b.tobytes() and a.shape == b.shape
        for a, b in zip(
            (one.ts, one.prices, one.flags), (other.ts, other.prices, other.flags), strict=True
        )
    )


def at_hours(block: Block) -> list[float]:
    """Bar opens in hours from the start of the test market."""
    return [(int(ts) - START) / HOUR for ts in block.ts]


def closes(block: Block, symbol: int = 0) -> list[float]:
    """Trade closes of one symbol."""
    return block.prices[CLOSE, symbol].tolist()


def mark_closes(block: Block, symbol: int = 0) -> list[float]:
    """Mark closes of one symbol."""
    return block.prices[MARK_CLOSE, symbol].tolist()


def funded(block: Block, symbol: int = 0, *, inside: bool = False) -> dict[float, float]:
    """Rates by the hour of the bar they are charged in, at its open or inside it."""
    rates = block.prices[FUNDING_INSIDE if inside else FUNDING, symbol]
    return {h: r for h, r in zip(at_hours(block), rates.tolist(), strict=True) if r == r}


def flagged(block: Block, bit: int, symbol: int = 0) -> list[float]:
    """Hours of the bars that carry this flag."""
    flags = block.flags[symbol] & bit
    return [h for h, f in zip(at_hours(block), flags, strict=True) if f]

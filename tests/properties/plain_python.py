"""Prints a digest of the records of seeded scenarios: run it compiled and as plain Python.

python -m tests.properties.plain_python SEED …
"""

import hashlib
import sys
from collections.abc import Iterable

from .scenarios import as_bytes, at_random, run


def digests(seeds: Iterable[int]) -> list[str]:
    """One digest per scenario."""
    return [
        hashlib.sha256(b"|".join(as_bytes(*run(at_random(seed))))).hexdigest() for seed in seeds
    ]


def short(seeds: Iterable[int], most: int) -> list[int]:
    """The seeds whose scenarios have at most so many liquidation steps."""
    return [seed for seed in seeds if len(run(at_random(seed))[1]["liquidations"]) <= most]


if __name__ == "__main__":
    print("\n".join(digests(map(int, sys.argv[1:]))))

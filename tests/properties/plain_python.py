"""Prints a digest of the records of seeded scenarios: run it compiled and as plain Python.

python -m tests.properties.plain_python FIRST LAST
"""

import hashlib
import sys

from .scenarios import as_bytes, at_random, run


def digests(first: int, last: int) -> list[str]:
    """One digest per scenario of seeds [first, last)."""
    return [
        hashlib.sha256(b"|".join(as_bytes(*run(at_random(seed))))).hexdigest()
        for seed in range(first, last)
    ]


if __name__ == "__main__":
    print("\n".join(digests(int(sys.argv[1]), int(sys.argv[2]))))

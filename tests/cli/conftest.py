"""The command line and a market, as in the tests of runs."""

from tests.run.conftest import cli, market, strategy

__all__ = ["cli", "market", "strategy"]

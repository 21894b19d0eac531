"""`python -m backtest` is `backtest`."""

from .cli.main import main

main()

"""A second account of the rules, in plain Python, that checks the first.

`bar.Account` plays bars as the rulebooks' text says, in floats and without a line of
`backtest.core`. It reads a venue's rulebook itself (`rules`): what `venues.resolve` makes of it
for the engine is checked too. `scenarios` makes random accounts, `compare` holds both accounts of
one scenario side by side.
The inside of a bar is one part (`walk`), so that it can be replaced.
"""

"""An account's state at a moment, to try another way from it."""


class Snapshot:
    """Everything that playing the inside of a bar changes."""

    def __init__(self, account):
        self.account = account
        self.things = [
            (one, dict(vars(one))) for one in (*account.positions, *account.pools, *account.resting)
        ]
        names = ("events", "wait_until", "stopped", "cause")
        self.own = {name: getattr(account, name) for name in names}
        self.counts = {kind: len(found) for kind, found in account.records.items()}

    def restore(self):
        """Go back to it; records written since are forgotten."""
        for one, state in self.things:
            vars(one).update(state)
        for name, value in self.own.items():
            setattr(self.account, name, value)
        for kind, count in self.counts.items():
            del self.account.records[kind][count:]

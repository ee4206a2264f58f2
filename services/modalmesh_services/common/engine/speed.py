"""How fast work gets done: measured under load and smoothed. Has no clock of its own."""

# A new measurement's weight.
_WEIGHT = 0.2
# Of a queue: long enough to average over batches, short enough to follow the load.
_SAMPLE_SECONDS = 0.25


class Speed:
    """Work a second; unknown until something was measured."""

    def __init__(self) -> None:
        self._seconds_per_unit: float | None = None

    def observe(self, amount: float, seconds: float, saturated: bool) -> None:
        """What isn't saturated does less than it could: it may prove that more is possible, and then at once, as a lone
        short input says next to nothing of how fast many are.
        """
        if amount <= 0:
            return
        measured, known = max(seconds, 1e-6) / amount, self._seconds_per_unit
        if known is None or (measured < known and not saturated):
            self._seconds_per_unit = measured
        elif saturated:
            self._seconds_per_unit = known + _WEIGHT * (measured - known)

    def seconds(self, amount: float) -> float | None:
        """How long this much takes; None where nothing is known yet."""
        return None if self._seconds_per_unit is None else amount * self._seconds_per_unit


class Drain:
    """How fast a queue empties, whatever it is that limits it: measured over the time in which it holds something."""

    def __init__(self) -> None:
        self._speed = Speed()
        self._since = 0.0
        self._done = 0
        self._saturated = True

    def begin(self, now: float) -> None:
        """The queue isn't empty any more."""
        self._since, self._done, self._saturated = now, 0, True

    def done(self, cost: int, now: float, saturated: bool, empty: bool) -> None:
        """`cost` was answered; the queue is still long (`saturated`), or `empty`."""
        self._done += cost
        self._saturated &= saturated
        if empty or now - self._since >= _SAMPLE_SECONDS:
            self._speed.observe(self._done, now - self._since, self._saturated)
            self.begin(now)

    def seconds(self, cost: int) -> float | None:
        return self._speed.seconds(cost)

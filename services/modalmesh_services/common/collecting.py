"""Python's garbage collector, kept out of the way of models that live as long as their process."""

import gc

_OBJECTS_BEFORE_LOOKING = 100_000


def collect_rarely() -> None:
    """Importing torch and transformers makes half a million objects, all of which stay: to look through them again and
    again takes a fifth of an encoder's start.
    """
    gc.set_threshold(_OBJECTS_BEFORE_LOOKING, 50, 100)


def leave_alone_what_is_there() -> None:
    """Never look again at what the start made: that stops all threads for 0.2 s each time."""
    gc.collect()
    gc.freeze()

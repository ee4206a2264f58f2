"""What holds for all tests."""

from hypothesis import settings

# A loaded machine is slow, which is no fault of the code; pytest-timeout ends what hangs.
settings.register_profile("modalmesh", deadline=None)
settings.load_profile("modalmesh")

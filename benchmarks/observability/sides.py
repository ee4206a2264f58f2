"""The contenders: one server, that sees ever more of its calls."""

BARE = "bare"
OBSERVED = "observed"
TRACED = "traced"
SIDES = (BARE, OBSERVED, TRACED)

SERVICE = "modalmesh.v1.FusionRanker"
METHODS = ("GetModel", "Rank")
"""The least that a server can do for a call, so that nothing hides what is added to it; and its usual work."""

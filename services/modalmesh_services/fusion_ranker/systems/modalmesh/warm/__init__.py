"""Items that others rated: scores of many simple models, blended by a small network. Knows no user: a history is folded
in.

Words: a *crowd* is the training histories that the simple models are made of. A *state* is a history to be continued.
Where its user is in the crowd, every model leaves that row out exactly, so that a training user looks like a stranger.
"""

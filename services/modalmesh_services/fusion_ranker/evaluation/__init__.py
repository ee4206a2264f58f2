"""How good a ranker is: protocols that split the data, metrics, baselines, and a runner over all of them."""

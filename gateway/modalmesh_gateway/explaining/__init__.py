"""Why an item got its score: signals, history, words and regions, and sentences of them."""

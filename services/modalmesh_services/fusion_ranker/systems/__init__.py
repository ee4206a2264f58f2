"""Ways to learn a ranker from a catalogue and its histories, each by its name."""

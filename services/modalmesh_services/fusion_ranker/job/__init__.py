"""What long work of its own process has in common, training and evaluating: data, a system, progress, and an end."""

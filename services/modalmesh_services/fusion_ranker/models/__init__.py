"""What may rank: one interface, and the models that have it."""

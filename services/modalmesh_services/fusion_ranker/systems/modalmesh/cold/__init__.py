"""Cold items: scored by their content alone, as items that nobody has liked yet."""

"""The default system: what others liked for warm items, what an item says and shows for cold ones."""

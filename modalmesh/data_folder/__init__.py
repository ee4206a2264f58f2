"""A catalogue and its history as files: items.jsonl, interactions.csv and pictures. docs/data-format.md is its manual.

Everything is read a line at a time, and a line that is no good is told instead of raised.
"""

from modalmesh.data_folder.folder import EVENTS, ITEMS, BadLine, DataFolder, Located

__all__ = ["EVENTS", "ITEMS", "BadLine", "DataFolder", "Located"]

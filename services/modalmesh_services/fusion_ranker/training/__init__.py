"""From a data folder to a bundle: a system learns, and what it learned is written down with its curves."""

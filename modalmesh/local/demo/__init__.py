"""The demo: a catalogue goes into a mesh, its users get recommendations, and a page shows it."""

from modalmesh.local.demo.running import DemoResult, run_demo

__all__ = ["DemoResult", "run_demo"]

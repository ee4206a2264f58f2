"""`python -m modalmesh` is the command modalmesh."""

from modalmesh.cli import main

main()

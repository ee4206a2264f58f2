"""`python -m benchmarks NAME --json`; `--help` lists the benchmarks."""

from benchmarks.command import main

# Worker processes import this file again, under another name.
if __name__ == "__main__":
    main()

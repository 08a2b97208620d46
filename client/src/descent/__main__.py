"""Run the command line: `python -m descent`."""

from descent.cli import main

main()

"""The command line, `descent`."""

import sys


def main() -> None:
    """Run the command line with the arguments of this process."""
    try:
        from descent.cli.commands import cli
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("descent: the command line needs click. Install it with: pip install 'descent-client[cli]'")
    cli(prog_name="descent")

"""The command line, `descent`."""

from descent.cli.commands import app


def main() -> None:
    """Run the command that the process was started with."""
    app(prog_name="descent")

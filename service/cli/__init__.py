"""The command line, `descent`. It speaks to a service through service/client, or to a folder through the same client
and the app in process; nothing but `serve` and `--store` imports what the service is made of."""

from service.cli.commands import app


def main() -> None:
    """Run the command that the process was started with."""
    app(prog_name="descent")

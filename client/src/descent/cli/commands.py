"""The command `descent` with its subcommands."""

from typing import Any, get_args

import click
from click.shell_completion import get_completion_class

from descent import __version__
from descent.cli import data_commands, model_commands
from descent.cli.option_groups import GroupedCommand
from descent.cli.options import PORT, POSITIVE, LogLevel, Target, target_options
from descent.cli.server_process import serve as serve_in_place
from descent.cli.session import session
from descent.cli.terminal import message, show

EXIT_STATUSES = """\b
Exit status:
  0  success
  1  not confirmed, or a failure of the command itself
  2  wrong usage; nothing was sent
  3  the service refused the request, or a group of it
  4  model or version not found
  5  the service failed or is too busy
  6  the service does not respond
"""


@click.group(epilog=EXIT_STATUSES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="descent %(version)s")
def cli() -> None:
    """Train and serve linear and ridge regression."""


@click.command(cls=GroupedCommand)
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=PORT, help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=POSITIVE, help="Number of worker processes.")
@click.option("--threads", type=POSITIVE, help="Threads per worker.")
@click.option("--store", type=click.Path(file_okay=False), help="Folder of models.")
@click.option("--log-level", type=click.Choice(get_args(LogLevel)), help="Lowest level that is logged.")
def serve(**settings: Any) -> None:
    """Run the service.

    Options override the DESCENT_* environment variables, which hold all other settings. Needs the service's package.
    """
    serve_in_place(settings)


@click.command("version", cls=GroupedCommand)
@target_options
def show_software_version(target: Target) -> None:
    """Show the versions of this command and of the service."""
    with session(target) as client:
        answer = {"client": __version__, "service": client.service_version()}
    show(answer, message(f"descent {__version__}, service {answer['service']}"), as_json=target.as_json)


@click.command(cls=GroupedCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for command completion in a shell.

    \b
    bash, in ~/.bashrc:  eval "$(descent completion bash)"
    zsh, in ~/.zshrc:    eval "$(descent completion zsh)"
    fish:                descent completion fish > ~/.config/fish/completions/descent.fish
    """
    if complete := get_completion_class(shell):
        click.echo(complete(cli, {}, "descent", "_DESCENT_COMPLETE").source())


SUBCOMMANDS = (
    serve,
    data_commands.train,
    data_commands.predict,
    data_commands.evaluate,
    model_commands.list_models,
    model_commands.list_versions,
    model_commands.show_version,
    model_commands.history,
    model_commands.download,
    model_commands.pin,
    model_commands.unpin,
    model_commands.rm,
    show_software_version,
    completion,
)
for subcommand in SUBCOMMANDS:
    cli.add_command(subcommand)

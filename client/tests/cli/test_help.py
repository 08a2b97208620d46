import re

import click
import pytest

from descent.cli.commands import cli

COMMANDS = [
    "serve",
    "train",
    "predict",
    "evaluate",
    "models",
    "versions",
    "show",
    "history",
    "download",
    "pin",
    "unpin",
    "rm",
    "version",
    "completion",
]


def test_help_lists_every_command_with_a_whole_sentence(run):
    shown = run("--help").stdout
    listed = re.findall(r"^  ([a-z]+)  +([A-Z].*)$", shown.split("Commands:")[1], re.MULTILINE)
    assert {name for name, _ in listed} == set(COMMANDS)
    assert all(sentence.endswith(".") and "..." not in sentence for _, sentence in listed)
    assert "6  the service does not respond" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described_in_a_sentence(run, command):
    shown = run(command, "--help").stdout
    options = [each for each in cli.commands[command].params if isinstance(each, click.Option)]
    assert all(option.help[0].isupper() and option.help.endswith(".") for option in options)
    assert all(option.opts[0] in shown for option in options)
    assert shown.count("--help") == 1


def test_options_of_training_have_sections_of_their_own(run):
    shown = run("train", "--help").stdout
    headings = re.findall(r"^([A-Z].*):$", shown, re.MULTILINE)
    assert headings == ["Options", "Columns and rows", "CSV files", "Training", "Service or folder of models"]
    for part in ("[spectral|autograd]", "[error|drop]", "NUMBER|auto", "--standardize / --no-standardize"):
        assert part in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(run, shell):
    found = run("completion", shell)
    assert found.exit_code == 0
    assert "_DESCENT_COMPLETE" in found.stdout
    assert f"{shell}_complete" in found.stdout


def test_completion_completes_commands_and_options(run, monkeypatch):
    monkeypatch.setenv("_DESCENT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "descent train --le")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run(prog_name="descent").stdout == "plain,--learning-rate\n"

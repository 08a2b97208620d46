"""The prose check finds banned words and long sentences, and nothing else."""

import subprocess
import sys

import pytest

from scripts import check_prose

LONG = " ".join(["word"] * 41)


def reasons(tmp_path, text, name="page.md"):
    """Return the faults of a file with this text."""
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return [fault.reason for fault in check_prose.check(path)]


@pytest.mark.parametrize(
    "sentence",
    [
        "The client is told of it.",
        "The quick way is first.",
        "Both\nordinary ways are the same.",
        "The worker knocks.",
        "A client that was never heard of.",
        "It takes so many rows.",
        "It does whatever it can.",
        "The file that is there is used.",
        "The name stands in the header.",
    ],
)
def test_banned_words_are_found_in_pages_docstrings_and_comments(tmp_path, sentence):
    assert len(reasons(tmp_path, sentence)) == 1
    assert len(reasons(tmp_path, f'"""{sentence}"""\n', "module.py")) == 1
    comment = "# " + sentence.replace("\n", "\n# ")
    assert len(reasons(tmp_path, comment, "module.py")) == 1
    assert reasons(tmp_path, comment, "Makefile")


@pytest.mark.parametrize(
    "sentence",
    [
        "There is an untold number of them.",
        "Is there a limit? Yes, there is one.",
        "λ stands for the curvature.",
        "They stand by. It does so for many rows.",
        "This is what the caller sees.",
        "Nothing: e.g. Arrow.",
    ],
)
def test_other_words_are_allowed(tmp_path, sentence):
    assert reasons(tmp_path, sentence) == []


@pytest.mark.parametrize("sentence", ["What it reads.", "Whatever comes is read.", "Those that came are read."])
def test_sentences_do_not_begin_with_a_relative_clause(tmp_path, sentence):
    assert any("begins badly" in reason for reason in reasons(tmp_path, f"The first. {sentence}"))
    assert any("begins badly" in reason for reason in reasons(tmp_path, f"- **{sentence}**"))


def test_a_sentence_has_at_most_forty_words(tmp_path):
    assert reasons(tmp_path, f"{LONG}.") == ["41 words, at most 40: word word word word word …"]
    assert reasons(tmp_path, f"{LONG[5:]}. A {LONG[10:]}.") == []


def test_list_items_and_paragraphs_are_counted_alone(tmp_path):
    assert reasons(tmp_path, f"- {LONG[5:]}\n- {LONG[5:]}\n\n{LONG[5:]}") == []


def test_code_and_tables_are_read_for_banned_words_only(tmp_path):
    assert reasons(tmp_path, f"```\n{LONG}\n```\n\n| {LONG} |\n") == []
    assert reasons(tmp_path, "```\ntold\n```\n\n| told |\n") == ["banned: told", "banned: told"]


def test_messages_and_names_of_code_are_checked(tmp_path):
    assert reasons(tmp_path, 'raise ValueError("x is told")\n', "module.py") == ["banned: told"]
    assert reasons(tmp_path, "def test_a_client_is_told(): ...\n", "module.py") == ["banned: told"]
    assert reasons(tmp_path, f'raise ValueError(f"{LONG} {{1}}")\n', "module.py")


def test_comments_beside_code_are_counted_alone(tmp_path):
    line = f"x = 1  # {LONG[5:]}\n"
    assert reasons(tmp_path, line * 2, "module.py") == []
    assert reasons(tmp_path, f"# {LONG[5:]}\n# {LONG[5:]}\n", "module.py")


def test_a_fault_has_the_line_it_is_on(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('"""First.\n\nThe second is told.\n"""\n\nx = 1  # and told\n', "utf-8")
    assert [fault.line for fault in check_prose.check(path)] == [3, 6]


def test_the_command_fails_with_each_fault_or_their_number(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("All are told.\n", "utf-8")
    assert check_prose.main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:1: banned: told\n"
    assert check_prose.main(["--count", str(page)]) == 1
    assert capsys.readouterr().out == f"    1 {page}\n"
    page.write_text("All is well.\n", "utf-8")
    assert check_prose.main([str(page)]) == 0


def git(folder, *arguments):
    """Run git in a folder and return its output."""
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t.invalid", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_long_subjects_of_new_commits_are_found(tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "x" * 80)
    base = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "y" * 72)
    assert check_prose.long_subjects(tmp_path, base) == []
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "z" * 73)
    assert [line.split(" ")[1] for line in check_prose.long_subjects(tmp_path, base)] == ["z" * 73]


def test_a_shallow_clone_and_an_export_have_no_subjects(tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "x" * 80)
    assert check_prose.long_subjects(tmp_path, "0" * 40) == []
    (tmp_path / "export").mkdir()
    assert check_prose.long_subjects(tmp_path / "export", "0" * 40) == []


def test_the_script_runs_by_itself(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("All is well.\n", "utf-8")
    result = subprocess.run(
        [sys.executable, check_prose.__file__, str(page)], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "0 faults of prose in 0 files\n")

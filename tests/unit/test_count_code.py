"""Lines of code are counted without docstrings, comments and blank lines."""

import pytest

from scripts import count_code


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('"""A module."""\n\n# A comment.\nx = 1  # one\n', 1),
        ('def f():\n    """Return\n\n    one.\n    """\n    return 1\n', 2),
        ("x = [\n    1,\n    # two\n    2,\n]\n", 4),
        ('LIMIT = 1\n"""The limit."""\n', 1),
        ('text = """a\nb"""\n', 2),
        ("", 0),
    ],
)
def test_lines_of_code(source, lines):
    assert count_code.code_lines(source) == lines


def test_a_folder_is_measured(tmp_path, capsys):
    (tmp_path / "package").mkdir()
    (tmp_path / "package/long.py").write_text("def f():\n    x = 1\n    return x\n\n\nclass C:\n    def g(self): ...\n")
    (tmp_path / "short.py").write_text("x = 1\n")
    assert [tuple(length) for length in count_code.module_lengths(tmp_path)] == [
        (7, "package/long.py"),
        (1, "short.py"),
    ]
    assert [length.lines for length in count_code.function_lengths(tmp_path)] == [3, 1]
    assert count_code.files_at_the_top(tmp_path) == ["short.py"]
    count_code.main(tmp_path)
    assert capsys.readouterr().out.startswith("6 lines of code")

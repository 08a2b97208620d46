"""Print the size of the service: lines of code, files at the top, longest modules and functions.

python scripts/count_code.py [FOLDER]

A line of code holds at least one token that is neither a comment nor part of a docstring. Lengths of modules and
functions include their comments and docstrings.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SHOWN = 5
BLANK = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Length(NamedTuple):
    """The number of lines of a module or a function."""

    lines: int
    name: str


def code_lines(source: str) -> int:
    """Return the number of lines of code of a module."""
    strings = {node.value.lineno: node.value.end_lineno for node in ast.walk(ast.parse(source)) if is_docstring(node)}
    documentation = {line for first, last in strings.items() for line in range(first, last + 1)}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in BLANK:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)


def is_docstring(node: ast.AST) -> bool:
    """Return whether a statement is a string alone: the docstring of a module, class, function or attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def modules(folder: Path) -> list[Path]:
    """Return the Python files of a folder and its packages."""
    return sorted(folder.rglob("*.py"))


def module_lengths(folder: Path) -> list[Length]:
    """Return the length of each module, longest first."""
    return longest(Length(len(source(path).splitlines()), str(path.relative_to(folder))) for path in modules(folder))


def function_lengths(folder: Path) -> list[Length]:
    """Return the length of each function, longest first."""
    return longest(
        Length(node.end_lineno - node.lineno + 1, f"{path.relative_to(folder)}:{node.lineno} {node.name}")
        for path in modules(folder)
        for node in ast.walk(ast.parse(source(path)))
        if isinstance(node, Function)
    )


def longest(lengths: Iterator[Length]) -> list[Length]:
    """Return the lengths in descending order."""
    return sorted(lengths, reverse=True)


def source(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text("utf-8")


def files_at_the_top(folder: Path) -> list[str]:
    """Return the names of the files beside the packages."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def main(folder: Path) -> None:
    """Print all of it."""
    total = sum(code_lines(source(path)) for path in modules(folder))
    print(f"{total:,} lines of code without docstrings, comments and blank lines, in {len(modules(folder))} modules")
    print(f"{len(files_at_the_top(folder))} files at the top: {', '.join(files_at_the_top(folder))}")
    for kind, lengths in (("modules", module_lengths(folder)), ("functions", function_lengths(folder))):
        print(f"longest {kind}:")
        for length in lengths[:SHOWN]:
            print(f"{length.lines:5} {length.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "service")

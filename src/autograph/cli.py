"""The `autograph` command: `autograph demo` and `autograph code TARGET`.

The command itself needs the standard library only. What a subcommand needs beyond it is imported when it runs, and a
missing package is reported with the extra that brings it. Every mistake in what was typed ends with one line on
standard error and exit code 2.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.util
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import NamedTuple, TextIO

from autograph import ConversionError, __version__
from autograph.syntax.compiler import code_for_node

USAGE_ERROR = 2

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef


class UsageError(Exception):
    """What the user typed cannot be done; the message is the one line that they read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, with the process's arguments by default, and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        print(f"autograph: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        # The reader has gone (`autograph code ... | head`). Python flushes standard output once more as it ends, which
        # must not fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograph", description="Turn ordinary Python functions into graphs for a real compiler."
    )
    parser.add_argument("--version", action="version", version=f"autograph {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = commands.add_parser(
        "demo",
        help="run the demonstration",
        description="Show generated code, run the case studies as Python and as graphs, and train a perceptron.",
    )
    demo.add_argument("--quick", action="store_true", help="smaller inputs and fewer steps: done in 20 seconds")
    demo.add_argument(
        "--out", type=Path, default=Path("autograph-demo"), metavar="DIR", help="where the plot goes (%(default)s)"
    )
    demo.add_argument("--steps", type=_positive, metavar="N", help="training steps of the perceptron")
    demo.set_defaults(run=_demo)

    code = commands.add_parser(
        "code",
        help="print the code that a function is converted to",
        description="Print the code that a function is converted to. The file is parsed, never run.",
    )
    code.add_argument(
        "target",
        metavar="TARGET",
        help="FILE.py:function, FILE.py:Class.method, FILE.py:outer.inner or module:function",
    )
    code.set_defaults(run=_code)
    return parser


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return number


# ---------------------------------------------------------------------------------------------------- autograph demo


def _demo(options: argparse.Namespace) -> int:
    _require(
        {"jax": "jax", "rich": "demo", "pygments": "demo", "optax": "demo", "sklearn": "demo", "matplotlib": "demo"}
    )
    from autograph import demo

    return demo.run(quick=options.quick, out=options.out, steps=options.steps)


def _require(extras: dict[str, str]) -> None:
    """Fail with the extras to install, unless all the packages (keys of `extras`) are there. Imports none of them."""
    missing = [name for name in extras if importlib.util.find_spec(name) is None]
    if missing:
        wanted = ",".join(sorted({extras[name] for name in missing}))
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(f"{_listed(missing)} {verb} not installed; pip install 'autograph-compiler[{wanted}]'")


# ---------------------------------------------------------------------------------------------------- autograph code


def _code(options: argparse.Namespace) -> int:
    place, separator, name = options.target.rpartition(":")
    if not (separator and place and name):
        raise UsageError(f"{options.target!r} names no function; write FILE.py:function or module:Class.method")
    source = _file(Path(place)) if _is_path(place) else _module(place, name)
    definition = _find(_parse(source), source, name)
    try:
        code = code_for_node(definition.tree, filename=source.filename, class_name=definition.class_name)
    except ConversionError as error:
        raise UsageError(str(error).partition("\n")[0]) from error
    _show(code, sys.stdout)
    return 0


class _Source(NamedTuple):
    """A module's text, and what to call it in messages."""

    label: str
    filename: str
    text: bytes | str


class _Found(NamedTuple):
    tree: _Function
    class_name: str | None


def _is_path(place: str) -> bool:
    separators = [os.sep] if os.altsep is None else [os.sep, os.altsep]
    return place.endswith((".py", ".pyw", ".pyi")) or any(s in place for s in separators) or Path(place).is_file()


def _file(path: Path) -> _Source:
    if not path.exists():
        close = ""
        if path.parent.is_dir():
            close = _did_you_mean(path.name, [file.name for file in path.parent.glob("*.py")])
        raise UsageError(f"there is no file {path}{close}")
    return _Source(str(path), str(path), _read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _module(module: str, name: str) -> _Source:
    """The source of a module, found as `import` would find it, but without running it or the packages around it."""
    spec = _spec(module)
    if spec.origin is not None and spec.has_location and spec.origin.endswith(".py") and Path(spec.origin).is_file():
        return _Source(f"module {module}", spec.origin, _read(Path(spec.origin)))
    # In a zip archive, for one, there is a source but no file.
    get_source = getattr(spec.loader, "get_source", None)
    text = get_source(spec.name) if get_source is not None else None
    if text is not None:
        return _Source(f"module {module}", spec.origin or f"<{module}>", text)
    kind = {"built-in": "built into Python", "frozen": "frozen into Python", None: "a namespace package"}
    what = kind.get(spec.origin, f"compiled ({spec.origin})")
    raise UsageError(f"{name!r} has no Python source: module {module} is {what}")


def _spec(module: str) -> ModuleSpec:
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        raise UsageError(f"{module!r} is neither a file nor the name of a module")
    # The command starts with its `bin` folder on the path, where `python -m` would have the working directory.
    folders: list[str] = [os.getcwd(), *sys.path]
    known = set(sys.builtin_module_names)
    spec = _top_level(parts[0], folders)
    for depth in range(1, len(parts) + 1):
        fullname = ".".join(parts[:depth])
        if depth > 1:
            # `importlib.util.find_spec` would import the packages around the module. A path finder does not, but for a
            # namespace package with a dot in its name it expects that somebody has.
            spec = PathFinder.find_spec(parts[depth - 1], folders)
        if spec is None:
            known |= {found.name for found in pkgutil.iter_modules(folders)}
            raise UsageError(f"there is no module {fullname}{_did_you_mean(parts[depth - 1], known)}")
        if depth == len(parts):
            break
        if spec.submodule_search_locations is None:
            raise UsageError(f"there is no module {module}: {fullname} is not a package")
        if spec.origin is None:
            # A namespace package's own list of folders asks the packages around it, which are not imported.
            folders = [str(Path(folder, parts[depth - 1])) for folder in folders]
            folders = [folder for folder in folders if Path(folder).is_dir()]
        else:
            folders = list(spec.submodule_search_locations)
        known = set()
    assert spec is not None
    return spec


def _top_level(name: str, folders: list[str]) -> ModuleSpec | None:
    if name not in sys.builtin_module_names:
        spec = PathFinder.find_spec(name, folders)
        if spec is not None:
            return spec
    # Built in, frozen, or installed as editable by a finder of its own.
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(name, None) if find_spec is not None else None
        if spec is not None:
            return spec
    return None


def _parse(source: _Source) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's file, and not what they asked
            tree = ast.parse(source.text, source.filename)
            # What the parser lets through, such as `return` outside a function, the compiler refuses. Nothing is run.
            compile(tree, source.filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise UsageError(f"{source.label} does not parse{line}: {error.msg}") from None
    except ValueError as error:
        raise UsageError(f"{source.label} does not parse: {error}") from None
    except (MemoryError, RecursionError):
        raise UsageError(f"{source.label} does not parse: it is nested too deeply") from None
    return tree


def _find(module: ast.Module, source: _Source, name: str) -> _Found:
    """The definition that `name` leads to: through classes, functions and the statements around them.

    `<locals>` may be written as in `__qualname__`, or left out. Of several definitions the last counts, as when the
    module runs.
    """
    block: ast.Module | _Definition = module
    class_name = None
    parts = [part for part in name.split(".") if part != "<locals>"]
    for index, part in enumerate(parts):
        path = ".".join(parts[: index + 1])
        definitions = {definition.name: definition for definition in _definitions(block.body)}
        if part not in definitions:
            raise UsageError(_not_found(module, source, block, part, path))
        if isinstance(block, ast.ClassDef):
            class_name = block.name
        elif isinstance(block, ast.Module):
            class_name = None
        block = definitions[part]
    if isinstance(block, ast.ClassDef):
        methods = [f"{name}.{d.name}" for d in _definitions(block.body) if not isinstance(d, ast.ClassDef)]
        advice = f"; name a method of it: {', '.join(methods[:5])}" if methods else ""
        raise UsageError(f"{name!r} in {source.label} is a class{advice}")
    assert not isinstance(block, ast.Module)
    return _Found(block, class_name)


def _definitions(body: Sequence[ast.AST]) -> Iterator[_Definition]:
    """The functions and classes that a block's statements define, in order, and not those inside of these."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _definitions(list(ast.iter_child_nodes(node)))


def _not_found(module: ast.Module, source: _Source, block: ast.Module | _Definition, part: str, path: str) -> str:
    for node in ast.walk(block):
        targets: Sequence[ast.expr] = ()
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == part for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            what = "a lambda, which has no name of its own" if isinstance(node.value, ast.Lambda) else "a variable"
            return f"{path!r} in {source.label} is {what} (line {node.lineno}); name a function made by `def`"
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == part:
                    origin = ""
                    if isinstance(node, ast.ImportFrom):
                        origin = f" from {'.' * node.level}{node.module or ''}"
                    where = f"is imported{origin} (line {node.lineno})"
                    return f"{path!r} in {source.label} {where}; name the module that defines it"
    known = {path for path, _ in _paths(module.body)}
    return f"there is no function {path!r} in {source.label}{_did_you_mean(path, known)}"


def _paths(body: Sequence[ast.AST], prefix: str = "") -> Iterator[tuple[str, _Definition]]:
    for definition in _definitions(body):
        yield prefix + definition.name, definition
        yield from _paths(definition.body, f"{prefix}{definition.name}.")


def _wants_colour(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _show(code: str, stream: TextIO) -> None:
    """Write code, in colour where a person reads it and Pygments is there."""
    code = code.rstrip("\n") + "\n"
    if _wants_colour(stream) and importlib.util.find_spec("pygments") is not None:
        from pygments import highlight
        from pygments.formatters import Terminal256Formatter
        from pygments.lexers import PythonLexer

        code = highlight(code, PythonLexer(), Terminal256Formatter(style="one-dark"))
    stream.write(code)


# ---------------------------------------------------------------------------------------------------------- messages


def _did_you_mean(name: str, known: Sequence[str] | set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.7)
    return f"; did you mean {_listed(close, 'or')}?" if close else ""


def _listed(names: Sequence[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


if __name__ == "__main__":
    sys.exit(main())

"""Finding the source of a function, wherever and however it is written."""

from __future__ import annotations

import ast
import doctest
import functools
import importlib.util
import linecache
import sys
import textwrap
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import pytest

import autograph as ag
from autograph.syntax.compiler import is_converted


def converts(function: Any, *args: Any) -> Any:
    """The converted function, checked to be converted and to give what the original gives."""
    converted = ag.convert(function)
    assert is_converted(converted.__code__)
    if args:
        assert converted(*args) == function(*args)
    return converted


def from_linecache(source: str, name: str, filename: str) -> Any:
    """A function from code that only ``linecache`` knows, as notebooks and the interactive prompt have it."""
    source = textwrap.dedent(source)
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace: dict[str, Any] = {"ag": ag}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


_modules = iter(range(1000))


def from_file(directory: Path, source: str) -> ModuleType:
    name = f"source_under_test_{next(_modules)}"
    path = directory / f"{name}.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# --- where it is ------------------------------------------------------------------------------------------------------


def test_code_that_only_linecache_knows():
    f = from_linecache(
        """
        x = 1

        def f(n):
            while n < 10:
                n = n * 2
            return n
        """,
        "f",
        "<ipython-input-1-abc>",
    )
    assert int(jax.jit(converts(f, 3))(3)) == 12
    assert ag.convert(f).__code__.co_filename == "<ipython-input-1-abc>"


def test_a_notebook_cell_that_is_run_again():
    first = from_linecache("def f(n):\n    return n + 1 if n else 0\n", "f", "<cell-1>")
    converts(first, 1)
    second = from_linecache("def f(n):\n    return n + 2 if n else 0\n", "f", "<cell-2>")
    assert converts(second, 1)(1) == 3
    assert ag.convert(first)(1) == 2


def test_one_name_for_two_texts_in_turn():
    """The same file name and line, another text: the second must not get the code of the first."""
    first = from_linecache("def f(n):\n    return n + 1 if n else 0\n", "f", "<stdin>")
    assert ag.convert(first)(1) == 2
    second = from_linecache("def f(n):\n    return n + 2 if n else 0\n", "f", "<stdin>")
    assert ag.convert(second)(1) == 3
    lambda_one = from_linecache("g = lambda n: n + 1 if n else 0\n", "g", "<stdin>")
    assert ag.convert(lambda_one)(1) == 2
    lambda_two = from_linecache("g = lambda n: n + 2 if n else 0\n", "g", "<stdin>")
    assert ag.convert(lambda_two)(1) == 3


def test_doctests():
    text = """
    >>> import autograph as ag, jax
    >>> @ag.convert
    ... def f(n):
    ...     total = 0
    ...     for i in range(n):
    ...         if i % 2:
    ...             total += i
    ...     return total
    >>> f(6)
    9
    >>> int(jax.jit(f)(6))
    9
    >>> g = ag.convert(lambda x: -x if x < 0 else x)
    >>> g(-3)
    3
    """
    test = doctest.DocTestParser().get_doctest(text, {}, "example", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_a_module_run_by_its_loader(tmp_path):
    module = from_file(tmp_path, "def f(n):\n    return [i for i in range(n) if i % 2] if n > 0 else []\n")
    converts(module.f, 5)


def test_code_in_a_zip_archive(tmp_path, monkeypatch):
    import zipfile

    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("zipped_source.py", "def f(n):\n    return n * 2 if n > 0 else -n\n")
    monkeypatch.syspath_prepend(str(archive))
    import zipped_source  # type: ignore[import-not-found]

    converts(zipped_source.f, -3)


def test_without_source():
    namespace: dict[str, Any] = {}
    exec(compile("def f(n):\n    return n if n else 1", "<nowhere>", "exec"), namespace)
    with pytest.raises(ag.ConversionError, match="not available"):
        ag.convert(namespace["f"])


def test_a_file_that_was_deleted(tmp_path):
    module = from_file(tmp_path, "def f(n):\n    return n if n else 1\n")
    Path(module.__file__).unlink()
    linecache.checkcache(module.__file__)
    with pytest.raises(ag.ConversionError, match="not available"):
        ag.convert(module.f)


def test_a_file_that_changed_is_an_error_and_not_another_function(tmp_path):
    module = from_file(tmp_path, "\n\ndef f(n):\n    return n if n else 1\n")
    Path(module.__file__).write_text("# something else altogether\n\n\n\n\ndef g(n):\n    return 2\n")
    linecache.checkcache(module.__file__)
    with pytest.raises(ag.ConversionError, match=r"f\(\) cannot be converted: its source has changed"):
        ag.convert(module.f)


def test_a_file_that_changed_to_another_signature(tmp_path):
    module = from_file(tmp_path, "def f(n):\n    return n if n else 1\n")
    Path(module.__file__).write_text("def f(n, m):\n    return m if n else 1\n")
    linecache.checkcache(module.__file__)
    with pytest.raises(ag.ConversionError, match="has changed"):
        ag.convert(module.f)


def test_a_file_that_no_longer_parses(tmp_path):
    module = from_file(tmp_path, "def f(n):\n    return n if n else 1\n\ng = lambda n: n if n else 1\n")
    Path(module.__file__).write_text("def f(n:\n    return n if\n\ng = lambda n: n if\n")
    linecache.checkcache(module.__file__)
    for function in (module.f, module.g):
        with pytest.raises(ag.ConversionError):
            ag.convert(function)


def test_a_function_that_moved_since_it_was_imported(tmp_path):
    source = "def f(n):\n    return n if n else 1\n"
    module = from_file(tmp_path, source)
    Path(module.__file__).write_text("# one line more\n" + source)
    linecache.checkcache(module.__file__)
    with pytest.raises(ag.ConversionError, match="has changed"):
        ag.convert(module.f)


def test_converted_before_the_file_changed(tmp_path):
    module = from_file(tmp_path, "def f(n):\n    return n if n else 1\n")
    converts(module.f, 0)
    Path(module.__file__).write_text("")
    linecache.checkcache(module.__file__)
    assert ag.convert(module.f)(0) == 1


# --- how it is written ------------------------------------------------------------------------------------------------

FORMS = '''\
import functools
def plain(n):
    return n if n > 0 else -n

def one_line(n): return n if n > 0 else -n

def semicolons(n): m = n; m += 1; return m if m > 0 else -m

def continued(n, \\
      m=1):
    total = n + \\
        m
    return total \\
        if total > 0 \\
        else -total

def low_string(n):
    text = """
low
  lines
"""
    return (text, n) if n > 0 else text

def low_comment(n):
    if n > 0:
# a comment at the margin
        n += 1
        # another
    return n if n > 0 else 0

def low_bracket(n):
    table = [
1, 2,
3]
    return table[n] if n > 0 else 0

def low_end(n):
    return (
n if n > 0 else -n
)

def docstring_only(n):
    """Says nothing."""

def docstring(n):
    """
Low docstring.
    """
    return n if n > 0 else 0

def tabs(n):
\tif n > 0:
\t\tn += 1
\treturn n if n > 0 else 0

def form_feed(n):
    m = n
\f
    return m if m > 0 else 0

def blank_lines(n):

    m = n


    return m if m > 0 else 0


if True:
    def indented(n):
        return n if n > 0 else 0
else:
    def indented(n):
        return 1

try:
    def in_try(n):
        if n > 0: return n
        else: return -n
finally:
    pass

for k in range(2):
    def in_loop(n):
        return n + k if n > 0 else k

with open(__file__):
        def odd_indentation(n):
                        if n > 0:
                                        n += 1
                        return n if n > 0 else 0

class Outer:
    class Inner:
        def method(self, n):
            return n if n > 0 else self.__private

        __private = 7

        @staticmethod
        def static(n): return n if n > 0 else 0

    def after(self, n):
        def nested(m):
            def deeper(k):
                return k + n if k > 0 else n
            return deeper(m) if m > 0 else m
        return nested(n)

    def string(self, n):
        return (f"""
{n if n > 0 else "none"}
  {n!r:>5}
""")

def with_decorator(f):
    return f

@with_decorator
@functools.wraps(
    plain,
)
def wrapped(n):
    return n + 5 if n > 0 else 0

@with_decorator
def decorated(n): return n if n > 0 else 0

@with_decorator

# between
@with_decorator

def spaced(n):
    return n if n > 0 else 0

def unicode_names(ñ):
    größe = ñ * 2  # ©
    return größe if größe > 0 else "ü" + "é"[0:0] + "√"

def annotated(n: "int" = 0, *, m: list[int] = [1]) -> "tuple[int, ...]":
    x: int = n
    y: "undefined"
    return (x, m) if x > 0 else ()

def nested_quotes(n):
    return f"{'a' if n > 0 else 'b'}" + 'def fake(n):' + """
def faked(n):
    return 0
"""

def ends_with_backslash_string(n):
    return '\\
def x(): pass' if n > 0 else ''

async def coroutine(n):
    return n

def last(n):
    return n if n > 0 else 0'''

NAMES = (
    "plain one_line semicolons continued low_string low_comment low_bracket low_end docstring_only docstring tabs "
    "form_feed blank_lines indented in_try in_loop odd_indentation decorated spaced unicode_names annotated "
    "nested_quotes ends_with_backslash_string last"
).split()


@pytest.fixture(scope="module")
def forms(tmp_path_factory) -> ModuleType:
    return from_file(tmp_path_factory.mktemp("forms"), FORMS)


@pytest.fixture(scope="module")
def far_forms(tmp_path_factory) -> ModuleType:
    """The same at the end of a long file, and with the line ends of another system."""
    padding = "".join(f"def padding_{i}(n):\n    return n + {i}\n\n" for i in range(2000))
    name = "far_forms_under_test"
    path = tmp_path_factory.mktemp("far") / f"{name}.py"
    text = FORMS.replace("import functools\n", "import functools\n" + padding)
    path.write_bytes(text.replace("\n", "\r\n").encode())
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["forms", "far_forms"])
def test_every_way_to_write_a_function(name, where, request):
    function = getattr(request.getfixturevalue(where), name)
    for n in (2, -2):
        converted = converts(function, n)
    assert converted.__code__.co_firstlineno == function.__code__.co_firstlineno


@pytest.mark.parametrize("where", ["forms", "far_forms"])
def test_methods_of_nested_classes(where, request):
    outer = request.getfixturevalue(where).Outer
    for n in (2, -2):
        converts(outer.Inner.static, n)
        assert ag.convert(outer.Inner().method)(n) == (n if n > 0 else 7)
        assert ag.convert(outer().after)(n) == outer().after(n)
        assert ag.convert(outer().string)(n) == outer().string(n)


def test_wraps_is_followed_to_nothing_but_the_function_itself(forms):
    """``functools.wraps`` makes a function look like another; its own source is what counts."""
    assert ag.convert(forms.wrapped)(2) == 7
    assert ag.convert(forms.wrapped).__name__ == "plain"


def test_positions_far_down_a_file(far_forms):
    def check(function):
        with pytest.raises(TypeError) as plain:
            function("a")
        with pytest.raises(TypeError) as converted:
            ag.convert(function)("a")
        expected = traceback.extract_tb(plain.value.__traceback__)[-1]
        actual = traceback.extract_tb(converted.value.__traceback__)[-1]
        assert (actual.lineno, actual.colno, actual.end_colno, actual.line) == (
            expected.lineno,
            expected.colno,
            expected.end_colno,
            expected.line,
        )

    for name in ("plain", "one_line", "low_end", "odd_indentation", "semicolons", "last"):
        check(getattr(far_forms, name))


def test_functions_with_one_name_are_told_apart(tmp_path):
    module = from_file(
        tmp_path,
        """
        def make():
            def f(n):
                return n + 1 if n else 1
            first = f
            def f(n):
                return n + 2 if n else 2
            return first, f

        a, b = make()
        def c(n): return n + 3 if n else 3
        d = c
        def c(n): return n + 4 if n else 4
        e, g = (lambda n: n + 5 if n else 5), (lambda n: n + 6 if n else 6)
        """,
    )
    assert [ag.convert(f)(1) for f in (module.a, module.b, module.d, module.c, module.e, module.g)] == [
        2,
        3,
        4,
        5,
        6,
        7,
    ]


def test_two_functions_on_one_line(tmp_path):
    module = from_file(
        tmp_path,
        """
        class A: f = lambda self, n: n + 1 if n else 1; g = lambda self, n: n + 2 if n else 2
        pairs = [(lambda x: x + 1 if x else 0), (lambda x: x - 1 if x else 0), (lambda x, /: x), (lambda *x: x)]
        nested = lambda x: (lambda y: x + y if y else x)
        in_default = lambda f=(lambda n: n * 2 if n else 0): f(4) if f else 0
        """,
    )
    assert (ag.convert(module.A().f)(1), ag.convert(module.A().g)(1)) == (2, 3)
    assert [ag.convert(f)(5) for f in module.pairs] == [6, 4, 5, (5,)]
    assert converts(module.nested)(1)(2) == 3
    assert ag.convert(module.nested(1))(2) == 3
    assert converts(module.in_default)() == 8
    assert ag.convert(module.in_default.__defaults__[0])(3) == 6


def test_lambdas_over_several_lines(tmp_path):
    module = from_file(
        tmp_path,
        """
        functions = dict(
            a=lambda x: x + 1
            if x > 0
            else 0,
            b=lambda x: (
                x + 2 if x > 0 else 0
            ), c=lambda x: x + 3 if x > 0 else (
                0),
            d=(
                lambda
                x,
                y=4
                :
                x + y if x > 0 else 0
            ),
        )
        called = sorted([3, -1, 2], key=lambda v: v
                        if v > 0
                        else 10)
        """,
    )
    assert [converts(f, 1)(1) for f in module.functions.values()] == [2, 3, 4, 5]
    assert module.called == [2, 3, -1]


def test_a_lambda_on_the_last_line_without_newline(tmp_path):
    module = from_file(tmp_path, "f = lambda x: x if x > 0 else -x")
    converts(module.f, -2)


def test_decorators_with_lambdas_and_calls(tmp_path):
    module = from_file(
        tmp_path,
        """
        import functools

        def tagged(*args, **kwargs):
            def decorate(f):
                f.tags = args
                return f
            return decorate

        @tagged(lambda x: x + 1,
                lambda x: x + 2 if x else 0, name=(
                    "text"
                ))
        @functools.lru_cache(maxsize=None)
        def cached(n):
            return n if n > 0 else -n

        @tagged(lambda x: x * 3 if x else 0)
        def f(n,
              m=lambda x: x * 2 if x else 0):
            return m(n) if n > 0 else 0
        """,
    )
    assert module.cached(-3) == 3
    converts(module.cached.__wrapped__, -3)
    assert [ag.convert(tag)(1) for tag in (*module.cached.tags, *module.f.tags)] == [2, 3, 3]
    assert converts(module.f, 4)(4) == 8


def test_the_future_of_the_module_is_the_functions(tmp_path):
    module = from_file(
        tmp_path,
        """
        from __future__ import annotations

        def f(n):
            def inner(x: undefined_name) -> another:
                return x if x > 0 else 0
            return inner(n), inner.__annotations__
        """,
    )
    assert converts(module.f)(3) == (3, {"x": "undefined_name", "return": "another"})


def test_a_long_function(tmp_path):
    body = "".join(f"    if n > {i}:\n        total += {i}\n    else:\n        total -= 1\n" for i in range(300))
    module = from_file(tmp_path, f"def f(n):\n    total = 0\n{body}    return total\n")
    converts(module.f, 150)


def test_names_that_the_converter_would_use_are_the_users(tmp_path):
    module = from_file(
        tmp_path,
        """
        def for_body(n): return n

        def f(n):
            if_body = else_body = did_break = return_value = did_return = 1
            for i in range(n):
                if i > 2:
                    if_body += for_body(i)
                    break
                else_body += i
                for while_body in range(3):
                    if while_body > 1:
                        return if_body, else_body, did_break, return_value, did_return, while_body
            return if_body, else_body, did_break, return_value, did_return
        """,
    )
    for n in (0, 1, 5):
        converts(module.f, n)


def test_source_with_an_encoding_declaration(tmp_path):
    path = tmp_path / "latin_source.py"
    text = "# -*- coding: latin-1 -*-\ndef f(n):\n    return 'é' if n > 0 else 'ü' + str(n / 0)\n"
    path.write_bytes(text.encode("latin-1"))
    spec = importlib.util.spec_from_file_location("latin_source", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert ag.convert(module.f)(1) == "é"
    with pytest.raises(ZeroDivisionError) as caught:
        ag.convert(module.f)(0)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    with pytest.raises(ZeroDivisionError) as plain:
        module.f(0)
    expected = traceback.extract_tb(plain.value.__traceback__)[-1]
    assert (last.lineno, last.colno, last.end_colno) == (expected.lineno, expected.colno, expected.end_colno)


def test_generated_text_of_every_form_parses(forms):
    for name in NAMES:
        ast.parse(ag.to_code(getattr(forms, name)))


def test_partial_of_a_function_from_linecache():
    f = from_linecache("def f(a, n):\n    return a + n if n > 0 else a\n", "f", "<cell-partial>")
    assert int(jax.jit(ag.convert(functools.partial(f, 2)))(3)) == 5

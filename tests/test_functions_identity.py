"""A converted function is the user's function: its names, its closure, its class, and what is left alone."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import math
import operator
import pickle
import statistics
import textwrap
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag
from autograph.staging import calls


def is_converted(function: Any) -> bool:
    from autograph.syntax.compiler import is_converted as has_mark

    return has_mark(inspect.unwrap(getattr(function, "__func__", function)).__code__)


# --- metadata ---------------------------------------------------------------------------------------------------------


def documented(a, b: int = 2, *rest: float, c: str = "c", d, **others: Any) -> tuple:
    """What it does."""
    if a:
        return a, b, rest, c, d, others
    return ()


documented.attribute = "kept"


@pytest.mark.parametrize(
    "name",
    "__name__ __qualname__ __doc__ __module__ __defaults__ __kwdefaults__ __annotations__ __globals__".split(),
)
def test_metadata_is_the_originals(name):
    assert getattr(ag.convert(documented), name) == getattr(documented, name)


def test_signature_and_source_are_the_originals():
    converted = ag.convert(documented)
    assert inspect.signature(converted) == inspect.signature(documented)
    assert inspect.getfullargspec(converted) == inspect.getfullargspec(documented)
    assert inspect.getsource(converted) == inspect.getsource(documented)
    assert converted.__code__.co_name == documented.__code__.co_name
    assert converted.__code__.co_qualname == documented.__code__.co_qualname
    assert converted.__code__.co_firstlineno == documented.__code__.co_firstlineno
    assert converted.__code__.co_filename == documented.__code__.co_filename


def test_attributes_of_the_function_are_kept():
    assert ag.convert(documented).attribute == "kept"
    assert type(ag.convert(documented)) is type(documented)


def test_argument_errors_are_pythons():
    converted = ag.convert(documented)
    for args, kwargs in (((), {}), ((1,), {}), ((1, 2), {"e": 3}), ((1, 2), {"a": 3, "d": 4})):
        with pytest.raises(TypeError) as plain:
            documented(*args, **kwargs)
        with pytest.raises(TypeError) as mine:
            converted(*args, **kwargs)
        assert str(mine.value) == str(plain.value)


def test_arguments_arrive_as_given():
    converted = ag.convert(documented)
    call = {"args": (1, 2, 3, 4), "kwargs": {"d": 5, "e": 6}}
    assert converted(*call["args"], **call["kwargs"]) == documented(*call["args"], **call["kwargs"])


def test_mutable_default_is_shared():
    def f(x, seen=[]):
        if x not in seen:
            seen.append(x)
        return seen

    converted = ag.convert(f)
    f(1)
    assert converted(2) == [1, 2]
    assert f(3) == [1, 2, 3]
    assert converted.__defaults__[0] is f.__defaults__[0]


def test_defaults_and_annotations_are_not_evaluated_again():
    count = []

    def note(value):
        count.append(value)
        return value

    def f(a: note(int) = note(1), *, b=note(2)):
        return a + b if a else b

    before = list(count)
    assert ag.convert(f)() == 3
    assert count == before


def test_conversion_is_cached():
    def f(x):
        return x if x else -x

    assert ag.convert(f) is ag.convert(f)
    assert ag.to_graph(f) is ag.convert(f)
    assert ag.convert(ag.convert(f)) is ag.convert(f)


def test_two_closures_of_one_definition_are_converted_apart():
    def make(k):
        def f(x):
            if x > 0:
                return x * k
            return k

        return f

    two, three = make(2), make(3)
    assert ag.convert(two) is not ag.convert(three)
    assert (ag.convert(two)(5), ag.convert(three)(5)) == (10, 15)
    assert ag.convert(two).__code__ is ag.convert(three).__code__


def test_replaced_code_is_converted_anew():
    def f(x):
        return x + 1 if x else 0

    def g(x):
        return x + 2 if x else 0

    assert ag.convert(f)(1) == 2
    f.__code__ = g.__code__
    assert ag.convert(f)(1) == 3


def test_decorator_forms():
    @ag.convert
    def plain(x):
        return x if x else 1

    @ag.convert()
    def called(x):
        return x if x else 1

    assert plain(0) == called(0) == 1
    assert plain.__name__ == "plain"
    assert called.__name__ == "called"
    assert is_converted(plain)
    assert is_converted(called)


@ag.convert
def at_module_level(x):
    return x + 1 if x > 0 else 0


def test_pickle_by_reference_works():
    assert pickle.loads(pickle.dumps(at_module_level)) is at_module_level


def test_pickle_of_a_converted_original_still_works():
    assert ag.convert(documented)(1, d=2)[0] == 1
    assert pickle.loads(pickle.dumps(documented)) is documented


def test_the_original_is_left_as_it_was():
    def f(x):
        return x if x > 0 else -x

    code, closure = f.__code__, f.__closure__
    ag.convert(f)(1)
    assert (f.__code__, f.__closure__) == (code, closure)
    assert not is_converted(f)
    assert "ag__" not in f.__globals__


# --- closures and scopes ----------------------------------------------------------------------------------------------


def test_closure_cells_are_shared_both_ways():
    count = 0

    def increment(by):
        nonlocal count
        if by:
            count += by
        return count

    converted = ag.convert(increment)
    assert converted(2) == 2
    assert count == 2
    count = 10
    assert converted(1) == 11
    assert increment(1) == 12
    assert converted(0) == 12


def test_a_cell_that_is_filled_later():
    def f(n):
        return helper(n) if n > 0 else 0

    converted = ag.convert(f)
    with pytest.raises(NameError):
        converted(1)

    def helper(n):
        return n * 7

    assert converted(1) == 7


_total = 0


def test_globals_are_written_and_read():
    def add(x):
        global _total
        if x > 0:
            _total += x
        return _total

    assert ag.convert(add)(2) == 2
    assert _total == 2
    assert globals()["_total"] == 2


def test_a_global_that_is_replaced_is_seen(monkeypatch):
    def f(x):
        return helper_global(x) if x else 0  # noqa: F821

    monkeypatch.setitem(globals(), "helper_global", lambda x: x + 1)
    converted = ag.convert(f)
    assert converted(1) == 2
    monkeypatch.setitem(globals(), "helper_global", lambda x: x + 2)
    assert converted(1) == 3


def test_functions_made_inside_have_their_names():
    def outer(n):
        def inner(x):
            """Inner."""
            return x + n if x else n

        class Local:
            """A class."""

            size = n

            def method(self):
                return self.size

            class Deep:
                pass

        return inner, Local, lambda: n

    plain, converted = outer(1), ag.convert(outer)(1)
    for ours, theirs in zip(converted, plain):
        assert ours.__qualname__ == theirs.__qualname__
        assert ours.__name__ == theirs.__name__
        assert ours.__doc__ == theirs.__doc__
        assert ours.__module__ == theirs.__module__
    assert converted[1].method.__qualname__ == plain[1].method.__qualname__
    assert converted[1].Deep.__qualname__ == plain[1].Deep.__qualname__
    assert (
        converted[0].__code__.co_freevars == plain[0].__code__.co_freevars or "n" in converted[0].__code__.co_freevars
    )


def test_functions_made_inside_a_loop_close_over_the_variable():
    def outer(n):
        functions = []
        for i in range(n):
            functions.append(lambda: i)
            k = i * 10

            def g(k=k):
                return k + i

            functions.append(g)
        return [f() for f in functions]

    assert ag.convert(outer)(3) == outer(3)


# --- lambdas ----------------------------------------------------------------------------------------------------------

several = (lambda x: x + 1 if x else 0, lambda x: x + 2 if x else 0, lambda x, y=5: x + y)  # fmt: skip
multi_line = (
    lambda x, y=3:
        x + y
        if x > 0
        else y
)  # fmt: skip


def test_several_lambdas_on_one_line():
    assert [ag.convert(f)(1) for f in several] == [2, 3, 6]
    assert all(is_converted(ag.convert(f)) for f in several)


def test_lambda_over_several_lines():
    assert ag.convert(multi_line)(1) == 4
    assert ag.convert(multi_line)(-1) == 3
    assert int(jax.jit(ag.convert(multi_line))(-1)) == 3


def test_lambdas_in_call_arguments():
    def apply(f, g, x):
        return f(x) + g(x)

    def user(x):
        return apply(lambda v: v if v > 0 else -v, lambda v: 1 if v > 2 else 2, x)

    assert ag.convert(user)(-3) == user(-3)
    assert int(jax.jit(ag.convert(user))(-3)) == user(-3)


def test_lambda_with_the_same_body_twice_on_a_line():
    pair = (lambda x: x if x > 0 else 0), (lambda x: x if x > 0 else 0)
    assert [int(jax.jit(ag.convert(f))(-1)) for f in pair] == [0, 0]


def test_lambda_name():
    assert ag.convert(multi_line).__name__ == "<lambda>"


def test_lambda_in_a_default_and_a_decorator():
    def deco(choose):
        return lambda f: lambda x: f(x) if choose(x) else None

    @deco(lambda x: x > 0)
    def f(x, g=lambda v: v * 2 if v else 1):
        return g(x)

    assert ag.convert(f)(3) == 6
    assert ag.convert(f)(-3) is None


# --- partial, wraps, callables ----------------------------------------------------------------------------------------


def scaled(x, factor, *, offset=0):
    if x > 0:
        return x * factor + offset
    return offset


def test_partial():
    partial = functools.partial(scaled, factor=3, offset=1)
    converted = ag.convert(partial)
    assert converted(2) == 7
    assert int(jax.jit(converted)(2)) == 7
    assert isinstance(converted, functools.partial)
    assert converted.keywords == {"factor": 3, "offset": 1}
    nested = functools.partial(functools.partial(scaled, 2), offset=4)
    assert ag.convert(nested)(5) == 14


def test_wraps_decorator_keeps_the_wrapped_functions_face():
    def twice(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return f(*args, **kwargs) * 2

        return wrapper

    @twice
    def g(x):
        """Doc of g."""
        return x if x > 0 else -x

    converted = ag.convert(g)
    assert converted.__name__ == "g"
    assert converted.__doc__ == "Doc of g."
    assert converted(-2) == 4
    assert int(jax.jit(converted)(-2)) == 4


class Scale:
    """A callable object."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        if x > 0:
            return x * self.factor
        return x


def test_callable_object():
    converted = ag.convert(Scale(3))
    assert converted(2) == 6
    assert int(jax.jit(converted)(2)) == 6
    assert int(jax.jit(converted)(-2)) == -2


# --- methods ----------------------------------------------------------------------------------------------------------


class Base:
    def area(self, x):
        return x * 10 if x > 0 else 0


class Shape(Base):
    __secret = 5
    unit = 2

    def __init__(self, side):
        self.side = side
        self.__hidden = side + 1

    @ag.convert
    def area(self, x):
        if x > 1:
            return super().area(x) + self.__secret
        return self.__hidden

    @staticmethod
    @ag.convert
    def double(x):
        return 2 * x if x > 0 else 0

    @ag.convert
    @staticmethod
    def triple(x):
        return 3 * x if x > 0 else 0

    @classmethod
    @ag.convert
    def in_units(cls, x):
        return x * cls.unit if x > 0 else 0

    @ag.convert
    @classmethod
    def out_of_units(cls, x):
        return x // cls.unit if x > 0 else 0

    @property
    @ag.convert
    def size(self):
        return self.side if self.side > 0 else 0

    @ag.convert
    @property
    def perimeter(self):
        if self.side > 0:
            return 4 * self.side
        return 0

    def __set(self, value):
        if value > 0:
            self.__hidden = value
        return self.__hidden

    def set(self, value):
        return self.__set(value)


class Child(Shape):
    unit = 100


def test_methods_of_every_kind():
    shape = Shape(4)
    assert shape.area(3) == 35
    assert shape.area(0) == 5
    assert Shape.double(3) == shape.double(3) == 6
    assert Shape.triple(3) == shape.triple(3) == 9
    assert Child.in_units(3) == 300
    assert Shape.in_units(3) == Shape(1).in_units(3) == 6
    assert Child.out_of_units(300) == 3
    assert shape.size == 4
    assert shape.perimeter == 16
    assert isinstance(inspect.getattr_static(Shape, "perimeter"), property)
    assert isinstance(inspect.getattr_static(Shape, "triple"), staticmethod)
    assert isinstance(inspect.getattr_static(Shape, "out_of_units"), classmethod)


def test_zero_argument_super_and_private_names_in_a_staged_branch():
    shape = Shape(4)
    staged = jax.jit(lambda x: shape.area(x))
    assert [int(staged(x)) for x in (3, 0)] == [35, 5]


def test_a_bound_method_is_converted_bound():
    shape = Shape(4)
    bound = ag.convert(shape.set)
    assert bound.__self__ is shape
    assert bound(9) == 9
    assert shape._Shape__hidden == 9
    assert bound(-1) == 9


def test_private_names_in_nested_functions():
    class Box:
        def __init__(self):
            self.__items = []

        def fill(self, n):
            def put(x):
                if x % 2 == 0:
                    self.__items.append(x)

            for i in range(n):
                put(i)
            return [x for x in self.__items if x is not self.__dict__]

    assert ag.convert(Box().fill)(5) == [0, 2, 4]


def test_super_in_a_nested_region_and_class_variable():
    class Parent:
        def total(self, n):
            return n

    class Sub(Parent):
        @ag.convert
        def total(self, n):
            result = 0
            for i in range(n):
                if i > 1:
                    result += super().total(i)
                    name = __class__.__name__
            return result, name

    assert Sub().total(5) == (9, "Sub")


def test_dataclass_and_named_tuple():
    @dataclasses.dataclass
    class Point:
        x: Any
        y: Any = 2

        def norm1(self):
            a = self.x if self.x > 0 else -self.x
            return a + (self.y if self.y > 0 else -self.y)

    def f(x):
        p = Point(x)
        if x < 0:
            p = dataclasses.replace(p, y=-5)
        return p.norm1()

    assert ag.convert(f)(-3) == f(-3) == 8
    assert int(jax.jit(ag.convert(f))(-3)) == 8


# --- what is left alone -----------------------------------------------------------------------------------------------


def test_generators_are_called_as_they_are():
    def numbers(n):
        for i in range(n):
            if i % 2:
                yield i

    def f(n):
        total = 0
        for x in numbers(n):
            if x > 1:
                total += x
        return total

    assert ag.convert(f)(8) == f(8)
    assert calls.call(numbers) is numbers
    assert inspect.isgenerator(numbers(3))


def test_async_functions_are_called_as_they_are():
    async def add(a, b):
        await asyncio.sleep(0)
        return a + b if a else b

    async def agen(n):
        for i in range(n):
            yield i

    def f(a):
        if a > 0:
            return add(a, 1)
        return agen(a)

    assert asyncio.run(ag.convert(f)(2)) == 3
    assert inspect.isasyncgen(ag.convert(f)(0))
    assert calls.call(add) is add


@pytest.mark.parametrize(
    "function",
    [
        statistics.mean,
        textwrap.dedent,
        operator.add,
        math.sqrt,
        inspect.signature,
        str.upper,
        "a".join,
        dict.fromkeys,
        np.add,
    ],
)
def test_library_functions_are_never_rewritten(function):
    assert calls.call(function) is function


@pytest.mark.parametrize("function", [jnp.where, jnp.linalg.norm, jax.nn.relu, np.mean])
def test_framework_functions_are_never_rewritten(function):
    code = inspect.unwrap(function).__code__ if hasattr(inspect.unwrap(function), "__code__") else None

    def f(x):
        return function(x) if x.ndim else x

    seen = []
    if code is not None:
        import sys

        def trace(frame, event, argument):
            if frame.f_code.co_filename == code.co_filename:
                seen.append(frame.f_code.co_flags & 0x40000000)

        outer = sys.gettrace()
        sys.settrace(trace)
        try:
            if function is not jnp.where:
                ag.convert(f)(jnp.ones(3))
        finally:
            sys.settrace(outer)
    assert not any(seen)


def test_statistics_mean_works_on_plain_values_in_converted_code():
    def f(xs):
        return statistics.mean(xs) if xs else 0

    assert ag.convert(f)([1, 2, 6]) == 3


def test_do_not_convert():
    @ag.do_not_convert
    def left(x):
        """Left."""
        return x if x > 0 else -x

    def f(x):
        return left(x)

    assert left.__name__ == "left"
    assert left.__doc__ == "Left."
    assert ag.convert(f)(-1) == 1
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(ag.convert(f))(-1)


def test_do_not_convert_called_and_nested():
    def f(x):
        @ag.do_not_convert()
        def left(v):
            return v if v > 0 else -v

        return left(x)

    assert ag.convert(f)(-1) == 1
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(ag.convert(f))(-1)


def test_do_not_convert_of_a_method():
    class Box:
        @ag.do_not_convert
        def left(self, x):
            return x if x > 0 else -x

        def f(self, x):
            return self.left(x) + 1 if x else 0

    assert ag.convert(Box().f)(-1) == 2


def test_not_recursive():
    def helper(x):
        if x > 0:
            return x
        return -x

    def f(x):
        if x == 0:
            return x
        return helper(x)

    def g(x):
        return x * 2 if x > 0 else x

    shallow = ag.convert(f, recursive=False)
    assert shallow(-2) == 2
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(shallow)(-2)
    assert int(jax.jit(ag.convert(recursive=False)(g))(2)) == 4
    assert int(jax.jit(ag.convert(f))(-2)) == 2


def test_recursion_converts_itself():
    def power(x, n):
        if n == 0:
            return 1
        half = power(x, n // 2)
        if x > 100:
            return x
        return half * half * (x if n % 2 else 1)

    assert ag.convert(power)(3, 5) == 243
    assert int(jax.jit(ag.convert(power), static_argnums=1)(3, 5)) == 243


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [len, math.sqrt, [].append, "".join, np.add, operator.itemgetter(0)])
def test_native_code_cannot_be_converted(function):
    with pytest.raises(ag.ConversionError, match="native code"):
        ag.convert(function)


def test_generators_and_coroutines_cannot_be_converted():
    def generator():
        yield 1

    async def coroutine():
        return 1

    async def both():
        yield 1

    for function in (generator, coroutine, both):
        with pytest.raises(ag.ConversionError, match=f"{function.__name__}.*(generator|coroutine) function"):
            ag.convert(function)
        with pytest.raises(ag.ConversionError):
            ag.to_code(function)


def test_a_function_without_source_cannot_be_converted():
    namespace: dict[str, Any] = {}
    exec("def f(x):\n    return x if x else 1", namespace)
    with pytest.raises(ag.ConversionError, match=r"f\(\) cannot be converted: its source is not available"):
        ag.convert(namespace["f"])
    with pytest.raises(ag.ConversionError, match="not available"):
        ag.to_code(namespace["f"])


def test_a_function_without_source_is_called_as_it_is():
    namespace: dict[str, Any] = {}
    exec("def g(x):\n    return x * 2", namespace)
    g = namespace["g"]

    def f(x):
        return g(x) if x > 0 else x

    assert ag.convert(f)(2) == 4
    assert int(jax.jit(ag.convert(f))(2)) == 4


def test_what_cannot_be_called_cannot_be_converted():
    with pytest.raises(TypeError, match="can be called"):
        ag.convert(3)


# --- the text of generated code ---------------------------------------------------------------------------------------


def sum_even(numbers):
    s = 0
    for n in numbers:
        if n % 2 > 0:
            continue
        s += n
    return s


SUM_EVEN = """\
def sum_even(numbers):
    s = 0

    def for_body(n):

        def else_body():
            nonlocal s
            s += n
        ag__.if_stmt(n % 2 > 0, None, else_body, ('s',))
    ag__.for_stmt(numbers, for_body, ('s',))
    return s"""


def sign(x):
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0


SIGN = """\
def sign(x):

    def else_body():
        return ag__.if_stmt(x < 0, lambda: -1, lambda: 0, ())
    return ag__.if_stmt(x > 0, lambda: 1, else_body, ())"""


def logic(a, b):
    return a and not b or 0 < a < b


LOGIC = """\
def logic(a, b):
    return ag__.or_(ag__.and_(a, lambda: ag__.not_(b)), lambda: ag__.compare(0, '<', lambda: a, '<', lambda: b))"""


@pytest.mark.parametrize(("function", "text"), [(sum_even, SUM_EVEN), (sign, SIGN), (logic, LOGIC)])
def test_generated_text(function, text):
    assert ag.to_code(function) == text


def test_generated_text_is_a_program():
    for function in (sum_even, sign, logic, documented, Shape.set, scaled, collatz_like):
        compile(ag.to_code(function), "<text>", "exec")


def collatz_like(n):
    """Counts."""
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
        if steps > 1000:
            break
    return steps


def test_generated_text_keeps_the_docstring_and_the_signature():
    text = ag.to_code(documented)
    assert text.splitlines()[0].startswith("def documented(a, b: int=2, *rest: float, c: str='c', d, **others: Any)")
    assert "'What it does.'" in text or '"""What it does."""' in text


def test_generated_text_of_lambdas_methods_partials_and_converted_functions():
    assert ag.to_code(several[0]) == "lambda x: ag__.if_exp(x, lambda: x + 1, lambda: 0)"
    assert ag.to_code(functools.partial(sign)) == SIGN
    assert ag.to_code(Shape(1).set).startswith("def set(self, value):")
    assert ag.to_code(ag.function(sign)) == SIGN
    assert ag.to_code(ag.convert(sign)) == SIGN


def test_straight_line_code_stays_as_it_is():
    def f(x, y):
        z = x + y * 2
        z -= 1
        return (z, [x, y], {"a": x})

    assert ag.to_code(f) == inspect.cleandoc(
        """
        def f(x, y):
            z = x + y * 2
            z -= 1
            return (z, [x, y], {'a': x})
        """
    )

"""What the converters of other projects document as limitations, each with a program that shows this project's answer.

``docs/limitations.md`` is made of this module, and the last test holds it to that. An answer is either that the program
gives under ``ag.function`` what it gives in Python, or an error that says what to write instead.
"""

from __future__ import annotations

import contextlib
import io
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag
from corpus import Call, floats, ints
from differential import Outcome, fresh, observe, raised_difference, staged_difference
from tensorflow_staging import staged

PAGE = Path(__file__).parents[1] / "docs" / "limitations.md"


@dataclass(frozen=True)
class Entry:
    """One limitation of a peer's, and the program that shows the answer."""

    peer: str
    limitation: str
    answer: str
    program: Callable[..., Any]
    calls: tuple[tuple[Any, ...], ...]
    error: str = ""
    """What the error says, where the answer is one."""

    @property
    def name(self) -> str:
        return self.program.__name__


ENTRIES: list[Entry] = []


def answer(
    peer: str, limitation: str, text: str, *calls: tuple[Any, ...], error: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(program: Callable[..., Any]) -> Callable[..., Any]:
        ENTRIES.append(Entry(peer, limitation, text, program, calls, error))
        return program

    return register


TENSORFLOW, CATALYST, JAXIFY = "TensorFlow", "Catalyst (malt)", "jaxify"


@answer(
    TENSORFLOW,
    "A variable must be defined before a conditional, unless both branches define it",
    "A flag says whether it was; reading it unassigned is Python's `UnboundLocalError`",
    (1,),
    (-1,),
)
def assigned_in_one_branch(x):
    if x > 0:
        y = x
    return y


@answer(
    TENSORFLOW,
    "A variable must be defined before a loop, unless it is local to it",
    "May be assigned first in the loop and read after it",
    (3,),
    (0,),
)
def assigned_in_a_loop(n):
    for i in range(n):
        last = i * 2
    return last


@answer(
    TENSORFLOW,
    "`None` cannot come out of a staged conditional or loop",
    "May, with arrays, numbers and tuples of them as the other value",
    (ints(3, 9, 2),),
    (ints(-3, -9, -2),),
)
def none_until_something_is_found(xs):
    best = None
    for x in xs:
        if best is None or x > best:
            best = x
    return best


@answer(
    TENSORFLOW,
    "A function may not return a tensor on one path and `None` on another",
    "`ag.function` returns Python's `None` where the function did; under `jax.jit`, which returns arrays, an error",
    (ints(3, 9, 2), 5),
    (ints(3, 9, 2), 50),
)
def none_as_a_result(xs, limit):
    for x in xs:
        if x > limit:
            return x
    return None


class Account:
    def __init__(self, balance):
        self.balance = balance
        self.history = {"changes": 0}

    def change(self, by):
        if by > 0:
            self.balance += by
            self.history["changes"] += 1


@answer(
    TENSORFLOW,
    "Changes to Python objects are seen only where the assignment is written in the same function",
    "Seen wherever they are written: methods, functions called at any depth, through every name for the object",
    (3,),
    (-3,),
)
def changes_in_a_method(n):
    account = Account(10)
    same = account
    for i in range(n):
        account.change(i)
    return same.balance, same.history["changes"]


COUNT = 0


def count(by):
    global COUNT
    COUNT = COUNT + by


@answer(
    TENSORFLOW,
    "Globals that a called function changes are not seen",
    "Seen",
    (3,),
    (-3,),
)
def globals_changed_by_a_callee(x):
    global COUNT
    COUNT = 0
    if x > 0:
        count(x)
    result = COUNT
    COUNT = 0
    return result


@answer(
    TENSORFLOW,
    "A lambda defined before a loop and called after it sees the old value of a variable",
    "Sees the present one, as in Python",
    (3,),
)
def lambdas_see_the_present(n):
    total = 0
    read = lambda: total * 10  # noqa: E731
    for i in range(n):
        total += i
    return read()


@answer(
    TENSORFLOW,
    "Lists may not change their length in a staged loop",
    "May: the graph reports the room that they need, and the call is repeated once. Under `jax.jit`, give a capacity",
    (27,),
    (6,),
)
def a_list_grows(n):
    steps = []
    while n != 1:
        steps.append(n)
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    return steps, len(steps)


@answer(
    TENSORFLOW,
    "Dicts may not gain or lose keys in a staged conditional",
    "An error that says so: a graph cannot hold one form of two",
    (1,),
    error="other keys on one path",
)
def a_dict_gains_a_key(x):
    table = {"a": 1}
    if x > 0:
        table["b"] = 2
    return len(table)


@answer(
    TENSORFLOW,
    "Items with a key that is not a constant cannot be written",
    "Lists and arrays can, at a staged index; a dict with a staged key is an error",
    (5,),
)
def items_at_a_staged_index(n):
    counts = [0, 0, 0]
    for i in range(n):
        counts[i % 3] += i
    return counts


@answer(
    TENSORFLOW,
    "A guard does not protect `x[4]` where the shape is known: both branches are checked",
    "A shape that is known is a number of Python's, so Python takes one branch",
    (floats(1, 2, 3),),
    (floats(1, 2, 3, 4, 5),),
)
def a_guarded_item(x):
    if x.shape[0] > 4:
        return x[4]
    return x[0]


@answer(
    TENSORFLOW,
    "dtypes must agree over branches and iterations",
    "The least dtype that holds all of them is used (an `int` of one path becomes a float where another has one)",
    (3,),
    (0,),
)
def dtypes_differ(n):
    total = 0
    for i in range(n):
        total = total + i / 2
    return total * 1.0


@answer(
    TENSORFLOW,
    "Shapes must agree over iterations",
    "They must, but for scalars, which take the shape of the others; the error shows both shapes",
    (3,),
    error=r"float32\[2\].*float32\[4\]|float32\[1\].*float32\[2\]",
)
def shapes_differ(n):
    x = jnp.zeros(1)
    for _ in range(n):
        x = jnp.concatenate([x, x])
    return x


@answer(
    TENSORFLOW,
    "A staged condition may not `break`, `continue` or `return` out of a loop that Python runs",
    "May",
    (0,),
    (2,),
    (9,),
)
def a_staged_break_out_of_pythons_loop(x):
    for i in range(3):
        if x > i:
            continue
        if x == i:
            break
    else:
        return -1
    return i


@answer(
    TENSORFLOW,
    "`for ... else` and `while ... else` are not converted",
    "Converted",
    (ints(1, 3, 5), 3),
    (ints(1, 3, 5), 4),
)
def else_of_a_loop(xs, wanted):
    for x in xs:
        if x == wanted:
            found = 1
            break
    else:
        found = 0
    return found


@answer(
    TENSORFLOW,
    "Neither are walrus assignments, `match` and name-mangled attributes",
    "Converted",
    (3,),
    (0,),
    (-4,),
)
def walrus_and_match(x):
    if (y := x * 2) > 4:
        y += 1
    match y:
        case 0:
            return 100
        case -8:
            return 200
        case other:
            return other


@answer(
    TENSORFLOW,
    "Comprehensions over tensors are not converted",
    "Converted, with staged conditions too",
    (ints(3, 1, 2),),
)
def a_comprehension(xs):
    return [x * 2 for x in xs if x > 1], sum(x for x in xs if x % 2 == 1)


@answer(
    TENSORFLOW,
    "Custom exceptions with unusual constructors are replaced",
    "Raised in their own type, with their arguments and attributes, from the user's line",
    (3,),
    (-3,),
)
def an_unusual_exception(x):
    class Refused(Exception):
        def __init__(self, *, code):
            super().__init__(f"code {code}")
            self.code = code

    if x < 0:
        raise Refused(code=x)
    return x


@answer(
    TENSORFLOW,
    "An exception under a staged condition cannot be caught",
    "Reaches the `except` clause, also across calls, with its arguments; `finally` runs on each path",
    (3,),
    (30,),
)
def an_exception_is_caught(x):
    def checked(value):
        if value > 10:
            raise OverflowError("too large", value)
        return value

    try:
        return checked(x) + checked(x + 5)
    except OverflowError as error:
        return -error.args[1]


@answer(
    TENSORFLOW,
    "A Python `range` of 10,000 is unrolled",
    "A loop in the graph, if it works on staged values",
    (3,),
)
def a_long_range(x):
    for i in range(10_000):
        x = (x * 3 + i) % 1009
    return x


@answer(
    TENSORFLOW,
    "`len` of a symbolic tensor inside code that was not converted fails",
    "The length of an array is known; that of a list which the graph fills is staged, and not for code that is not "
    "converted",
    (ints(3, 1, 2),),
)
def the_length_of_an_array(xs):
    return len(xs) + max(len(xs), 2)


@answer(CATALYST, "`break` and `continue` are not supported", "Supported", (12,), (3,))
def break_and_continue(n):
    total = 0
    for i in range(n):
        if i == 7:
            break
        if i % 3 == 0:
            continue
        total += i
    return total


@answer(
    TENSORFLOW,
    "Variables that a local function closes over must exist before the loop, even if unused after it",
    "They need not; a nested function that reads one which has no value is Python's `NameError`",
    (3,),
    (0,),
)
def a_local_function_closes_over_a_late_variable(n):
    total = 0
    for i in range(n):
        step = i + 1

        def doubled():
            return step * 2

        total += doubled()
    return total


@answer(
    TENSORFLOW,
    "Nested lambdas with the same argument names on one line cannot be told apart",
    "They are, by the columns that their instructions cover",
    (3,),
    (-3,),
)
def lambdas_on_one_line(x):
    first, second = (lambda v: v + 1 if v > 0 else v - 1), (lambda v: v * 2 if v > 0 else v * 3)
    return first(x), second(x)


@answer(
    TENSORFLOW,
    "`best is None or x > best` over negative numbers gives 0.0 (seen, not documented)",
    "Python's result",
    (floats(-3, -1, -2),),
)
def the_best_of_negative_numbers(xs):
    best = None
    for x in xs:
        if best is None or x > best:
            best = x
    return best


@answer(
    TENSORFLOW,
    "`zip` and `enumerate` over tensors cannot be nested in some forms",
    "May be, in any order",
    (ints(3, 1, 2), ints(1, 1, 5)),
)
def zip_in_enumerate(xs, ys):
    total = 0
    for i, (x, y) in enumerate(zip(xs, ys)):
        if x > y:
            total += i * x
    return total


class Private:
    def __init__(self):
        self.__count = 0

    def bump(self, x):
        if x > 0:
            self.__count += x
        return self.__count


@answer(TENSORFLOW, "Name-mangled attributes are not converted", "Converted", (3,), (-3,))
def a_mangled_attribute(x):
    counter = Private()
    counter.bump(x)
    return counter.bump(x)


@answer(
    TENSORFLOW,
    "`exec` and `eval` code has no source, nor has native code",
    "Native code that needs the value is an error; so is a function of `exec`'s, by its name",
    (3,),
    error="concrete|host|value",
)
def native_code_needs_the_value(x):
    return chr(x)


class Pair:
    def __init__(self, value):
        self.value = value


@answer(
    TENSORFLOW,
    "An object that a staged condition chooses is changed in neither place",
    "It stays that object: all who hold it see the change",
    (3,),
    (-3,),
)
def a_chosen_object_changes(x):
    a, b = Pair(1), Pair(2)
    chosen = a if x > 0 else b
    chosen.value += 10
    return a.value, b.value


@answer(
    TENSORFLOW,
    "A list that a staged condition chooses is a copy",
    "A copy too; changing it while another of them can be seen is an error, and no silent difference",
    (3,),
    error="one of several",
)
def a_chosen_list_changes(x):
    a, b = [1], [2]
    chosen = a if x > 0 else b
    chosen[0] += 10
    return a[0], b[0]


@answer(
    CATALYST,
    "A new variable must be assigned in all branches",
    "Need not be; see the first row",
    (2,),
    (-2,),
)
def a_new_variable(x):
    if x > 0:
        y = x * 2
    if x > 1:
        return y
    return 0


@answer(CATALYST, "Types may not change between branches", "Promoted", (2,), (-2,))
def types_of_branches(x):
    y = 1.5 if x > 0 else x
    return y + 0.0


@answer(
    CATALYST,
    "Returned structures and shapes must match between branches",
    "Structures must, but for `None` and the lengths of lists; shapes must, but for scalars",
    (1, 4),
    (1, 0),
    (1, 1),
)
def as_many_roots_as_there_are(a, b):
    discriminant = b * b - 4 * a
    if discriminant < 0:
        return []
    if discriminant == 0:
        return [-b / (2 * a)]
    root = discriminant**0.5
    return [(-b + root) / (2 * a), (-b - root) / (2 * a)]


@answer(
    CATALYST,
    "Strings and other values that are no arrays cannot leave a branch",
    "The graph chooses; they can be compared, printed, called, used as keys and returned from `ag.function`",
    (2,),
    (-2,),
)
def a_string_from_a_branch(x):
    sign = "plus" if x > 0 else "minus"
    return sign, {"plus": 1, "minus": -1}[sign] * x


@answer(
    CATALYST,
    "Loops over Python lists that cannot become arrays are unrolled, with a warning",
    "Python's own loop, without one",
    (2,),
)
def a_loop_over_functions(x):
    for function in [abs, lambda v: v * 2, lambda v: v + 1]:
        x = function(x)
    return x


@answer(CATALYST, "`x and True`, with one operand that is Python's, fails", "Python's operators, lazily", (2,), (0,))
def a_static_operand(x):
    return 1 if (x > 1 and True) or (False and x > 5) else 0


@answer(
    CATALYST,
    "Logical operators are elementwise on arrays",
    "They ask for the truth of the whole, as Python's do; of an array of several items that is the same error",
    (floats(1, 2),),
    error="truth value of an array",
)
def the_truth_of_an_array(xs):
    return xs.sum() if xs > 0 and xs < 5 else 0.0


@answer(
    CATALYST,
    "Generated code lives in temporary files and shows in tracebacks",
    "Code keeps its file and lines; an exception's last line is the user's `raise`",
    (-1,),
    (1,),
)
def a_traceback_of_the_users(x):
    if x < 0:
        raise ValueError(x)
    return x


@answer(JAXIFY, "`for` and `while` are refused", "Converted", (10,), (3,))
def loops(n):
    total = 0
    for i in range(n):
        k = i
        while k > 0:
            total += k
            k -= 2
    return total


@answer(JAXIFY, "`match` on static values only", "On staged values too, with guards, sequences and classes", (2,), (7,))
def match_on_a_staged_value(x):
    match (x, x + 1):
        case (2, y):
            return y
        case (a, b) if a > 5:
            return a * b
    return 0


exec(compile("def code_without_source(x):\n    return x if x > 0 else -x", "<nowhere>", "exec"))


def run(entry: Entry, args: tuple[Any, ...]) -> tuple[Any, Any]:
    return observe(entry.program, Call(args)), observe(ag.function(entry.program), Call(args), staged=True)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if not e.error], ids=lambda entry: entry.name)
def test_what_another_converter_documents_as_a_limitation_gives_what_python_gives(entry: Entry) -> None:
    for args in entry.calls:
        plain, actual = run(entry, args)
        if plain.error is None:
            difference = staged_difference(plain, actual, rtol=1e-4, promotes=True)
        else:
            difference = raised_difference(plain, actual, rtol=1e-4)
        assert difference is None, f"{args}: {difference}"


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.error], ids=lambda entry: entry.name)
def test_what_a_graph_cannot_hold_is_an_error_that_says_so(entry: Entry) -> None:
    converted = [np.asarray(value) if isinstance(value, np.ndarray) else value for value in entry.calls[0]]
    with pytest.raises((ag.StagingError, ValueError, TypeError), match=entry.error):
        ag.function(entry.program)(*map(jnp.asarray, converted))


@pytest.mark.parametrize("entry", [e for e in ENTRIES if not e.error], ids=lambda entry: entry.name)
def test_the_answer_is_the_same_on_tensorflow(entry: Entry) -> None:
    if entry.name in ONLY_JAX:
        refused = on_tensorflow(entry.program, entry.calls[0])
        assert isinstance(refused.error, ag.StagingError)
        return
    for args in entry.calls:
        plain = observe(entry.program, Call(args))
        actual = on_tensorflow(entry.program, args)
        if plain.error is None:
            difference = staged_difference(plain, actual, rtol=1e-4, promotes=True)
        else:
            difference = raised_difference(plain, actual, rtol=1e-4)
        assert difference is None, f"{args}: {difference}"


ONLY_JAX = ("as_many_roots_as_there_are",)
"""What TensorFlow's graphs refuse: lists of several lengths, made on several paths, in one place."""


def on_tensorflow(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    value, error = None, None
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        try:
            value = staged(function)(*fresh(args))
        except Exception as raised:
            error = raised
    return Outcome(value, error, stream.getvalue(), None)


def test_code_without_source_is_refused_by_name() -> None:
    assert not linecache.getlines("<nowhere>")
    with pytest.raises(ag.ConversionError, match="code_without_source"):
        ag.convert(globals()["code_without_source"])


def page() -> str:
    lines = [
        "# What works, and what cannot",
        "",
        "<!-- Written by `python tests/test_limitations.py`; do not edit. -->",
        "",
        "Limitations that other converters document, and what this one does. Each row is a program in",
        "`tests/test_limitations.py`, which is compared with plain Python on JAX and on TensorFlow, or whose error is",
        "looked at.",
        "",
    ]
    for peer in dict.fromkeys(entry.peer for entry in ENTRIES):
        lines += [f"## {peer}", "", "| its limitation | here | program |", "| --- | --- | --- |"]
        for entry in ENTRIES:
            if entry.peer == peer:
                mark = "cannot: " if entry.error else ""
                lines.append(f"| {entry.limitation} | {mark}{entry.answer} | `{entry.name}` |")
        lines.append("")
    lines += [
        "## Also",
        "",
        "- Source has to be available: a function that `exec` made without one is a `ConversionError` by its name. The",
        "  interactive prompt and notebooks keep theirs.",
        "- An exception cannot leave a function that a transformation of JAX's has called (`jax.vmap`, `lax.scan`) for",
        "  an `except` clause outside of it, nor reach an `except*` clause: both are an `UnreachableHandlerError`.",
        "- `row = m[i]; row[j] = v` is refused while `m` is still in use: NumPy would change `m`. Write `m[i, j] = v`.",
        "- `x += y` on an array that others hold too: in a function that returns nothing, and for arrays that the",
        "  program makes with NumPy, it changes the array for all of them. Of any other array, one of JAX's and a",
        "  tensor get a new one, as without the converter; a call with arrays of NumPy's, which would change, is an",
        "  error. So is one that gives an array twice, as a whole or in part, to a function that changes it.",
        "- `x[i] = v` in a loop, where `x` is the same array as `y` or the caller's in the first iteration and another",
        "  one in later ones (`x = x + 1` at the end of the body), is an error.",
        "- On TensorFlow, lists of several lengths that several paths return are an error, as other structures are.",
        "- A `with` block whose context manager is a generator (`contextlib.contextmanager`) cannot be left by what",
        "  the graph raises, where an `except` clause waits: an `UnreachableHandlerError`. A class's `__exit__` runs.",
        "- A string with a staged value in it (an f-string) cannot leave a staged conditional or loop that makes it,",
        "  nor can a dict or list that holds itself; both are errors. Nor does a `Counter` gain a key on one path.",
        "- `math.sqrt` and the like give `nan` for a staged value outside of their domain, as JAX's do.",
        "",
    ]
    return "\n".join(lines)


def test_the_page_says_what_this_module_proves() -> None:
    assert PAGE.read_text() == page(), "run python tests/test_limitations.py"


if __name__ == "__main__":
    PAGE.write_text(page())

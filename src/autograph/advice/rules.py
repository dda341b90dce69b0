"""The rules by which a mistake is told from the exception that it led to, and what each advises.

A rule gets the exception and the user's expression, and gives a note or ``None``. The first that gives one counts. What
decides is the expression rather than the text of the exception wherever that is possible, since the same mistake ends
in other exceptions on other engines.
"""

from __future__ import annotations

import ast
import dis
import re
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from ..errors import ConversionError, StagingError, UnreachableHandlerError
from ..staging.calls import is_library, is_users_class
from ..staging.dispatch import is_own_file
from ..staging.formatting import MARK, marked_values
from ..staging.lists import TensorList
from ..staging.questions import question_before
from ..syntax.compiler import is_converted
from . import leaks
from .situation import MISSING, Situation
from .wording import WORDS, counterpart, host, static_argument

Rule = Callable[[Exception, Situation], str | None]

_RAISE = dis.opmap["RAISE_VARARGS"]


def advice(error: Exception, situation: Situation) -> str | None:
    """The note for ``error``."""
    parts = []
    reason = situation.why_not_converted()
    for rule in _RULES:
        found = rule(error, situation)
        if found is not None:
            parts.append(found)
            break
    if reason is not None:
        parts.append(f"{situation.function}() was run as it is, because {reason}")
    return "\n".join(filter(None, parts)) or None


# Parts of sentences.


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _subject(situation: Situation, within: ast.AST | None = None) -> str:
    """``n` is staged (int32[]): its value is known only when the graph runs.``"""
    found = situation.staged_names(within) or situation.staged_names()
    if not found:
        return f"`{situation.text}` is staged: its value is known only when the graph runs."
    names = _listed([name for name, _ in found])
    kinds = ", ".join(dict.fromkeys(situation.describe(value) for _, value in found))
    if len(found) == 1:
        return f"{names} is staged ({kinds}): its value is known only when the graph runs."
    return f"{names} are staged ({kinds}): their values are known only when the graph runs."


def _names(situation: Situation, within: ast.AST | None = None) -> list[str]:
    """What may be made static: the numbers among the staged values, if there are any."""
    found = situation.staged_names(within) or situation.staged_names()
    numbers = [(name, value) for name, value in found if getattr(value, "shape", None) == ()]
    return [name for name, _ in numbers or found]


def _make_static(situation: Situation, within: ast.AST | None = None) -> str:
    names = [name for name in _names(situation, within) if name.isidentifier()]
    them = _listed(names) if names else "the argument that it comes from"
    return f"make {them} static, {static_argument(names)}, which traces the function for each value"


def _calls(situation: Situation) -> list[ast.Call]:
    """The calls of the expression, from the outermost in."""
    return [] if situation.node is None else [n for n in ast.walk(situation.node) if isinstance(n, ast.Call)]


def _callee(call: ast.Call, situation: Situation) -> Any:
    return situation.value(call.func)


# Rules.


def _leaked(error: Exception, situation: Situation) -> str | None:
    return leaks.note(error, situation)


def _recursion(error: Exception, situation: Situation) -> str | None:
    return "" if isinstance(error, RecursionError) else None


def _text_of_staged(error: Exception, situation: Situation) -> str | None:
    """A string that was made of a staged value, where Python needs its digits."""
    found = MARK.search(str(error))
    if found is None:
        return None
    values, _ = marked_values(found[0])
    names = [name for name in map(situation.name_of, values) if name]
    whose = _listed(names) if names else "a staged value"
    kinds = ", ".join(situation.describe(value) for value in values)
    return (
        f"The text {found[0]!r} stands for the digits of {whose}{f' ({kinds})' if kinds else ''}, which are known only "
        "when the graph runs. print(), exceptions and assertions put them in by then; Python has to have them now, as "
        f"a key, a number or the name of a file. Make {whose} static, {static_argument(names)}, or do this on the "
        f"host: {host()}"
    )


def _slice(error: Exception, situation: Situation) -> str | None:
    node = situation.node
    if not isinstance(node, ast.Subscript):
        return None
    slices = [part for part in ast.walk(node.slice) if isinstance(part, ast.Slice)]
    bounds = [b for part in slices for b in (part.lower, part.upper, part.step) if situation.is_staged(b)]
    if not bounds:
        return None
    container, name = situation.value(node.value), ast.unparse(node.value)
    words = WORDS[situation.engine.name]
    subject = _subject(situation, bounds[0])
    static = _make_static(situation, bounds[0])
    if isinstance(container, list | tuple | str | bytes | range):
        kind = type(container).__name__ if type(container) is not TensorList else "list"
        return (
            f"{subject} It cannot be a bound of a slice of the {kind} `{name}`, whose length Python has to know. "
            f"Go through it with a loop that leaves with `break`, make an array of it ({words['array']}({name})), or "
            f"{static}"
        )
    assert bounds[0] is not None
    bound = ast.unparse(bounds[0])
    return (
        f"{subject} A slice that it bounds would have a size that the graph does not know. Take a piece of fixed size, "
        f"{words['piece'].format(array=name)}, keep all of `{name}` and mask the rest, "
        f"{words['where']}({words['arange']}(len({name})) < {bound}, {name}, 0), or {static}"
    )


def _hashing(error: Exception, situation: Situation) -> str | None:
    if not isinstance(error, TypeError) or "hash" not in str(error):
        return None
    node, words = situation.node, WORDS[situation.engine.name]
    static = _make_static(situation)
    if isinstance(node, ast.Subscript | ast.Assign | ast.AugAssign | ast.Delete | ast.Compare) or _is_call_of(
        situation, dict
    ):
        subscript = next((n for n in ast.walk(node) if isinstance(n, ast.Subscript)), None) if node else None
        key = subscript.slice if subscript is not None else None
        table = f" of `{ast.unparse(subscript.value)}`" if subscript is not None else ""
        return (
            f"{_subject(situation, key)} A dict finds a value by its key's hash, so it cannot be a key{table}. Where "
            f"the keys are numbers from 0, keep the values in an array, `values = {words['array']}([...])`, and write "
            f"`values[i]`; where they are few, decide with `if` and `elif`; otherwise {static}"
        )
    if isinstance(node, ast.Dict | ast.DictComp):
        return (
            f"{_subject(situation)} It has no hash, so it cannot be a key of a dict. Use keys that Python knows, keep "
            f"the values in an array that the number indexes, or {static}"
        )
    if isinstance(node, ast.Set | ast.SetComp) or _is_call_of(situation, set):
        return (
            f"{_subject(situation)} It has no hash, so no set can hold it. Keep a list or an array and compare "
            f"({words['any']}(seen == x)), an array of booleans with one for each possible number, or {static}"
        )
    return (
        f"{_subject(situation)} It has no hash: what needs one, a dict, a set, hash() or a cache such as "
        f"functools.lru_cache, cannot take it. Leave out the cache (what is traced runs once anyway), or {static}"
    )


def _is_call_of(situation: Situation, kind: type) -> bool:
    for call in _calls(situation):
        function = _callee(call, situation)
        if function is kind or isinstance(getattr(function, "__self__", None), kind):
            return True
        if isinstance(call.func, ast.Attribute) and isinstance(situation.value(call.func.value), kind):
            return True
    return False


def _indexing(error: Exception, situation: Situation) -> str | None:
    node = situation.node
    if not isinstance(node, ast.Subscript) or not situation.is_staged(node.slice):
        return None
    if any(isinstance(part, ast.Slice) for part in ast.walk(node.slice)):
        return None
    container, name = situation.value(node.value), ast.unparse(node.value)
    words = WORDS[situation.engine.name]
    if isinstance(container, str | bytes):
        return (
            f"{_subject(situation, node.slice)} It cannot index the string `{name}`: a graph holds numbers. Use an "
            f"array of the characters' codes ({words['array']}(list({name}.encode()))), or "
            f"{_make_static(situation, node.slice)}"
        )
    if isinstance(container, list | tuple):
        kinds = list(dict.fromkeys(situation.describe(item) for item in container))
        return (
            f"{_subject(situation, node.slice)} Which item of `{name}` it means is decided by the graph, so its items "
            f"have to be of one type and shape, and they are {', '.join(kinds[:4])}. Give them one (pad the shorter "
            f"ones), decide with `if` and `elif`, or {_make_static(situation, node.slice)}"
        )
    return None


_NO_LENGTH = re.compile(
    r"len\(\) of unsized|has no len\(\)|0-d|unsized object|not iterable|scalar tensor|"
    r"cannot unpack"
)


def _no_length(error: Exception, situation: Situation) -> str | None:
    if not isinstance(error, TypeError) or _NO_LENGTH.search(str(error)) is None:
        return None
    found = [(name, value) for name, value in situation.staged_names() if getattr(value, "shape", None) == ()]
    if not found:
        return None
    name, value = found[0]
    words = WORDS[situation.engine.name]
    is_length = "len" in str(error) or "unsized" in str(error)
    return (
        f"`{name}` is a scalar ({situation.describe(value)}): it has no {'length' if is_length else 'items'}. To count "
        f"up to it write `range({name})`, to treat it as an array of one item {words['reshape']}({name}, (1,))"
        + (f"; the size of an array's first axis is `{name}.shape[0]`" if is_length else "")
    )


def _repeated(error: Exception, situation: Situation) -> str | None:
    node = situation.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult) or not isinstance(error, TypeError):
        return None
    for held, count in ((node.left, node.right), (node.right, node.left)):
        value = situation.value(held)
        is_sequence = isinstance(held, ast.List | ast.Tuple | ast.JoinedStr) or isinstance(value, list | tuple | str)
        if is_sequence and situation.is_staged(count) and not situation.is_staged(held):
            return (
                f"{_subject(situation, count)} A list cannot be repeated as often as the graph says. Write a loop that "
                f"appends, `for _ in range({ast.unparse(count)}): items.append(...)`, or "
                f"{_make_static(situation, count)}"
            )
    return None


_SHAPE = re.compile(
    r"[Ss]hapes? must be|concrete values of integer|as a shape|to a TensorShape|Dimension value|"
    r"[Ss]hape.*integer"
)
_SHAPED = {"zeros", "ones", "empty", "full", "eye", "identity", "arange", "linspace", "reshape", "broadcast_to", "tile"}


def _shape(error: Exception, situation: Situation) -> str | None:
    calls = _calls(situation)
    names = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)}
    if _SHAPE.search(str(error)) is None and not (names & _SHAPED and isinstance(error, TypeError)):
        return None
    if not situation.staged_names():
        return None
    words = WORDS[situation.engine.name]
    name = _names(situation)[0]
    return (
        f"{_subject(situation)} A shape has to be known when the graph is built. {_capital(_make_static(situation))}; "
        f"or take a shape that is always large enough and mask what is too much, "
        f"{words['where']}({words['arange']}(size) < {name}, ..., 0)"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _numpy(error: Exception, situation: Situation) -> str | None:
    if is_raised_here(situation):
        return None
    for call in _calls(situation):
        function = _callee(call, situation)
        if function is MISSING or not _is_numpys(function):
            continue
        name = ast.unparse(call.func)
        subject = _subject(situation, call)
        if ".random" in str(getattr(function, "__module__", "")) or ".random." in f".{name}":
            random = WORDS[situation.engine.name]["random"]
            return (
                f"{subject} `{name}` draws its numbers while the graph is built, once and for all calls. Draw them in "
                f"the graph, with {random}, or hand them in as an argument"
            )
        own = counterpart(situation.engine.name, function)
        if own is not None:
            return (
                f"{subject} `{name}` is NumPy's and needs the numbers themselves. {own} does the same in the graph; "
                f"write that"
            )
        return (
            f"{subject} `{name}` is NumPy's and needs the numbers themselves, and the engine has no function of that "
            f"name. Run it on the host while the graph runs: {host('a spec or an example of the result')}"
        )
    return None


def _is_numpys(function: Any) -> bool:
    owner = getattr(function, "__self__", None)
    kinds = (function, type(function), *((type(owner),) if owner is not None else ()))
    return any(str(getattr(kind, "__module__", "")).partition(".")[0] == "numpy" for kind in kinds)


_METHODS = {"item", "numpy", "tolist", "eval", "tobytes"}


def _reading(error: Exception, situation: Situation) -> str | None:
    """``x.item()`` and its like, which take a value out of the graph."""
    node = situation.node
    attributes = [n for n in ast.walk(node) if isinstance(n, ast.Attribute)] if node is not None else []
    for attribute in attributes:
        if attribute.attr in _METHODS and situation.is_staged(attribute.value):
            owner = ast.unparse(attribute.value)
            return (
                f"{_subject(situation, attribute.value)} `.{attribute.attr}()` asks for it now. In the graph use "
                f"`{owner}` as it is; return it to see it outside, or print() it; what needs the number itself runs on "
                f"the host: {host()}"
            )
    return None


_AMBIGUOUS = "truth value of"


def _ambiguous(error: Exception, situation: Situation) -> str | None:
    if not isinstance(error, ValueError) or _AMBIGUOUS not in str(error):
        return None
    node = situation.node
    test = getattr(node, "test", node)
    text = ast.unparse(test) if isinstance(test, ast.expr) else situation.text
    kinds = [f"`{name}` is {situation.describe(value)}" for name, value in situation.staged_names(test)]
    words = WORDS[situation.engine.name]
    return (
        f"{', '.join(kinds) or f'`{text}` is an array'}, and an array of several items is neither true nor false. "
        f"Write {words['all']}({text}) or {words['any']}({text}) for one decision, or {words['where']}({text}, a, b) "
        "to decide for each item"
    )


def _truth(error: Exception, situation: Situation) -> str | None:
    """Control flow of code that was not converted, or that is not Python's."""
    name = type(error).__name__
    if name not in ("TracerBoolConversionError", "OperatorNotAllowedInGraphError"):
        return None
    if is_converted(situation.frame.f_code) and _native_call(situation) is not None:
        return None
    return (
        f"{_subject(situation)} `{situation.text}` asks Python whether it is true, in code that is not converted. Move "
        f"it into a function that is: no generator, no code without source"
    )


def _native_call(situation: Situation) -> tuple[ast.Call, Any] | None:
    """The innermost call of something that is not converted and gets something staged."""
    for call in reversed(_calls(situation)):
        function = _callee(call, situation)
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if function is not MISSING and _is_native(function) and any(map(situation.is_staged, arguments)):
            return call, function
    return None


def _is_native(function: Any) -> bool:
    if isinstance(function, BuiltinFunctionType):
        return True
    if isinstance(function, type):
        return function.__module__ in sys.stdlib_module_names or not is_users_class(function)
    if isinstance(function, MethodType):
        return _is_native(function.__func__)
    if isinstance(function, FunctionType):
        return is_library(function.__code__.co_filename) and not is_own_file(function.__code__.co_filename)
    return True


def _native(error: Exception, situation: Situation) -> str | None:
    """A number is asked for by native code, or by a library."""
    if is_raised_here(situation):
        return None
    found = _native_call(situation)
    if found is None:
        return None
    call, function = found
    module = str(getattr(function, "__module__", "")).partition(".")[0]
    if module in ("jax", "tensorflow", "keras", "flax", "optax", "equinox"):
        return None
    name, subject = ast.unparse(call.func), _subject(situation, call)
    if module == "random" or type(getattr(function, "__self__", None)).__name__ == "Random":
        random = WORDS[situation.engine.name]["random"]
        return (
            f"{subject} `{name}` draws a number while the graph is built, once and for all calls, and needs to know "
            f"its bounds. Draw it in the graph, with {random}, or {_make_static(situation, call)}"
        )
    if isinstance(function, type) and function.__name__ in ("int", "float", "complex", "bool", "bytes", "bytearray"):
        what = f"`{name}` makes an object of Python's, and"
    elif isinstance(function, FunctionType | MethodType):
        what = f"`{name}` belongs to a library and is run as it is; it"
    else:
        what = f"`{name}` is native code; it"
    return (
        f"{subject} {what} needs the value itself, while the graph is built. Run it on the host when the graph runs, "
        f"in a function with {host('a spec or an example of the result')}; use a function of the framework's; or "
        f"{_make_static(situation, call)}"
    )


def _stored(error: Exception, situation: Situation) -> str | None:
    """A staged value put into an array of objects."""
    node = situation.node
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if not isinstance(target, ast.Subscript) or not situation.is_staged(node):
        return None
    container, name = situation.value(target.value), ast.unparse(target.value)
    if type(container).__module__ != "numpy" or str(getattr(container, "dtype", "")) != "object":
        return None
    return (
        f"{_subject(situation, node)} `{name}` is an array of objects, which no graph can hold. Use a list or a dict "
        f"for objects (what a converted function puts into those is seen), or an array of numbers, "
        f"{WORDS[situation.engine.name]['array']}(...)"
    )


def is_raised_here(situation: Situation) -> bool:
    """Whether the user's own ``raise`` or ``assert`` statement raised the exception."""
    code = situation.frame.f_code
    return situation.traceback.tb_next is None and code.co_code[situation.traceback.tb_lasti] == _RAISE


def _question(error: Exception, situation: Situation) -> str | None:
    """The program raised this itself, after ``isinstance`` had said no of a staged value."""
    found = question_before(situation.frame) if is_raised_here(situation) else None
    if found is None:
        return None
    words = WORDS[situation.engine.name]
    name = f"`{found.name}`" if found.name else "a staged value"
    return (
        f"isinstance({found.name or '...'}, {found.kinds}) was False on line {found.line}: {name} is staged "
        f"({found.description}), which is {words['kind']} and no {found.kinds}. Ask for what it is instead, "
        f"isinstance(x, {words['class']}) or {words['dtype']}, or {_static_of(found.name)}"
    )


def _static_of(name: str | None) -> str:
    return f"make it static, {static_argument([name] if name else [])}"


def _own(error: Exception, situation: Situation) -> str | None:
    """Errors of this package say themselves what to do."""
    return "" if isinstance(error, StagingError | ConversionError | UnreachableHandlerError) else None


def _empty_stack(error: Exception, situation: Situation) -> str | None:
    if not isinstance(error, ValueError) or "need at least one element to stack" not in str(error):
        return None
    return (
        f"`{situation.text}` is of an empty list, and nothing says what an element would be. Say it where the list is "
        f"made, ag.set_element_type(items, dtype, shape), or see to it that the list holds something"
    )


_UNKNOWN_LENGTH = re.compile(r"gone through by Python here|length of this sequence")


def _collecting(error: Exception, situation: Situation) -> str | None:
    """A dict or set (or a call of Python's) made of as many items as the graph says."""
    if not isinstance(error, StagingError) or _UNKNOWN_LENGTH.search(str(error)) is None:
        return None
    # Python 3.13 says where what it goes through stands, and not where the whole.
    around = (part for tree in (situation.node, situation.line()) if tree is not None for part in ast.walk(tree))
    made = next((part for part in around if isinstance(part, ast.DictComp | ast.SetComp)), None)
    what = "" if made is None else "dict" if isinstance(made, ast.DictComp) else "set"
    text = situation.text if made is None else ast.unparse(made)
    return (
        f"{_subject(situation)} So is the number of items that `{text}` has, and Python has to know it"
        f"{f' to make a {what}' if what else ''}. A list can grow in the graph: collect the items with `[... for ...]` "
        f"or append(), or {_make_static(situation)}"
    )


def _types_of_names(error: Exception, situation: Situation) -> str | None:
    """For any other mistake: what the names in the expression are."""
    if is_raised_here(situation) or not isinstance(
        error, TypeError | ValueError | AttributeError | IndexError | KeyError | NotImplementedError | ArithmeticError
    ):
        return None
    found = situation.staged_names()
    if not found:
        return None
    kinds = ", ".join(f"`{name}` is {situation.describe(value)}" for name, value in found)
    return f"In `{situation.text}`, staged: {kinds}"


_RULES: tuple[Rule, ...] = (
    _leaked,
    _recursion,
    _empty_stack,
    _collecting,
    _indexing,
    _own,
    _text_of_staged,
    _slice,
    _hashing,
    _ambiguous,
    _no_length,
    _repeated,
    _stored,
    _reading,
    _shape,
    _numpy,
    _truth,
    _native,
    _question,
    _types_of_names,
)

__all__ = ["advice"]

"""What a graph decides that no array can hold: strings, functions, enumeration members, ``None``, and lists."""

from __future__ import annotations

import enum
import linecache

import jax
import jax.numpy as jnp
import pytest

import autograph as ag


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def describe(x):
    kind = "even" if x % 2 == 0 else "odd"
    print(f"{x} is {kind:>5}|", kind)
    if kind == "even":
        factor = 1
    else:
        factor = {"odd": 3, "even": 5}[kind]
    return kind, factor * x, kind in ("odd", "none")


def machine(x):
    state, steps = "start", 0
    while state != "done":
        match state:
            case "start":
                state = "run" if x > 0 else "done"
            case "run":
                x -= 1
                if x <= 0:
                    state = "done"
        steps += 1
    return steps, x


def chosen_function(x):
    function = jnp.sin if x > 0 else jnp.cos
    return function(x)


def chosen_member(x):
    color = Color.RED if x > 1 else Color.BLUE
    return color, color is Color.RED, color == Color.BLUE


@pytest.mark.parametrize(
    ("program", "argument"),
    [(describe, 3), (describe, 4), (machine, 4), (machine, 0), (chosen_function, 0.5), (chosen_function, -0.5)]
    + [(chosen_member, 2), (chosen_member, 0)],
)
def test_a_choice_is_what_python_would_have_chosen(program, argument, capsys):
    expected = program(argument)
    printed = capsys.readouterr().out
    result = ag.function(program)(argument)
    assert capsys.readouterr().out == printed
    if not isinstance(expected, tuple):
        expected, result = (expected,), (result,)
    assert all(a == pytest.approx(b) if isinstance(a, float) else a == b for a, b in zip(expected, result, strict=True))


def test_a_choice_cannot_leave_a_foreign_jit():
    with pytest.raises(ag.StagingError, match="cannot leave the graph here"):
        jax.jit(ag.convert(lambda x: "yes" if x > 0 else "no"))(1)


def test_what_a_choice_cannot_do_is_an_error_that_names_the_options():
    def length(x):
        word = "yes" if x > 0 else "no"
        return word + "!"

    with pytest.raises(ag.StagingError, match=r"'yes', 'no'"):
        ag.function(length)(1)


def test_a_result_holds_what_python_would_have_returned():
    @ag.function
    def report(x):
        items = []
        for i in range(20):
            if i * i > x:
                break
            items.append(i)
        return {"name": "report", "items": items, "last": items[-1] if x > 0 else None, "sign": "+" if x > 0 else "-"}

    result = report(10)
    assert (result["name"], result["sign"], int(result["last"])) == ("report", "+", 3)
    assert type(result["items"]) is list
    assert [int(item) for item in result["items"]] == [0, 1, 2, 3]
    assert report(-1)["last"] is None
    assert report(-1)["items"] == []


def test_the_best_so_far_may_start_as_none():
    def best_of(xs):
        best = None
        for x in xs:
            if best is None or x > best:
                best = x
        return best

    assert int(ag.function(best_of)(jnp.array([-5, -2, -9]))) == -2
    assert ag.function(best_of)(jnp.zeros(0)) is None


def test_none_used_as_a_number_is_the_error_that_python_raises():
    @ag.function
    def add_one(x):
        y = x if x > 0 else None
        return y + 1

    assert int(add_one(2)) == 3
    with pytest.raises(TypeError, match="NoneType"):
        add_one(-2)


@pytest.mark.parametrize("count", [30, 200])
def test_many_early_returns_neither_nest_without_end_nor_lose_their_order(count):
    lines = ["def pick(x):\n"]
    for i in range(count):
        lines.append(f"    if x == {i}:\n        return {3 * i}\n    y = x + {i}\n")
    lines.append("    return -y\n")
    name = f"<early returns {count}>"
    linecache.cache[name] = (sum(map(len, lines)), None, "".join(lines).splitlines(True), name)
    namespace: dict = {}
    exec(compile("".join(lines), name, "exec"), namespace)
    pick = namespace["pick"]
    converted = ag.convert(pick)
    assert [converted(i) for i in range(-1, count + 2)] == [pick(i) for i in range(-1, count + 2)]
    if count == 30:
        staged = jax.jit(converted)
        assert [int(staged(i)) for i in (-1, 0, 7, 25, 29, 31)] == [pick(i) for i in (-1, 0, 7, 25, 29, 31)]


def test_an_exception_out_of_deep_recursion_is_not_slowed_down_by_its_traceback():
    def descend(n):
        if n == 0:
            raise ValueError("bottom")
        return descend(n - 1)

    with pytest.raises(ValueError, match="bottom") as caught:
        ag.convert(descend)(250)
    # One entry for each call, and none of this package's.
    names = [entry.name for entry in caught.traceback if entry.name == "descend"]
    assert 250 < len(names) < 520
    assert not any("autograph" in str(entry.path) and "tests" not in str(entry.path) for entry in caught.traceback)

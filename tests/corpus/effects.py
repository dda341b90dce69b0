"""`print`, `assert` and `raise` under staged conditions and in staged loops."""

from dataclasses import dataclass

from corpus import floats, ints, program, raises


class OutOfRange(ValueError):
    pass


@program((3,), (-3,))
def print_a_value(x):
    print("x is", x)
    return x


@program((3,), (-3,))
def print_in_both_branches(x):
    if x > 0:
        print("positive", x)
    else:
        print("negative", -x)
    return x


@program((3,), (-3,))
def print_text_in_a_branch(x):
    if x > 0:
        print("positive")
    return x


@program((4,), (0,))
def print_in_a_loop(n):
    for i in range(n):
        print(i, i * i)
    return n


@program((10,), (1,))
def print_in_a_while_loop(n):
    while n > 0:
        print("n =", n)
        n //= 2
    print("end", n)
    return n


@program((5,), (2,))
def print_in_nested_loops(n):
    for i in range(n):
        for j in range(i):
            if (i + j) % 2 == 1:
                print(i, j)
        print("row", i)


@program((floats(0.5, 1.5),))
def print_items_of_an_array(xs):
    total = 0.0
    for x in xs:
        total += x
        print("total:", total)
    return total


@program((ints(1, 2, 3),), (floats(0.5, 1.0),), (ints([1, 2], [3, 4]),))
def print_an_array(xs):
    print(xs)
    print("twice", xs * 2, xs.sum())


@program((True,), (False,))
def print_a_bool(flag):
    print(flag, not flag)
    if not flag:
        print("off")


@program((3,), (-4,))
def print_with_separators(x):
    print(x, x + 1, x + 2, sep=", ", end=";\n")
    print(x, end=" ")
    print(x * 2)
    print("a", x, sep="=")


@program((3,), (-3,))
def print_structures(x):
    print((x, x + 1), [x])
    print({"x": x})


@program((2,), (-2,))
def print_formatted(x):
    print(f"x = {x}, twice {x * 2}")
    if x > 0:
        print(f"positive: {x:>5}")


@program((2.0,), (0.125,))
def print_a_formatted_float(x):
    print(f"{x:.3f} and {x * x:8.2e}")
    print("%d percent of %.1f" % (50, x))
    print("half: {}".format(x / 2))


@program((3,), (-3,))
def print_in_a_function(x):
    def report(name, value):
        if value > 0:
            print(name, "up", value)
        else:
            print(name, "down", value)

    report("x", x)
    report("y", -x)
    for i in range(x):
        report("i", i)


@program((3, "loss"), (3, "gain"), static=("name",))
def print_of_python_text_and_staged(x, name):
    print(f"{name}:", x)
    return x


@program((12,), (3,))
def print_before_a_break(n):
    for i in range(n):
        if i > 5:
            print("stop at", i)
            break
        if i % 2 == 0:
            continue
        print("odd", i)


@program((7,), (2,), (200,))
def print_before_a_return(x):
    for i in range(10):
        print("trying", i)
        if i * i > x:
            print("found", i)
            return i
    return -1


@program((3,), (-3,))
def print_in_a_ternary(x):
    def noted(name, value):
        print(name, value)
        return value

    return noted("left", x) if x > 0 else noted("right", -x)


@program((3, 4), (-3, 4), (-3, -4))
def print_in_short_circuit(x, y):
    def positive(name, value):
        print("testing", name, value)
        return value > 0

    if positive("x", x) or positive("y", y):
        return 1
    return 0


@program((3,), raises(-3), raises(0))
def assert_with_a_message(x):
    assert x > 0, "x must be positive"
    return x * 2


@program((3,), raises(-3))
def assert_without_a_message(x):
    assert x > 0
    return x * 2


@program((3,), raises(-3))
def assert_with_a_formatted_message(x):
    assert x > 0, f"x must be positive, but is {x}"
    return x


@program((3,), raises(-3))
def assert_with_a_tuple(x):
    assert x > 0, ("x", 1)
    return x


@program((3,), raises(7))
def assert_in_a_loop(n):
    total = 0
    for i in range(n):
        assert i < 5, "too many rounds"
        total += i
    return total


@program((3,), (-20,), raises(-3))
def assert_in_a_branch(x):
    if x < 0:
        assert x < -10, "small negative numbers are not allowed"
        x = -x
    return x


@program((floats(1, 2),), raises(floats(1, -2)))
def assert_over_an_array(xs):
    assert (xs > 0).all(), "all must be positive"
    return xs.sum()


@program((4,), raises(3))
def assert_after_prints(x):
    print("before", x)
    assert x % 2 == 0, "x must be even"
    print("after", x)
    return x


@program((3,), raises(-3))
def raise_in_a_branch(x):
    if x < 0:
        raise ValueError("x must not be negative")
    return x


@program((3,), raises(-3), raises(30))
def raise_of_several_types(x):
    if x < 0:
        raise ValueError("too small")
    elif x > 10:
        raise OverflowError("too large")
    else:
        y = x + 1
    return y


@program((3,), raises(-3))
def raise_of_a_class(x):
    if x < 0:
        raise ValueError
    return x


@program((3,), raises(-3))
def raise_of_a_user_class(x):
    if x < 0:
        raise OutOfRange("below zero")
    return x


@program((3,), raises(-3))
def raise_with_a_formatted_message(x):
    if x < 0:
        raise ValueError(f"bad value {x}")
    return x


@program((3,), raises(-3))
def raise_from_a_cause(x):
    if x < 0:
        raise ValueError("wrapped") from KeyError("cause")
    return x


@program((3,), raises(9))
def raise_in_a_loop(n):
    total = 0
    for i in range(n):
        if i == 6:
            raise IndexError("six")
        total += i
    return total


@program((16,), raises(0), raises(12))
def raise_in_a_function(n):
    def exact_log2(k):
        if k <= 0:
            raise ValueError("positive numbers only")
        power = 0
        while k > 1:
            if k % 2 == 1:
                raise ArithmeticError("not a power of two")
            k //= 2
            power += 1
        return power

    return exact_log2(n)


@program((ints(3, 1), 1), raises(ints(3, 1), 7))
def raise_when_nothing_is_found(xs, wanted):
    for i in range(len(xs)):
        if xs[i] == wanted:
            return i
    raise LookupError("no such item")


@program((3,), raises(-3), raises(0))
def raise_in_each_other_branch(x):
    if x > 0:
        return x
    elif x == 0:
        raise ZeroDivisionError("zero")
    raise ValueError("negative")


@program(raises(3), raises(-3))
def raise_always(x):
    if x > 0:
        raise ValueError("positive")
    else:
        raise ValueError("not positive")


@program(raises(3, 1), (3, 0), static=("level",))
def raise_decided_by_python(x, level):
    if level > 0:
        raise NotImplementedError("level 0 only")
    return x


@program((3,), raises(0))
def raise_through_calls(x):
    def inner(v):
        assert v != 0, "inner needs a non-zero number"
        return 12 // v

    def outer(v):
        return inner(v) + 1

    return outer(x) * outer(x + 1)


@program((2,), raises(6))
def first_failure_wins(x):
    assert x != 6, "first"
    assert x % 2 == 0 and x < 5, "second"
    return x


@program((3,), retrace=True)
def print_plain_text_while_tracing(x):
    print("tracing")
    print("shape", (1, 2), None)
    return x + 1


@program((5,), (0,))
def list_and_print(n):
    history = [0, 0]
    for i in range(n):
        history = [history[1], i]
        print(history[0], history[1])
    return history


class Shown:
    def __init__(self, *parts):
        self.parts = parts

    def __repr__(self):
        return f"Shown({', '.join(map(str, self.parts))})"

    def __str__(self):
        if self.parts[0] > 3:
            return f"large {self.parts[0]}"
        return "small"


@dataclass
class Priced:
    name: str
    price: object


@program((2,), (5,))
def objects_are_printed_by_their_own_methods(x):
    item, part = Priced("pen", x * 2), Shown(7, x)
    print(part, repr(part), item, sep=" | ")
    print(f"{part!r:>20}|{x!r:>4}|{x!s:<4}|{item}|{part:}")
    if x > 3:
        item.price = x
        print("in", item, str(part))
    label = f"x={x}"
    print(f"{label:>8}|{label!r:^10}", item)
    return x

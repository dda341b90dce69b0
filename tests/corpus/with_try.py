"""`with` and `try` around staged code and inside it."""

import contextlib

import jax

from corpus import floats, ints, program, raises


class Section:
    """A context that notes when it is entered and left."""

    def __init__(self, log, name, swallow=()):
        self.log = log
        self.name = name
        self.swallow = swallow

    def __enter__(self):
        self.log.append(f"enter {self.name}")
        return self

    def __exit__(self, kind, error, traceback):
        self.log.append(f"leave {self.name}")
        return kind is not None and issubclass(kind, self.swallow)


@program((3,), (-3,))
def with_around_if(x):
    log = []
    with Section(log, "a"):
        if x > 0:
            x *= 2
        else:
            x = -x
    return x, len(log)


@program((3,), (0,))
def with_around_a_loop(n):
    log = []
    total = 0
    with Section(log, "outer"), Section(log, "inner") as inner:
        for i in range(n):
            total += i
        log.append(inner.name)
    return total, log.index("inner"), log[-1] == "leave outer"


@program((5,), (2,))
def with_inside_a_loop(n):
    total = 0
    for i in range(n):
        with jax.named_scope("body"):
            if i % 2 == 0:
                total += i
    return total


@program((3,), (-3,))
def with_inside_a_branch(x):
    if x > 0:
        with jax.named_scope("positive"):
            y = x * 2
    else:
        with jax.named_scope("negative"), jax.default_matmul_precision("highest"):
            y = -x
    return y


@program((3,), (-3,))
def return_inside_with(x):
    log = []

    def value():
        with Section(log, "a"):
            if x > 0:
                return x * 10
            x_squared = x * x
            return x_squared

    return value(), len(log)


@program((10,), (3,))
def break_inside_with(n):
    total = 0
    for i in range(n):
        with jax.named_scope("body"):
            if i > 4:
                break
            if i % 2 == 1:
                continue
            total += i
    return total


@program((4,), (-4,))
def with_that_swallows(x):
    log = []
    if x > 0:
        y = x
    else:
        y = 0
    with Section(log, "risky", swallow=(KeyError,)):
        y += {"a": 1}["b"]
    return y, len(log)


@program((4,), (-4,))
def exit_stack(x):
    log = []
    with contextlib.ExitStack() as stack:
        for name in ("a", "b"):
            stack.enter_context(Section(log, name))
        stack.callback(log.append, "callback")
        if x > 0:
            x += 1
    return x, log.index("callback"), log.index("leave b"), log.index("leave a")


@program((4,), (-4,))
def suppressed(x):
    with contextlib.suppress(ZeroDivisionError):
        if x > 0:
            x += 1
        x += 1 // 0
        x = 1000
    return x


@program((3,), (-3,))
def try_finally_around_if(x):
    y = 0
    try:
        if x > 0:
            y = x
        else:
            y = -x * 2
    finally:
        y += 100
    return y


@program((3,), (-3,))
def return_in_try_with_finally(x):
    log = []

    def value():
        try:
            if x > 0:
                return x
            return -x * 2
        finally:
            log.append("done")

    return value(), len(log)


@program((3, "a"), (-3, "a"), (3, "b"), static=("key",))
def try_except_of_python_errors(x, key):
    table = {"a": 10}
    try:
        y = table[key]
        if x > 0:
            y += x
    except KeyError:
        y = -x
    else:
        y *= 2
    return y


@program((3,), (-3,))
def exception_variable(x):
    try:
        raise ValueError(1, 2)
    except ValueError as error:
        y = len(error.args)
        if x > 0:
            y += x
    return y


@program((5,), (0,))
def try_inside_a_loop(n):
    total = 0
    for i in range(n):
        try:
            total += i
            if i % 2 == 0:
                total += 10
        finally:
            total += 100
    return total


@program((3,), (-3,))
def try_inside_a_branch(x):
    table = {"visited": False}
    if x > 0:
        try:
            y = table["missing"]
        except KeyError:
            y = x
    else:
        try:
            y = x * x
        finally:
            table["visited"] = True
    return y


@program((12,), (3,))
def break_and_continue_in_try(n):
    total = 0
    rounds = 0
    for i in range(n):
        try:
            if i == 7:
                break
            if i % 3 == 0:
                continue
            total += i
        finally:
            rounds += 1
    return total, rounds


@program((8,), (2,))
def return_in_try_in_a_loop(n):
    k = 0
    while True:
        try:
            if k * k > n:
                return k
            if k > 3:
                return -1
        finally:
            k += 1


@program((3,), (-3,))
def raised_in_a_staged_branch_and_caught(x):
    try:
        if x < 0:
            raise ValueError("negative")
        y = x * 2
    except ValueError:
        y = 0
    return y


@program((3,), (20,))
def raised_in_a_function_and_caught(x):
    def checked(value):
        if value > 10:
            raise OverflowError(f"too large")
        return value + 1

    try:
        result = checked(x)
    except OverflowError:
        result = -1
    return result


@program((6,), (3,))
def raised_in_a_staged_loop_and_caught(n):
    total = 0
    try:
        for i in range(n):
            if i == 4:
                raise StopIteration
            total += i
    except StopIteration:
        total = -total
    return total


@program((3,), raises(-3))
def with_around_an_assertion(x):
    with jax.named_scope("checks"):
        assert x > 0, "positive numbers only"
        y = x * 2
    return y


@program((3,), raises(-3))
def raised_through_finally(x):
    y = 1
    try:
        if x < 0:
            raise ValueError("negative")
        y = x
    finally:
        y += 1
    return y


@program((3,), raises(-3))
def reraised(x):
    try:
        if x < 0:
            raise ValueError("negative")
        return x
    except ValueError:
        raise
    except KeyError:
        return 0


@program((floats(1, 2, 3), "sum"), (floats(1, 2, 3), "max"), (floats(1, 2, 3), "mode"), static=("method",))
def attribute_error_as_a_fallback(xs, method):
    try:
        reduce = getattr(xs, method)
    except AttributeError:
        result = 0.0
        for x in xs:
            if x > result:
                result = x
        return -result
    return reduce()


@program((ints(1, 2, 3), 5), (ints(1, 2, 3), 2))
def nested_try(xs, wanted):
    steps = 0
    found = -1
    try:
        try:
            for x in xs:
                if x == wanted:
                    found = x * 10
        finally:
            steps += 1
            {}["missing"]
    except KeyError:
        steps += 10
    return found, steps


@program((9,), (0,))
def items_at_staged_places_are_changed_under_a_try(n):
    a = [1, 2, 3, 4]
    total = 0
    try:
        for i in range(n):
            a[i % 4] += 1
            total += a[(i * i) % 4]
    except ZeroDivisionError:
        total = -1
    return a, total


@program((1,), (2,), (5,))
def a_list_in_a_dict_is_changed_under_a_try(n):
    found = {"x": 1, "y": [1, 2]}
    try:
        found["y"][n - 1] = 7
        found["x"] += found["y"][0]
    except IndexError:
        found["x"] = 0
    return found["x"], found["y"]

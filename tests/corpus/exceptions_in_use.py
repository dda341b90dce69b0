"""Exceptions as programs use them: validation, retries, cleaning up, running out of items."""

from corpus import floats, ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


class Rejected(ValueError):
    def __init__(self, what, *, limit):
        super().__init__(what, limit)
        self.what = what
        self.limit = limit

    def __str__(self):
        return f"{self.what} exceeds {self.limit}"


def validated(x, limit):
    if x > limit:
        raise Rejected(x, limit=limit)
    return x


@program((3, 10), raises(30, 10))
def a_custom_exception_leaves(x, limit):
    return validated(x, limit) * 2


@program((3, 10), (30, 10))
def its_attributes_are_read(x, limit):
    try:
        return validated(x, limit)
    except Rejected as error:
        return error.what - error.limit * 100


class Resource:
    def __init__(self):
        self.open = 0
        self.closed = 0

    def __enter__(self):
        self.open += 1
        return self

    def __exit__(self, kind, error, traceback):
        self.closed += 1
        return False


class Guard:
    def __init__(self):
        self.caught = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None and issubclass(kind, ValueError):
            self.caught += 1
            return True
        return False


@program((3,), (30,))
def a_resource_is_closed_when_the_block_raises(x):
    r = Resource()
    try:
        with r:
            y = validated(x, 10)
    except Rejected:
        y = -1
    return y, r.open, r.closed


@program((3,), raises(30))
def a_resource_in_a_function_that_raises(x):
    r = Resource()
    with r:
        y = validated(x, 10)
    return y, r.closed


@program((3,), (30,))
def a_guard_swallows(x):
    guard = Guard()
    y = 0
    with guard:
        y = validated(x, 10)
        y += 1
    return y, guard.caught


@program((ints(5, 1, 20, 3),), (ints(5, 1, 2, 3),))
def bad_items_are_counted(xs):
    bad = 0
    total = 0
    for x in xs:
        try:
            total += validated(x, 10)
        except Rejected:
            bad += 1
        else:
            total += 100
        finally:
            total += 1
    return bad, total


@program((3,), (9,))
def retries_with_a_smaller_step(x):
    step = 8
    tries = 0
    while True:
        tries += 1
        try:
            result = validated(x + step, 12)
        except Rejected:
            step = step // 2
            if step == 0:
                return -1, tries
            continue
        break
    return result, tries


@program((2,), (9,))
def next_until_it_stops(limit):
    it = iter([1, 2, 3, 4])
    total = 0
    while True:
        try:
            v = next(it)
        except StopIteration:
            break
        if v > limit:
            break
        total += v
    return total


@program((0,), (4,))
def division_guarded_by_a_raise(d):
    try:
        if d == 0:
            raise ZeroDivisionError("d")
        return 12 // d
    except ZeroDivisionError as error:
        return -len(error.args)


@program((4,), raises(0))
def an_assertion_then_a_division(d):
    assert d != 0, "d must not be zero"
    return 12 // d


@program((1,), (5,), raises(50))
def translated_into_another_exception(x):
    try:
        y = validated(x, 3)
    except Rejected as error:
        if error.what > 10:
            raise RuntimeError("far too large") from error
        y = 3
    return y


class Journal:
    def __init__(self):
        self.lines = []
        self.level = 0

    def run(self, x):
        self.level += 1
        try:
            self.lines.append(x)
            return validated(x, 5)
        finally:
            self.level -= 1


@program((2, 9), (2, 3))
def state_of_an_object_after_finally(a, b):
    journal = Journal()
    total = 0
    for k in range(2):
        try:
            total += journal.run(a if k == 0 else b)
        except Rejected as error:
            total -= error.what
    return total, journal.level, len(journal.lines)


@program((3,), (30,))
def nested_with_and_the_order_of_exits(x):
    a, b = Resource(), Guard()
    with b:
        with a:
            validated(x, 10)
            a.open += 10
        a.open += 100
    return a.open, a.closed, b.caught


@program((1.0,), (3.0,), (6.0,), jit=False, why="a list whose length the graph decides")
def a_list_that_shrinks_and_grows_where_an_exception_may_pass(x):
    items = [1.0, x]
    try:
        if x > 2:
            items.pop()
        items.append(items.pop() + 1 if len(items) > 0 else 0.0)
        if x > 5:
            raise ValueError("large")
        items[-1] = items[-1] * 2
    except ValueError:
        items.append(-1.0)
    return items, len(items)


@program((4, 9), (7, 2), (8, 1))
def a_list_is_read_behind_a_value_that_may_be_none(x, y):
    items, best = [], None
    for _ in range(x % 4):
        best = None if y > 3 else x
    try:
        for _ in range(3):
            items.append(x)
        if best is not None and best > 1:
            raise ValueError(y)
    except ValueError as error:
        items.append(error.args[0])
    total = 0
    for item in items:
        total = total * 3 + item
    return total

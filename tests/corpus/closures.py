"""Nested functions that share variables with staged code: counters, callbacks, late binding, defaults."""

from corpus import floats, ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


def counter(start):
    count = start

    def increase(by=1):
        nonlocal count
        if by > 0:
            count += by
        return count

    def reset():
        nonlocal count
        count = 0

    return increase, reset


@program((3,), (-3,))
def a_counter_made_by_another_function(x):
    increase, reset = counter(10)
    increase()
    increase(x)
    if x < 0:
        reset()
    for i in range(3):
        increase(i * x)
    return increase(0)


@program((3,), (-3,))
def a_lambda_sees_what_a_branch_assigns(x):
    scale = 1
    f = lambda v: v * scale
    before = f(x)
    if x > 0:
        scale = 10
    return before, f(x)


@program((4,), (0,))
def lambdas_of_a_loop_bind_late_and_early(n):
    late = []
    early = []
    for i in range(3):
        late.append(lambda v: v + i * n)
        early.append(lambda v, i=i: v + i * n)
    return [f(1) for f in late], [f(1) for f in early]


@program((floats(1, 2, 3), 2.0), (floats(1, 2, 3), 0.5))
def a_callback_collects(xs, limit):
    seen = {"count": 0, "total": 0.0}

    def on(x):
        if x > limit:
            seen["count"] += 1
            seen["total"] += x

    def walk(items, callback):
        for item in items:
            callback(item)

    walk(xs, on)
    return seen["count"], seen["total"]


@program((5,), (12,))
def recursion_with_a_static_depth(x):
    trace = 0

    def search(depth, v):
        nonlocal trace
        if depth == 0:
            return v
        if v > 10:
            trace += 1
            return search(depth - 1, v // 2)
        return search(depth - 1, v * 3)

    return search(3, x), trace


@program((2,), (-2,))
def a_function_defined_inside_a_loop(x):
    total = 0
    for i in range(4):
        def add(v):
            nonlocal total
            total += v * i
        if x > 0:
            add(x)
        else:
            add(1)
    return total


@program((3,), (-3,))
def a_decorator_with_state(x):
    calls = 0

    def counted(f):
        def inner(v):
            nonlocal calls
            calls += 1
            return f(v) if v > 0 else 0
        return inner

    @counted
    def twice(v):
        return v * 2

    return twice(x) + twice(-x) + twice(x + 1), calls


@program((6,), (1,))
def defined_after_the_loop_that_it_describes(n):
    low = high = n
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        low, high = min(low, n), max(high, n)

    def spread():
        return high - low

    result = spread()
    low = 0
    return result, spread()


@program((1.0, 0.1), (-1.0, 0.3))
def a_step_function_with_shared_state(x, rate):
    velocity = 0.0

    def step():
        nonlocal velocity, x
        gradient = 2 * x if abs(x) > 0.5 else x
        velocity = 0.9 * velocity - rate * gradient
        x += velocity

    for _ in range(5):
        step()
    return x, velocity


@program((3,), raises(-3), jit=False, why=NOT_AN_ARRAY)
def a_free_variable_that_is_not_there_yet(x):
    def read():
        return later + 1

    if x > 0:
        later = x
    return read()


@program((4,), (-4,))
def a_default_argument_is_evaluated_once(x):
    base = 1

    def f(v, base=base):
        return v + base

    if x > 0:
        base = 100
    return f(x), base

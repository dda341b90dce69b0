"""Functions: nested, lambdas, closures, defaults, variadic arguments, and recursion with a static bound."""

import asyncio
import functools
import operator

import jax.numpy as jnp

from corpus import call, floats, ints, program

SCALE = 3
THRESHOLDS = (0, 10)
running_total = 0
step_count = 0


def relu(x):
    if x > 0:
        return x
    return 0 * x


def clamp(x, low=0, high=10):
    if x < low:
        return low
    if x > high:
        return high
    return x


@program((3,), (-3,))
def calls_a_function(x):
    return relu(x) + relu(-x) * 10


@program((30,), (-3,), (5,))
def calls_with_defaults(x):
    return clamp(x), clamp(x, 4), clamp(x, high=20), clamp(low=-1, x=x)


@program(call(5), call(3), call(5, limit=3), call(5, limit=3, scale=10))
def keyword_arguments(x, limit=4, *, scale=1):
    if x > limit:
        x = limit
    return x * scale


@program((2, 3), (-2, 3))
def nested_function(a, b):
    def distance(u, v):
        if u > v:
            return u - v
        return v - u

    return distance(a, b) + distance(b * 2, a)


@program((4,), (1,))
def nested_function_reads_a_closure(n):
    offset = n * 2

    def shifted(k):
        if k > offset:
            return k - offset
        return offset - k

    total = 0
    for k in range(12):
        total += shifted(k) * k
    return total


@program((4,), (-4,))
def closure_sees_later_changes(x):
    factor = 1

    def scaled(y):
        return y * factor

    first = scaled(x)
    if x > 0:
        factor = 10
    else:
        factor = 100
    return first, scaled(x)


@program((5,), (0,))
def nonlocal_counter(n):
    count = 0

    def increment(by):
        nonlocal count
        if by > 2:
            count += 10
        else:
            count += by

    for i in range(n):
        increment(i)
    return count


@program((3,), (-3,))
def nonlocal_in_a_branch(x):
    state = 0
    calls = 0

    def update(value):
        nonlocal state, calls
        calls += 1
        state = state * 2 + value

    if x > 0:
        update(x)
        update(1)
    else:
        update(7)
    return state, calls


@program((4,), (7,))
def nonlocal_through_two_levels(n):
    total = 0

    def outer(k):
        def inner(j):
            nonlocal total
            if j % 2 == 0:
                total += j

        for j in range(k):
            inner(j)

    for k in range(n):
        outer(k)
    return total


def add_to_global(value):
    global running_total, step_count
    running_total += value
    if value > 1:
        step_count += 1


@program((5,), (0,))
def global_written(n):
    global running_total, step_count
    running_total = 0
    step_count = 0
    for i in range(n):
        add_to_global(i)
    result = running_total, step_count
    running_total = step_count = 0
    return result


@program((3,), (-3,))
def global_written_in_a_branch(x):
    global running_total
    running_total = 1
    if x > 0:
        running_total = x
    result = running_total
    running_total = 0
    return result


@program((5,), (50,), (-5,))
def globals_read(x):
    if THRESHOLDS[0] < x < THRESHOLDS[1]:
        return x * SCALE
    return SCALE


@program((3, 5), (5, 3))
def lambdas(a, b):
    larger = lambda x, y: x if x > y else y
    return larger(a, b) * 10 + (lambda x: -x if x < 4 else x)(a)


@program((3,), (-3,))
def several_lambdas_on_a_line(x):
    f, g, h = lambda v: v if v > 0 else -v, lambda v: v * 2 if v > 0 else v * 3, lambda v: v + 1
    return f(x), g(x), h(x)


@program((3,), (-3,))
def multi_line_lambda(x):
    choose = (
        lambda v: (
            v * 10
            if v > 0
            else -v
        )
    )
    return choose(x)


@program((3, 4), (4, 3))
def lambda_in_call_arguments(a, b):
    def apply(function, *args):
        return function(*args)

    return (
        apply(lambda x: x if x > 3 else 0, a),
        apply(lambda x, y: x if x > y else y, a, b),
        apply(
            lambda x: (
                x + 1
                if x > 3
                else x - 1
            ),
            b,
        ),
    )


@program((4,), (-4,))
def lambda_with_defaults(x):
    scale = 2
    f = lambda v, k=scale, *rest, flip=False: (-v if flip else v) * k if v > 0 else len(rest)
    scale = 100
    return f(x), f(x, 5), f(x, 5, 6, 7, flip=True)


@program((5,), (2,))
def lambda_captures_the_loop_variable(x):
    late = [lambda v: v + k for k in range(3)]
    early = [lambda v, k=k: v + k for k in range(3)]
    total = 0
    for f, g in zip(late, early):
        if x > 3:
            total = total * 10 + f(x)
        else:
            total = total * 10 + g(x)
    return total


@program((1, 2, 3), (-1, -2, -3))
def variadic(*numbers):
    best = numbers[0]
    for number in numbers[1:]:
        if number > best:
            best = number
    return best


@program(call(2, a=3, b=4), call(-2, a=3, b=4))
def variadic_keywords(x, **options):
    total = 0
    for name, value in sorted(options.items()):
        if x > 0:
            total = total * 10 + value
        else:
            total -= value * len(name)
    return total


@program((1, 2, 3), (-1, 2, 3))
def unpacked_in_calls(a, b, c):
    def combine(x, y=0, *args, scale=1, **rest):
        total = x + y * 2
        for arg in args:
            total += arg * 3
        if x > 0:
            total *= scale
        return total + len(rest)

    return combine(*(a, b, c), scale=2), combine(a, *[b], **{"scale": 5, "extra": 1}), combine(**{"x": a})


def power(x, n):
    if n == 0:
        return 1
    half = power(x, n // 2)
    if n % 2 == 0:
        return half * half
    return half * half * x


@program((3, 5), (2, 10), (-2, 3), static=("n",))
def recursion_with_a_static_bound(x, n):
    return power(x, n)


def ackermann_like(depth, x):
    if depth == 0:
        return x + 1
    if x > 3:
        return ackermann_like(depth - 1, x - 2)
    return ackermann_like(depth - 1, x * 2)


@program((3, 2), (3, 9), static=("depth",))
def recursion_in_staged_branches(depth, x):
    return ackermann_like(depth, x)


@program((4, 10), (5, 10), static=("n",))
def mutual_recursion(n, x):
    def even(k, value):
        if k == 0:
            return value
        return odd(k - 1, value + 1 if value > 12 else value * 2)

    def odd(k, value):
        if k == 0:
            return -value
        return even(k - 1, value - 3)

    return even(n, x)


@program((floats(1, 2, 3, 4),), (floats(8, 7, 6, 5),))
def recursion_over_shapes(xs):
    def tree_max(values):
        if len(values) == 1:
            return values[0]
        middle = len(values) // 2
        left, right = tree_max(values[:middle]), tree_max(values[middle:])
        if left > right:
            return left
        return right

    return tree_max(xs)


@program((3,), (-3,))
def function_as_an_argument(x):
    def twice(function, value):
        return function(function(value))

    def step(value):
        if value > 0:
            return value - 2
        return value + 5

    return twice(step, x), twice(relu, x)


@program((3,), (-3,))
def function_returned(x):
    def make(k):
        def scaled(value):
            if value > 0:
                return value * k
            return value - k

        return scaled

    return make(2)(x), make(10)(x)


@program((5, True), (5, False), static=("squared",))
def function_chosen_by_python(x, squared):
    def square(v):
        return v * v

    def bounded(v):
        return v if v < 4 else 4

    function = square if squared else bounded
    return function(x)


@program((5,), (-5,))
def functions_in_a_table(x):
    table = {
        "clip": lambda v: v if v > 0 else 0,
        "negate": lambda v: -v,
        "step": lambda v: 1 if v > 0 else -1,
    }
    total = 0
    for name in ("clip", "negate", "step"):
        total = total * 10 + table[name](x)
    return total


@program((5,), (-5,))
def default_is_evaluated_once(x):
    count = []

    def initial():
        count.append(1)
        return 7

    def shifted(v, by=initial()):
        if v > 0:
            return v + by
        return v - by

    return shifted(x), shifted(x, 1), shifted(x), len(count)


@program((3,), (9,))
def cached_python_function(x):
    @functools.lru_cache
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    total = 0
    for i in range(10):
        if i < x:
            total += fibonacci(10)
        else:
            total -= fibonacci(5)
    return total


@program((2, 3), (3, 2))
def reduce_with_a_converted_function(a, b):
    def larger(x, y):
        if x > y:
            return x
        return y

    return functools.reduce(larger, [a, b, 0, a + b], -1), functools.reduce(operator.mul, (a, b))


@program((ints(1, 2, 3),), (ints(1, 0),))
def docstring_and_name_survive(xs):
    def helper(value: int, *, by: int = 2) -> int:
        """Double."""
        if value.sum() > 3:
            return value * by
        return value

    described = helper.__name__ == "helper" and helper.__doc__ == "Double." and helper.__kwdefaults__ == {"by": 2}
    return helper(xs), described, len(helper.__annotations__)


@program((4,), (-4,))
def generator_and_async_functions_are_called(x):
    def halves(value):
        while value > 1:
            yield value
            value //= 2

    async def double(value):
        await asyncio.sleep(0)
        return value * 2

    total = sum(halves(20))
    if x > 0:
        total += x
    return total, asyncio.run(double(x))


@program((3,), (-3,))
def immediately_defined_and_called(x):
    if x > 0:

        def inner(v):
            return v * 2

        y = inner(x)
    else:

        def inner(v):
            return v - 100

        y = inner(x)
    return y


@program((4,), (0,))
def function_defined_in_a_loop(n):
    total = 0
    for i in range(n):

        def contribution(j):
            if j > i:
                return j
            return i

        total += contribution(2)
    return total


@program((2.0,), (-2.0,))
def positional_only_parameters(x):
    def slope(value, /, bias, *, gain=1.0):
        if value > bias:
            return gain * value
        return bias

    return slope(x, 0.0), slope(x, bias=1.0, gain=3.0)


@program((floats(1, -1),), (floats(-3, 1),))
def currying(xs):
    def threshold(limit):
        return lambda scale: lambda v: v * scale if v.sum() > limit else v / scale

    return threshold(-1.0)(10.0)(xs)


@program((3, 4), (-3, 4))
def method_of_a_builtin_as_a_function(x, y):
    items = []
    add = items.append
    for value in (x, y, x * y):
        add(value if value > 0 else 0)
    return items


@program((3,), (-3,))
def starred_parameters_are_passed_on(x):
    def inner(*args, **kwargs):
        if args[0] > 0:
            return args[0] + kwargs["k"]
        return -args[0]

    def outer(*args, **kwargs):
        return inner(*args, **kwargs) * 2

    return outer(x, k=5)


@program((jnp.array([3, 1, 2]),))
def inner_function_shadows_a_global(xs):
    def relu(value):
        return value * 2 if value.max() > 2 else value

    return relu(xs)

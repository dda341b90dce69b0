"""Decorators, `functools.partial` and `functools.wraps`, and other wrappers of functions."""

import contextlib
import functools

from corpus import floats, ints, program

import autograph as ag


def doubled(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        if result > 10:
            return result
        return result * 2

    return wrapper


def limited(low, high):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(x):
            if x < low:
                x = low
            elif x > high:
                x = high
            return function(x)

        return wrapper

    return decorate


def counted(function):
    function.calls = 0

    def wrapper(*args):
        function.calls += 1
        return function(*args)

    wrapper.counted = function
    return wrapper


@doubled
def shifted(x):
    if x > 0:
        return x + 1
    return x - 1


@limited(0, 5)
@doubled
def squared(x):
    if x % 2 == 0:
        return x * x
    return x


@program((3,), (20,), (-3,))
def wrapped_function(x):
    return shifted(x), squared(x)


@program((3,), (-3,))
def wraps_keeps_the_name(x):
    return shifted(x), shifted.__name__ == "shifted", squared.__wrapped__.__name__ == "squared"


@program((3,), (20,))
def decorated_inner_function(x):
    @doubled
    @limited(1, 8)
    def triple(v):
        if v > 4:
            return v * 3
        return v

    return triple(x)


@program((4,), (-4,))
def decorator_with_state(x):
    @counted
    def negate(v):
        if v > 0:
            return -v
        return v

    total = negate(x) + negate(-x) + negate(2)
    return total, negate.counted.calls


@program((4, 1), (-4, 1))
def partial_positional(x, y):
    def combine(a, b, c):
        if c > 0:
            return a * 100 + b * 10 + c
        return a + b + c

    return functools.partial(combine, 1, y)(x)


@program((4,), (40,))
def partial_keywords(x):
    def clamp(value, low, high):
        if value < low:
            return low
        if value > high:
            return high
        return value

    to_ten = functools.partial(clamp, low=0, high=10)
    return to_ten(x), to_ten(x, high=20), functools.partial(to_ten, low=7)(x)


@program((ints(3, -1, 2),))
def partial_in_map(xs):
    def scale(factor, value):
        if value < 0:
            return 0
        return factor * value

    total = 0
    for y in map(functools.partial(scale, 3), xs):
        total = total * 10 + y
    return total


class Scaler:
    def __init__(self, factor):
        self.factor = factor

    @doubled
    def scale(self, x):
        if x < 0:
            return self.factor
        return x * self.factor

    @functools.singledispatchmethod
    def apply(self, x):
        return -1

    @apply.register
    def _(self, x: list):
        total = 0
        for item in x:
            if item > 0:
                total += item * self.factor
        return total

    half = functools.partialmethod(scale, 5)


@program((4,), (-4,))
def decorated_method(x):
    scaler = Scaler(3)
    return scaler.scale(x), scaler.half()


@program((4,), (-4,))
def single_dispatch(x):
    return Scaler(3).apply([x, 2]), Scaler(3).apply("text")


@program((4, 5), (50, 5))
def partial_of_a_method(x, y):
    scaler = Scaler(y)
    scale = functools.partial(scaler.scale, x)
    return scale()


@ag.do_not_convert
def left_alone(x, scale):
    total = 0
    for k in range(scale):
        total = total + k * x
    return total


@program((3, 4), (-3, 4), static=("scale",))
def function_that_is_not_converted(x, scale):
    y = left_alone(x, scale)
    if y > 0:
        y += 1
    return y


@ag.convert
def converted_by_itself(x):
    if x > 0:
        return x * 2
    return -x


@program((3,), (-3,))
def function_already_converted(x):
    if x > 1:
        return converted_by_itself(x) + 1
    return converted_by_itself(x)


@program((3,), (-3,))
def composition(x):
    def compose(*functions):
        def composed(value):
            for function in reversed(functions):
                value = function(value)
            return value

        return composed

    return compose(lambda v: v + 1 if v > 0 else v, lambda v: -v, abs, shifted)(x)


@contextlib.contextmanager
def noted(log, name):
    log.append(name)
    yield len(log)
    log.append("end of " + name)


@program((3,), (-3,))
def context_manager_as_a_decorator(x):
    log = []

    @noted(log, "double")
    def double(v):
        if v > 0:
            return v * 2
        return v

    return double(x), len(log)


@program((floats(1, 2, 3), 2.0))
def decorated_with_arguments_in_a_loop(xs, limit):
    @limited(0.0, 2.5)
    def soften(x):
        if x > limit:
            return limit + (x - limit) / 2
        return x

    total = 0.0
    for x in xs:
        total += soften(x)
    return total

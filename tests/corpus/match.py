"""`match` with each kind of pattern, with guards, on plain structure that holds staged values."""

from collections import namedtuple
from dataclasses import dataclass

from corpus import floats, ints, program

Pair = namedtuple("Pair", "left right")


@dataclass
class Circle:
    radius: float


@dataclass
class Rectangle:
    width: float
    height: float


class Codes:
    OK = 200
    MISSING = 404


@program((0,), (1,), (7,))
def literals(n):
    match n:
        case 0:
            result = 10
        case 1:
            result = 20
        case _:
            result = 30
    return result


@program((-1,), (0,), (4,), (1,))
def literals_without_a_default(n):
    result = 5
    match n:
        case -1:
            result = 6
        case 0:
            result = 7
    return result


@program((1,), (6,), (5,), (9,))
def alternatives(day):
    match day:
        case 0 | 6:
            return 2
        case 1 | 2 | 3 | 4 | 5:
            return 1
        case _:
            return 0


@program((5,), (-5,), (0,))
def capture_with_a_guard(x):
    match x:
        case n if n > 0:
            return n * 2
        case n if n < 0:
            return -n
        case n:
            return n + 100


@program((0, 0), (3, 0), (0, 4), (3, 4))
def sequence(x, y):
    match (x, y):
        case (0, 0):
            return 0
        case (a, 0):
            return a
        case (0, b):
            return b * 10
        case (a, b):
            return a + b * 10


@program((3, 3), (3, 4))
def sequence_with_a_guard(x, y):
    match x, y:
        case a, b if a == b:
            return 1
        case _:
            return 0


@program(([1, 2, 3, 4],), ([9, 2],), ([5],))
def starred_sequence(items):
    match items:
        case [first, second]:
            return first * second
        case [first, *rest]:
            return first + 10 * len(rest)


@program(([0, 1, 2],), ([5, 1, 2],))
def starred_in_the_middle(items):
    match items:
        case [0, *middle, last]:
            return len(middle) + last
        case [first, *_]:
            return first


@program(({"kind": 1, "size": 5},), ({"kind": 2, "size": 5, "depth": 3},), ({"kind": 9},))
def mapping(record):
    match record:
        case {"kind": 1, "size": size}:
            return size
        case {"kind": 2, "size": size, "depth": depth}:
            return size * depth
        case _:
            return -1


@program(({"a": 1, "b": 2, "c": 3},), ({"b": 2},))
def mapping_with_a_rest(record):
    match record:
        case {"a": a, **rest}:
            return a, rest["b"] * rest["c"], len(rest)
    return 0, 0, 0


def area_of(shape):
    match shape:
        case Circle(radius=0):
            return 0.0
        case Circle(radius=r):
            return 3.0 * r * r
        case Rectangle(width=w, height=h) if w == h:
            return w * w * 1.0
        case Rectangle(w, h):
            return 1.0 * w * h


@program((2.0, 3.0), (0.0, 3.0), (2.0, 2.0))
def classes(x, y):
    return area_of(Circle(x)) + area_of(Rectangle(x, y))


@program((1, 2), (2, 2), (0, 5))
def named_tuples(left, right):
    match Pair(left, right):
        case Pair(left=0):
            return -1
        case Pair(a, b) if a == b:
            return a
        case Pair(a, b):
            return a * 10 + b


@program((200,), (404,), (500,))
def values_by_name(status):
    match status:
        case Codes.OK:
            return 0
        case Codes.MISSING:
            return 1
        case _:
            return 2


@program((3,), (4,), (11,))
def named_alternatives(n):
    match n:
        case (1 | 2 | 3) as small:
            return small
        case (4 | 5) as middle:
            return middle * 10
        case other:
            return other * 100


@program((1, 2, 3), (1, 0, 3), (0, 2, 3))
def nested_sequences(a, b, c):
    match (a, (b, c)):
        case (0, _):
            return 0
        case (x, (0, y)):
            return x + y
        case (x, (y, z)):
            return x * y * z


@program((5, "int"), (5, "float"), (5, "other"), static=("kind",))
def strings_decided_by_python(x, kind):
    match kind:
        case "int":
            return x
        case "float":
            return x / 2
        case _:
            return -x


@program((4,), (-4,), (0,))
def match_in_a_loop(start):
    total = 0
    for i in range(5):
        match start + i:
            case 0:
                total += 100
            case 1 | 2:
                total += 10
            case n if n > 6:
                break
            case _:
                total += 1
    return total


@program((ints(0, 1, 1, 2, 0),))
def state_machine(symbols):
    state = 0
    for symbol in symbols:
        match (state, symbol):
            case (0, 1):
                state = 1
            case (1, 1):
                state = 2
            case (2, 2):
                state = 3
            case (3, _):
                state = 3
            case _:
                state = 0
    return state


@program((3,), (-3,), (0,))
def match_around_if(x):
    match x:
        case 0:
            y = 1
        case n:
            if n > 0:
                y = n
            else:
                y = n * n
    return y


@program((1.5,), (0.0,), (-2.5,))
def float_literals(x):
    match x:
        case 0.0:
            return 0.0
        case 1.5:
            return 15.0
        case _:
            return x * 2


@program((True, 4), (False, 4), (None, 4))
def singletons(flag, x):
    match flag, x:
        case (None, _):
            return 0
        case (_, y):
            return y if flag else -y


@program((floats(1, 2), 1), (floats(1, 2), 0))
def arrays_captured(xs, mode):
    match mode, xs:
        case 0, ys:
            return ys.sum()
        case _, ys:
            return ys.max() * 10


@program(([1, [2, 3]],), ([0, [2, 3]],), ([1, [0, 3]],))
def pattern_binds_before_the_guard_fails(tree):
    match tree:
        case [a, [b, c]] if a > 0 and b > 0:
            return a + b + c
        case [a, [b, c]]:
            return -(a + b + c)


@program((7, 2), (8, 0), (9, 1), (5, 5), (5, 2), (9, 2))
def calculator(x, operation):
    match operation:
        case 0:
            return x + 1
        case 1:
            return x * x
        case 2 if x > 5:
            return x - 5
        case 2 | 3:
            return 0
    return -1


@program(("up",), ("left",), ("spin",), staged=False, why="strings only")
def commands(word):
    match word:
        case "up" | "down" as direction:
            return f"vertical {direction}"
        case str(direction) if direction in {"left", "right"}:
            return f"horizontal {direction}"
        case _:
            return "unknown"

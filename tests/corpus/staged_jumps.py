"""Python's own loops, left and continued by staged conditions."""

from corpus import bools, floats, ints, program, raises


@program((3,), (30,), (0,))
def break_out_of_a_static_range(t):
    total = 0
    for i in range(6):
        if total > t:
            break
        total += i
    return total, i


@program((2,), (7,), (-1,))
def nested_loops_and_a_flag(t):
    found = False
    steps = 0
    for i in range(4):
        for j in range(4):
            steps += 1
            if i * j > t:
                found = True
                break
        if found:
            break
    return i, j, steps, found


def double(v):
    return v * 2


def square(v):
    return v * v


@program((3, 10), (1, 10), (3, 1000))
def a_list_of_functions_until_it_is_enough(x, limit):
    for f in [double, square, double, square]:
        if x > limit:
            break
        x = f(x)
    else:
        x = -x
    return x


@program((2,), (5,), (9,))
def return_from_a_loop_over_tuples(x):
    for low, high, rate in [(0, 3, 10), (3, 6, 20), (6, 8, 30)]:
        if low <= x < high:
            return rate * x
    return -1


@program(({"a": 1, "b": 5, "c": 9}, 4), ({"a": 1, "b": 5, "c": 9}, 40))
def the_first_entry_of_a_dict_above(table, limit):
    result = 0
    for name, value in table.items():
        if value <= limit:
            continue
        result = value * (2 if name == "b" else 3)
        break
    return result


@program((3,), (0,))
def comprehension_with_conditions(x):
    xs = [1, 2, 3, 4]
    return sum([v * x for v in xs if v > x]), any(v == x for v in xs), all(v > x for v in xs)


@program((floats(1, 2, 3), floats(3, 2, 1)), (floats(1, 2, 3), floats(1, 2, 3)))
def zip_until_they_differ(a, b):
    same = 0
    for x, y in zip(a, b):
        if x != y:
            break
        same += 1
    return same


@program((100.0,), (2.0,), (0.0,))
def newton_with_a_tolerance(a):
    x = 1.0
    for k in range(20):
        new = 0.5 * (x + a / x)
        if abs(new - x) < 1e-6:
            break
        x = new
    return x, k


@program((5,), (1,), (2,))
def while_true_with_two_exits(n):
    count = 0
    while True:
        if n % 2 == 0:
            n = n // 2
        else:
            n = n * 3 + 1
        count += 1
        if n == 1:
            return count
        if count >= 4:
            break
    return -n


@program((ints(3, 0, 2), 3), (ints(0, 0, 0), 3))
def continue_skips_the_rest_of_a_nested_body(xs, n):
    out = 0
    for i in range(n):
        for x in xs:
            if x == 0:
                continue
            if x > i + 1:
                break
            out += x * 10**i
        else:
            out += 1
    return out

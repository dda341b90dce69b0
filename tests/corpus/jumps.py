"""`break`, `continue` and `return` at any depth: loops in branches in loops, and the `else` of loops."""

from corpus import floats, ints, program


@program((10,), (3,), (0,))
def break_in_while(n):
    total = 0
    while n > 0:
        if total > 15:
            break
        total += n
        n -= 1
    return total, n


@program((10,), (1,))
def continue_in_while(n):
    total = 0
    while n > 0:
        n -= 1
        if n % 3 == 0:
            continue
        total += n
    return total


@program((10,), (4,), (0,))
def break_in_for(n):
    total = 0
    for i in range(n):
        if i == 5:
            break
        total += i
    return total, n


@program((10,), (2,))
def continue_in_for(n):
    total = 0
    for i in range(n):
        if i % 2 == 0:
            continue
        total += i
    return total


@program((20,), (7,))
def break_and_continue(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        if i > 13:
            break
        total += i
    return total


@program((20,), (3,), (1,))
def jumps_in_both_branches(n):
    kept = skipped = 0
    while True:
        n -= 1
        if n < 0:
            break
        elif n % 4 == 1:
            skipped += 1
            continue
        else:
            kept += n
    return kept, skipped


@program((6,), (2,))
def break_of_the_inner_loop(n):
    total = 0
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            total += i * 10 + j
        total += 1000
    return total


@program((6,), (2,))
def continue_of_the_outer_loop(n):
    total = 0
    for i in range(n):
        if i % 2 == 1:
            continue
        for j in range(i):
            if j == 2:
                continue
            total += j + 1
    return total


@program((9,), (30,), (49,))
def break_of_both_loops(target):
    found_i = found_j = -1
    found = False
    for i in range(7):
        for j in range(7):
            if i * j == target and i > 1:
                found_i, found_j = i, j
                found = True
                break
        if found:
            break
    return found_i, found_j


@program((30,), (2,), (1,))
def primes_below(n):
    count = last = 0
    for k in range(2, n):
        d = 2
        while d * d <= k:
            if k % d == 0:
                break
            d += 1
        else:
            count += 1
            last = k
    return count, last


@program((20,), (3,))
def continue_of_the_outer_loop_from_else(n):
    total = 0
    for k in range(2, n):
        for d in range(2, k):
            if k % d == 0:
                break
        else:
            continue
        total += k
    return total


@program((5,), (12,))
def else_runs_after_continue(n):
    total = 0
    for i in range(n):
        if i > 3:
            continue
        total += i
    else:
        total += 100
    return total


@program((5,), (50,))
def while_else_with_break(n):
    k = 0
    while k < n:
        k += 1
        if k * k > 40:
            break
    else:
        k = -k
    return k


@program((5,), (0,), (9,))
def break_in_else_of_inner_loop(n):
    total = 0
    for i in range(n):
        for j in range(i):
            if (i + j) % 7 == 3:
                break
        else:
            if i > 3:
                break
            total += 1
        total += 10
    return total


@program((ints(3, -1, 4, 0, 5, 9),), (ints(1, 2, 3, 4, 5, 6),), (ints(-1, -1, 0, 0, 0, 0),))
def break_and_continue_over_an_array(xs):
    total = 0
    for x in xs:
        if x < 0:
            continue
        if x == 0:
            break
        total += x
    return total


@program((4,), (11,), (-3,))
def return_in_while(n):
    k = 0
    while True:
        if k * k > n:
            return k
        k += 1


@program((7,), (100,), (1,))
def return_in_for(n):
    for i in range(2, 10):
        if n % i == 0:
            return i
    return -1


@program((7,), (12,), (90,))
def return_from_nested_loops(target):
    for i in range(1, 10):
        for j in range(i, 10):
            if i * j == target and i != 1:
                return i, j
    return 0, 0


@program((ints([1, 2, 3], [4, 5, 6]), 5), (ints([1, 2, 3], [4, 5, 6]), 9))
def return_from_loops_over_rows(matrix, wanted):
    r = 0
    for row in matrix:
        c = 0
        for item in row:
            if item == wanted:
                return r * 10 + c
            c += 1
        r += 1
    return -1


@program((3, 10), (8, 10), (100, 10), (-1, 10), (4, 2))
def return_in_loop_in_branch(x, n):
    if x < 0:
        return -x
    if x < 5:
        for i in range(n):
            if i * i > x:
                return i
    else:
        while n > 0:
            if n % x == 0:
                return n
            n -= 1
        return -100
    return 0


@program((8,), (3,), (0,))
def branch_in_loop_in_branch_in_loop(n):
    total = 0
    for i in range(n):
        if i % 2 == 0:
            j = i
            while j > 0:
                if j == 3:
                    j -= 2
                    continue
                elif j > 5:
                    break
                total += j
                j -= 1
            else:
                total += 100
        elif i > 6:
            break
        else:
            total -= 1
    return total


@program((12,), (5,), (2,))
def triple_nesting(n):
    count = 0
    for a in range(1, n):
        for b in range(a, n):
            if a + b > n:
                break
            for c in range(b, n):
                if a * a + b * b < c * c:
                    break
                if a * a + b * b == c * c:
                    count += c
                    break
    return count


@program((5, 3), (5, 9), static=("limit",))
def staged_and_plain_jumps(x, limit):
    total = 0
    for k in range(20):
        if k > limit:
            break
        if k > x:
            continue
        total += k
    return total


@program((3,), (6,), (50,))
def staged_break_in_a_plain_loop(x):
    total = 0
    for weight in [1, 2, 3, 4]:
        if total > x:
            break
        total += weight
    return total


@program((3,), (6,), (50,))
def staged_continue_in_a_plain_loop(x):
    total = 0
    for weight in [1, 5, 2, 7]:
        if weight > x:
            continue
        total += weight
    return total


@program((10,), (4,), (-4,), (50,))
def staged_return_in_a_plain_loop(x):
    for k, bonus in [(1, 5), (2, 7), (3, 9)]:
        if x < k * k:
            return bonus
        x -= bonus
    return x * 100


@program((9,), (2,))
def statements_after_a_conditional_jump(n):
    a = b = 0
    for i in range(n):
        a += 1
        if i > 3:
            if i % 2 == 0:
                continue
            b += 100
        b += 1
        if b > 200:
            break
        a += 10
    return a, b


@program((7,), (20,))
def jump_under_two_conditions(n):
    i = total = 0
    while i < n:
        i += 1
        if i % 2 == 0:
            if i % 3 == 0:
                if i > 10:
                    break
                continue
        total += i
    return i, total


@program((5,), (0,))
def unconditional_break(n):
    runs = 0
    while n > 0:
        runs += 1
        break
    return runs


@program((5,), (0,))
def unconditional_continue(n):
    total = 0
    for i in range(n):
        total += i
        continue
    return total


@program((5,), (0,))
def unconditional_return(n):
    for i in range(10, 10 + n):
        return i
    return -1


@program((100,), (3,))
def loop_variable_after_break(n):
    i = -1
    for i in range(n):
        if i * i > 30:
            break
    return i


@program((100,), (3,))
def variables_after_break(n):
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if middle * middle == 49:
            break
        if middle * middle < 49:
            low = middle + 1
        else:
            high = middle
    return low, high


@program((floats(0.5, 0.25, 2.0, 0.1),), (floats(0.5, 0.25, 0.2, 0.1),))
def early_exit_with_a_float(xs):
    product = 1.0
    for x in xs:
        if x > 1.0:
            break
        product *= x
    else:
        product = -product
    return product


@program((13,), (4,), (0,))
def break_with_logic(n):
    k = 0
    while k < 20 and not (k > n and k % 2 == 0):
        k += 1
        if k == 7 or k * 2 == n:
            break
    return k


@program((4,), (15,), (40,), (1,))
def loops_after_loops_with_breaks(n):
    total = 0
    for i in range(n):
        if i > 4:
            break
        total += i
    for i in range(n):
        if i < 2:
            continue
        total += i * 10
        if total > 500:
            break
    while total > 0:
        total -= 7
        if total % 5 == 0:
            break
    return total


@program((6,), (1,))
def break_only_in_some_iterations(n):
    total = 0
    for i in range(n):
        for j in range(5):
            if i % 2 == 1:
                if j == 2:
                    break
            elif j == 4:
                continue
            total += j
    return total


@program((3,), (8,))
def return_in_the_else_of_a_loop(n):
    for i in range(n):
        if i == 5:
            break
    else:
        return -n
    return i * 10


@program((5, 2), (2, 5), (0, 0))
def return_in_nested_while(a, b):
    while a > 0:
        while b > 0:
            if a == b:
                return a * 10
            b -= 1
        a -= 1
        b = 3
    return -1


@program((3,), (9,))
def function_with_jumps_called_in_a_loop(n):
    def first_square_above(limit):
        for k in range(5):
            if k * k > limit:
                return k
        return -1

    total = 0
    for i in range(n):
        k = first_square_above(i * 3)
        if k < 0:
            break
        total += k
    return total

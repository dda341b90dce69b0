"""Algorithms as textbooks have them, written for plain Python."""

import jax.numpy as jnp

from corpus import floats, ints, program

# --- numbers ----------------------------------------------------------------------------------------------------------


@program((7,), (27,), (1,), (97,))
def collatz(n):
    """The length of the path to one, and its highest point."""
    length, highest = 0, n
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        length += 1
        if n > highest:
            highest = n
    return length, highest


@program((30, 12), (17, 5), (240, 46))
def extended_gcd(a, b):
    old_r, r = a, b
    old_s, s = 1, 0
    old_t, t = 0, 1
    while r != 0:
        quotient = old_r // r
        old_r, r = r, old_r - quotient * r
        old_s, s = s, old_s - quotient * s
        old_t, t = t, old_t - quotient * t
    return old_r, old_s, old_t


@program((3, 13, 1000), (2, 0, 7), (7, 128, 13))
def modular_power(base, exponent, modulus):
    result = 1
    base %= modulus
    while exponent > 0:
        if exponent % 2 == 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


@program((28,), (12,), (7,), (16,))
def perfect_abundant_or_deficient(n):
    total = 1
    d = 2
    while d * d <= n:
        if n % d == 0:
            total += d
            if d != n // d:
                total += n // d
        d += 1
    if total == n:
        return 0
    elif total > n:
        return 1
    return -1


@program((360,), (97,), (1024,))
def prime_factors(n):
    """How many prime factors, with and without repeats, and the largest."""
    distinct = repeated = 0
    largest = 1
    p = 2
    while p * p <= n:
        if n % p == 0:
            distinct += 1
            largest = p
            while n % p == 0:
                n //= p
                repeated += 1
        p += 1
    if n > 1:
        distinct += 1
        repeated += 1
        largest = n
    return distinct, repeated, largest


@program((ints(*[1] * 50),))
def sieve_of_eratosthenes(is_prime):
    is_prime[0] = 0
    is_prime[1] = 0
    i = 2
    while i * i < len(is_prime):
        if is_prime[i] == 1:
            for j in range(i * i, len(is_prime), i):
                is_prime[j] = 0
        i += 1
    return is_prime


@program((36,), (10,), (1,))
def euler_totient(n):
    count = 0
    for k in range(1, n + 1):
        a, b = n, k
        while b != 0:
            a, b = b, a % b
        if a == 1:
            count += 1
    return count


@program((153,), (154,), (9,))
def is_armstrong_number(n):
    digits = 0
    rest = n
    while rest > 0:
        digits += 1
        rest //= 10
    total = 0
    rest = n
    while rest > 0:
        digit = rest % 10
        power = 1
        for _ in range(digits):
            power *= digit
        total += power
        rest //= 10
    return total == n


@program((12321,), (12345,), (7,), (10,))
def is_palindrome(n):
    if n < 0 or (n % 10 == 0 and n != 0):
        return False
    reverse = 0
    while n > reverse:
        reverse = reverse * 10 + n % 10
        n //= 10
    return n == reverse or n == reverse // 10


@program((13, 11), (0, 5), (255, 255))
def russian_multiplication(a, b):
    product = 0
    while a > 0:
        if a & 1:
            product += b
        a >>= 1
        b <<= 1
    return product


@program((99,), (100,), (0,), (1,))
def integer_square_root(n):
    if n < 2:
        return n
    x = n
    y = (x + 1) // 2
    while y < x:
        x = y
        y = (x + n // x) // 2
    return x


@program((19,), (4,), (1,))
def is_happy_number(n):
    def square_digits(k):
        total = 0
        while k > 0:
            total += (k % 10) ** 2
            k //= 10
        return total

    slow, fast = n, square_digits(n)
    while fast != 1 and slow != fast:
        slow = square_digits(slow)
        fast = square_digits(square_digits(fast))
    return fast == 1


@program((0b1011,), (0,), (255,))
def count_set_bits(n):
    count = 0
    while n:
        n &= n - 1
        count += 1
    return count


@program((9,), (1,), (0,), (30,))
def fibonacci(n):
    if n < 2:
        return n
    a, b = 0, 1
    for _ in range(n - 1):
        a, b = b, a + b
    return b


@program((1, 10), (42, 0), (7, 25))
def linear_congruential_generator(seed, n):
    inside = 0
    for _ in range(n):
        seed = (seed * 75 + 74) % 65537
        x = seed % 256
        seed = (seed * 75 + 74) % 65537
        y = seed % 256
        if x * x + y * y < 65536:
            inside += 1
    return inside, seed


@program((27,), (1994,), (9,))
def roman_numeral_length(n):
    length = 0
    for value, symbols in ((1000, 1), (900, 2), (500, 1), (400, 2), (100, 1), (90, 2), (50, 1), (40, 2), (10, 1)):
        while n >= value:
            n -= value
            length += symbols
    for value, symbols in ((9, 2), (5, 1), (4, 2), (1, 1)):
        while n >= value:
            n -= value
            length += symbols
    return length


@program((10, 2), (5, 5), (6, 0), (4, 7))
def binomial(n, k):
    if k > n:
        return 0
    k = min(k, n - k)
    result = 1
    for i in range(1, k + 1):
        result = result * (n - k + i) // i
    return result


# --- numerical analysis -----------------------------------------------------------------------------------------------


@program((2.0,), (9.0,), (0.5,))
def newton_square_root(x):
    guess = x if x > 1.0 else 1.0
    while abs(guess * guess - x) > 1e-4 * x:
        guess = 0.5 * (guess + x / guess)
    return guess


@program((2.0, 0.0, 2.0), (7.0, 0.0, 4.0), (7.0, 3.0, 4.0))
def bisection(target, low, high):
    def f(x):
        return x * x - target

    if f(low) * f(high) > 0:
        return -1.0
    for _ in range(60):
        middle = (low + high) / 2
        if abs(f(middle)) < 1e-3:
            break
        if f(low) * f(middle) <= 0:
            high = middle
        else:
            low = middle
    return middle


@program((1.0, 2.0), (0.5, 3.0))
def secant_method(a, b):
    def f(x):
        return x * x * x - x - 2.0

    steps = 0
    while abs(f(b)) > 1e-3 and steps < 20:
        a, b = b, b - f(b) * (b - a) / (f(b) - f(a))
        steps += 1
    return b


@program((0.0, 3.0), (1.0, 10.0))
def golden_section_search(low, high):
    ratio = 0.618034
    while high - low > 0.01:
        left = high - ratio * (high - low)
        right = low + ratio * (high - low)
        if (left - 2.0) ** 2 < (right - 2.0) ** 2:
            high = right
        else:
            low = left
    return round((low + high) * 5) / 5


@program((floats(2, -3, 0, 5), 2.0), (floats(2, -3, 0, 5), -1.0))
def horner(coefficients, x):
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


@program((0.0, 1.0, 10), (1.0, 3.0, 3), static=("n",))
def trapezoid_rule(a, b, n):
    def f(x):
        return x * x if x < 2.0 else 4.0

    step = (b - a) / n
    total = (f(a) + f(b)) / 2
    for i in range(1, n):
        total += f(a + i * step)
    return total * step


@program((0.0, 2.0, 6), (0.0, 1.0, 2))
def simpson_rule(a, b, n):
    h = (b - a) / n
    total = 0.0
    for i in range(n + 1):
        x = a + i * h
        if i == 0 or i == n:
            weight = 1
        elif i % 2 == 1:
            weight = 4
        else:
            weight = 2
        total += weight * x**3
    return total * h / 3


@program((1.0, 0.5, 4), (1.0, 0.1, 0))
def runge_kutta(y, h, steps):
    def slope(t, value):
        if value > 2.0:
            return -value
        return value + t

    t = 0.0
    for _ in range(steps):
        k1 = slope(t, y)
        k2 = slope(t + h / 2, y + h * k1 / 2)
        k3 = slope(t + h / 2, y + h * k2 / 2)
        k4 = slope(t + h, y + h * k3)
        y += h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        t += h
    return y


@program((1.0, 0.0, 20), (1.0, 2.0, 5))
def bouncing_ball(height, velocity, steps):
    bounces = 0
    for _ in range(steps):
        velocity -= 9.81 * 0.05
        height += velocity * 0.05
        if height < 0:
            height = -height
            velocity = -0.8 * velocity
            bounces += 1
    return height, velocity, bounces


@program((floats([2, 1], [1, 3]), floats(1, 1)), (floats([5, 0], [0, 1]), floats(1, 1)))
def power_iteration(matrix, vector):
    value = 0.0
    for _ in range(100):
        product = matrix @ vector
        norm = jnp.sqrt(jnp.sum(product * product))
        vector = product / norm
        if abs(norm - value) < 1e-5:
            value = norm
            break
        value = norm
    return value


@program((floats([4, 1], [1, 3]), floats(1, 2)), (floats([10, 2], [1, 5]), floats(3, 4)))
def jacobi_iteration(matrix, b):
    x = b * 0
    change = 1.0
    rounds = 0
    while change > 1e-4 and rounds < 100:
        diagonal = jnp.diag(matrix)
        updated = (b - (matrix @ x - diagonal * x)) / diagonal
        change = jnp.max(jnp.abs(updated - x))
        x = updated
        rounds += 1
    return x


@program((floats([2, 1, -1], [-3, -1, 2], [-2, 1, 2]), floats(8, -11, -3)), rtol=1e-3)
def gaussian_elimination(a, b):
    n = len(b)
    for column in range(n):
        pivot = column
        for row in range(column + 1, n):
            if abs(a[row, column]) > abs(a[pivot, column]):
                pivot = row
        if pivot != column:
            for k in range(n):
                a[column, k], a[pivot, k] = a[pivot, k], a[column, k]
            b[column], b[pivot] = b[pivot], b[column]
        for row in range(column + 1, n):
            factor = a[row, column] / a[column, column]
            a[row, :] -= factor * a[column, :]
            b[row] -= factor * b[column]
    for row in range(n - 1, -1, -1):
        for k in range(row + 1, n):
            b[row] -= a[row, k] * b[k]
        b[row] /= a[row, row]
    return b


@program((0.3, 0.5, 30), (-1.0, 0.0, 30), (2.0, 2.0, 30))
def mandelbrot(cx, cy, limit):
    x = y = 0.0
    for i in range(limit):
        if x * x + y * y > 4.0:
            return i
        x, y = x * x - y * y + cx, 2 * x * y + cy
    return limit


@program((3.7, 0.4, 10), (2.5, 0.1, 25))
def logistic_map(r, x, n):
    above = 0
    for _ in range(n):
        x = r * x * (1 - x)
        if x > 0.5:
            above += 1
    return above


@program((floats(1, 2, 4, 7),), (floats(5, 5, 5, 5),), (floats(3),))
def welford_variance(xs):
    count = 0
    mean = 0.0
    squares = 0.0
    for x in xs:
        count += 1
        delta = x - mean
        mean += delta / count
        squares += delta * (x - mean)
    if count < 2:
        return mean, 0.0
    return mean, squares / (count - 1)


@program((floats(0, 1, 2, 3), floats(1, 3, 5, 7), 0.05), (floats(0, 1), floats(2, 2), 0.1))
def gradient_descent(xs, ys, rate):
    slope, intercept = 0.0, 0.0
    for step in range(200):
        slope_gradient = intercept_gradient = 0.0
        for x, y in zip(xs, ys):
            error = slope * x + intercept - y
            slope_gradient += error * x
            intercept_gradient += error
        if step > 100:
            rate = rate * 0.99
        slope -= rate * slope_gradient
        intercept -= rate * intercept_gradient
    return round(slope * 10), round(intercept * 10)


@program((10.0, 20), (1.0, 0), (3.0, 7))
def exponential_series(x, terms):
    total = term = 1.0
    for k in range(1, terms):
        term = term * x / k
        total += term
    return total


@program((floats(1, 2, 3, 4), floats(0.5, 0.5)), (floats(1, 0, 0, 2), floats(1, -1)))
def convolution(signal, kernel):
    result = signal * 0
    for i in range(len(signal)):
        total = 0.0
        for j in range(len(kernel)):
            if i - j >= 0:
                total += signal[i - j] * kernel[j]
        result[i] = total
    return result


# --- searching and sorting --------------------------------------------------------------------------------------------


@program((ints(1, 3, 5, 7, 9), 7), (ints(1, 3, 5, 7, 9), 4), (ints(1, 3, 5, 7, 9), 1))
def binary_search(xs, wanted):
    low, high = 0, len(xs) - 1
    while low <= high:
        middle = (low + high) // 2
        if xs[middle] == wanted:
            return middle
        elif xs[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


@program((ints(5, 2, 9, 1, 5),), (ints(1, 2, 3),))
def bubble_sort(xs):
    n = len(xs)
    passes = 0
    for i in range(n):
        swapped = False
        for j in range(n - i - 1):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
                swapped = True
        passes += 1
        if not swapped:
            break
    return xs, passes


@program((ints(5, 2, 9, 1, 5),), (ints(3, 2, 1),))
def insertion_sort(xs):
    for i in range(1, len(xs)):
        key = xs[i]
        j = i - 1
        while j >= 0 and xs[j] > key:
            xs[j + 1] = xs[j]
            j -= 1
        xs[j + 1] = key
    return xs


@program((ints(5, 2, 9, 1, 5),), (ints(1, 1),))
def selection_sort(xs):
    for i in range(len(xs)):
        smallest = i
        for j in range(i + 1, len(xs)):
            if xs[j] < xs[smallest]:
                smallest = j
        xs[i], xs[smallest] = xs[smallest], xs[i]
    return xs


@program((ints(8, 3, 5, 1, 9, 2, 7),),)
def shell_sort(xs):
    gap = len(xs) // 2
    while gap > 0:
        for i in range(gap, len(xs)):
            key = xs[i]
            j = i
            while j >= gap and xs[j - gap] > key:
                xs[j] = xs[j - gap]
                j -= gap
            xs[j] = key
        gap //= 2
    return xs


@program((ints(3, 1, 2, 1, 3, 0), ints(0, 0, 0, 0)))
def counting_sort(xs, counts):
    for x in xs:
        counts[x] += 1
    position = 0
    for value in range(len(counts)):
        for _ in range(counts[value]):
            xs[position] = value
            position += 1
    return xs


@program((ints(7, 3, 9, 1, 5), 2), (ints(7, 3, 9, 1, 5), 0), (ints(7, 3, 9, 1, 5), 4))
def quickselect(xs, k):
    low, high = 0, len(xs) - 1
    while low < high:
        pivot = xs[high]
        store = low
        for i in range(low, high):
            if xs[i] < pivot:
                xs[store], xs[i] = xs[i], xs[store]
                store += 1
        xs[store], xs[high] = xs[high], xs[store]
        if store == k:
            break
        elif store < k:
            low = store + 1
        else:
            high = store - 1
    return xs[k]


@program((ints(1, 4, 9), ints(2, 3, 10, 11), ints(0, 0, 0, 0, 0, 0, 0)))
def merge(xs, ys, merged):
    i = j = 0
    for k in range(len(merged)):
        if j >= len(ys) or (i < len(xs) and xs[i] <= ys[j]):
            merged[k] = xs[i]
            i += 1
        else:
            merged[k] = ys[j]
            j += 1
    return merged


@program((ints(2, 3, 4, 10, 40), 13), (ints(2, 3, 4, 10, 40), 100))
def two_pointers(xs, target):
    left, right = 0, len(xs) - 1
    while left < right:
        total = xs[left] + xs[right]
        if total == target:
            return left, right
        if total < target:
            left += 1
        else:
            right -= 1
    return -1, -1


@program((ints(0, 0, 0, 0, 3, 1, 3), 3), (ints(9, 9, 9), 1))
def linear_search_with_a_sentinel(xs, wanted):
    last = xs[-1]
    xs[-1] = wanted
    i = 0
    while xs[i] != wanted:
        i += 1
    xs[-1] = last
    if i < len(xs) - 1 or last == wanted:
        return i
    return -1


# --- dynamic programming ----------------------------------------------------------------------------------------------


@program((ints(-2, 1, -3, 4, -1, 2, 1, -5, 4),), (ints(-3, -1, -2),))
def kadane(xs):
    best = current = xs[0]
    start = best_start = best_end = 0
    for i in range(1, len(xs)):
        if current < 0:
            current = xs[i]
            start = i
        else:
            current += xs[i]
        if current > best:
            best, best_start, best_end = current, start, i
    return best, best_start, best_end


@program((ints(1, 2, 3, 4), ints(1, 3, 4)), (ints(7, 8), ints(1, 2, 3)))
def edit_distance(a, b):
    previous = jnp.arange(len(b) + 1)
    for i in range(len(a)):
        diagonal = previous[0]
        row = [previous[0] + 1]
        for j in range(len(b)):
            if a[i] == b[j]:
                cost = diagonal
            else:
                cost = 1 + min(diagonal, previous[j + 1], row[j])
            diagonal = previous[j + 1]
            row.append(cost)
        previous = jnp.stack(row)
    return previous[-1]


@program((ints(1, 3, 4, 5), ints(1, 4, 5, 7), 7, ints(*[0] * 11)), (ints(1, 3), ints(1, 4), 0, ints(*[0] * 11)))
def knapsack(weights, values, capacity, best):
    for i in range(len(weights)):
        for c in range(capacity, weights[i] - 1, -1):
            with_item = best[c - weights[i]] + values[i]
            if with_item > best[c]:
                best[c] = with_item
    return best[capacity]


@program((ints(10, 30, 5, 60), ints([0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0])))
def matrix_chain(sizes, cost):
    n = len(sizes) - 1
    for length in range(2, n + 1):
        for i in range(1, n - length + 2):
            j = i + length - 1
            best = 1_000_000
            for k in range(i, j):
                candidate = cost[i, k] + cost[k + 1, j] + sizes[i - 1] * sizes[k] * sizes[j]
                if candidate < best:
                    best = candidate
            cost[i, j] = best
    return cost[1, n]


@program((ints(1, 2, 5), 11, ints(*[99] * 16)), (ints(2, 4, 6), 7, ints(*[99] * 16)))
def coin_change(coins, amount, fewest):
    fewest[0] = 0
    for coin in coins:
        for value in range(coin, amount + 1):
            if fewest[value - coin] + 1 < fewest[value]:
                fewest[value] = fewest[value - coin] + 1
    if fewest[amount] == 99:
        return -1
    return fewest[amount]


@program((ints(10, 9, 2, 5, 3, 7, 101, 18),), (ints(3, 2, 1),))
def longest_increasing_subsequence(xs):
    lengths = xs * 0 + 1
    best = 1
    for i in range(1, len(xs)):
        for j in range(i):
            if xs[j] < xs[i] and lengths[j] + 1 > lengths[i]:
                lengths[i] = lengths[j] + 1
        best = max(best, lengths[i])
    return best


@program((ints(1, 2, 3, 2), ints(3, 2, 1, 2), ints(*[[0] * 5] * 5)))
def longest_common_subsequence(a, b, table):
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if a[i - 1] == b[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            elif table[i - 1, j] >= table[i, j - 1]:
                table[i, j] = table[i - 1, j]
            else:
                table[i, j] = table[i, j - 1]
    return table[len(a), len(b)]


@program((ints(7, 1, 5, 3, 6, 4),), (ints(7, 6, 4),))
def best_time_to_trade(prices):
    lowest = prices[0]
    profit = 0
    for price in prices:
        if price < lowest:
            lowest = price
        elif price - lowest > profit:
            profit = price - lowest
    return profit


@program((ints(2, 3, 1, 1, 4),), (ints(3, 2, 1, 0, 4),))
def can_jump_to_the_end(jumps):
    reach = 0
    for i, jump in enumerate(jumps):
        if i > reach:
            return False
        reach = max(reach, i + jump)
    return True


@program((ints([1, 3, 1], [1, 5, 1], [4, 2, 1]),))
def minimum_path_sum(grid):
    rows, columns = grid.shape
    for i in range(rows):
        for j in range(columns):
            if i == 0 and j == 0:
                continue
            if i == 0:
                grid[i, j] += grid[i, j - 1]
            elif j == 0:
                grid[i, j] += grid[i - 1, j]
            else:
                grid[i, j] += min(grid[i - 1, j], grid[i, j - 1])
    return grid[rows - 1, columns - 1]


# --- graphs and grids -------------------------------------------------------------------------------------------------


@program((ints([0, 3, 99, 7], [8, 0, 2, 99], [5, 99, 0, 1], [2, 99, 99, 0]),))
def floyd_warshall(distance):
    n = distance.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if distance[i, k] + distance[k, j] < distance[i, j]:
                    distance[i, j] = distance[i, k] + distance[k, j]
    return distance


@program((ints([0, 4, 1, 99], [99, 0, 99, 1], [99, 2, 0, 5], [99, 99, 99, 0]), ints(0, 99, 99, 99), ints(0, 0, 0, 0)))
def dijkstra(weights, distance, done):
    n = len(distance)
    for _ in range(n):
        nearest = -1
        for i in range(n):
            if done[i] == 0 and (nearest == -1 or distance[i] < distance[nearest]):
                nearest = i
        done[nearest] = 1
        for j in range(n):
            through = distance[nearest] + weights[nearest, j]
            if through < distance[j]:
                distance[j] = through
    return distance


@program(
    (ints([0, 1, 4], [1, 2, -3], [0, 2, 3]), ints(0, 99, 99)),
    (ints([0, 1, 1], [1, 2, -3], [2, 0, 1]), ints(0, 99, 99)),
)
def bellman_ford(edges, distance):
    for _ in range(len(distance) - 1):
        for source, target, weight in edges:
            if distance[source] + weight < distance[target]:
                distance[target] = distance[source] + weight
    for source, target, weight in edges:
        if distance[source] + weight < distance[target]:
            return False, distance
    return True, distance


@program((ints([0, 1, 0], [0, 1, 0], [0, 1, 0]), 1), (ints([1, 1, 0], [1, 1, 0], [0, 0, 0]), 3))
def game_of_life(board, generations):
    rows, columns = board.shape
    for _ in range(generations):
        following = board * 0
        for i in range(rows):
            for j in range(columns):
                neighbours = 0
                for di in (-1, 0, 1):
                    for dj in (-1, 0, 1):
                        if di == 0 and dj == 0:
                            continue
                        neighbours += board[(i + di) % rows, (j + dj) % columns]
                if neighbours == 3 or (board[i, j] == 1 and neighbours == 2):
                    following[i, j] = 1
        board = following
    return board


@program((ints(0, 1, 2, 3, 4), ints([0, 1], [3, 4], [1, 2])), (ints(0, 1, 2, 3, 4), ints([0, 1], [1, 0], [0, 0])))
def union_find(parent, pairs):
    def root(forest, node):
        while forest[node] != node:
            node = forest[node]
        return node

    components = len(parent)
    for a, b in pairs:
        first, second = root(parent, a), root(parent, b)
        if first != second:
            parent[first] = second
            components -= 1
    return components


@program(
    (ints([0, 0, 0], [1, 1, 0], [0, 0, 0]), ints(*[[-1] * 3] * 3)),
    (ints([0, 1, 0], [1, 1, 0], [0, 0, 0]), ints(*[[-1] * 3] * 3)),
)
def shortest_path_in_a_maze(maze, distance):
    rows, columns = maze.shape
    distance[0, 0] = 0
    changed = True
    wave = 0
    while changed:
        changed = False
        for i in range(rows):
            for j in range(columns):
                if distance[i, j] != wave:
                    continue
                for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    r, c = i + di, j + dj
                    if 0 <= r < rows and 0 <= c < columns and maze[r, c] == 0 and distance[r, c] == -1:
                        distance[r, c] = wave + 1
                        changed = True
        wave += 1
    return distance[rows - 1, columns - 1]


@program((ints([1, 0, 2], [0, 0, 0], [3, 0, 0]),), (ints([0, 0], [0, 5]),))
def sparse_rows(matrix):
    nonzero = 0
    longest_run = 0
    for row in matrix:
        run = 0
        for value in row:
            if value == 0:
                run += 1
                longest_run = max(run, longest_run)
            else:
                run = 0
                nonzero += 1
    return nonzero, longest_run


@program((ints([0, 0], [0, 0]), 5), (ints([0, 0], [0, 0]), 0))
def langtons_ant(board, steps):
    row = column = direction = 0
    for _ in range(steps):
        if board[row, column] == 0:
            direction = (direction + 1) % 4
            board[row, column] = 1
        else:
            direction = (direction - 1) % 4
            board[row, column] = 0
        if direction == 0:
            row = (row - 1) % 2
        elif direction == 1:
            column = (column + 1) % 2
        elif direction == 2:
            row = (row + 1) % 2
        else:
            column = (column - 1) % 2
    return board, row, column


# --- sequences and machines -------------------------------------------------------------------------------------------


@program((ints(1, 1, 2, 3, 3, 3), ints(0, 0, 0, 0, 0, 0)), (ints(5, 5, 5), ints(0, 0, 0)))
def run_length_encoding(xs, counts):
    runs = 0
    i = 0
    while i < len(xs):
        j = i
        while j < len(xs) and xs[j] == xs[i]:
            j += 1
        counts[runs] = j - i
        runs += 1
        i = j
    return runs, counts


@program((ints(1, 1, 2, -1, 2, 2, -1),), (ints(1, 1, -1, -1),), (ints(-1, 1),))
def balanced_brackets(tokens):
    depth = deepest = 0
    for token in tokens:
        if token > 0:
            depth += 1
        else:
            depth -= 1
        if depth < 0:
            return False, deepest
        if depth > deepest:
            deepest = depth
    return depth == 0, deepest


# Instructions: 0 n pushes n, 1 adds, 2 multiplies, 3 n jumps to n unless the top is over 50, 4 stops.
@program(
    (ints([0, 2], [0, 3], [1, 0], [0, 10], [2, 0], [4, 0]), ints(*[0] * 8)),
    (ints([0, 7], [0, 2], [2, 0], [3, 1], [4, 0], [4, 0]), ints(*[0] * 8)),
)
def stack_machine(code, stack):
    counter = size = steps = 0
    while steps < 100:
        operation, operand = code[counter]
        counter += 1
        steps += 1
        if operation == 0:
            stack[size] = operand
            size += 1
        elif operation == 1:
            size -= 1
            stack[size - 1] += stack[size]
        elif operation == 2:
            size -= 1
            stack[size - 1] *= stack[size]
        elif operation == 3:
            if stack[size - 1] <= 50:
                counter = operand
        else:
            break
    return stack[size - 1], steps


@program((ints(3, 0, 1, 2), 0), (ints(1, 2, 3, 1), 0))
def floyds_cycle_detection(successor, start):
    slow = successor[start]
    fast = successor[successor[start]]
    while slow != fast:
        slow = successor[slow]
        fast = successor[successor[fast]]
    before = 0
    slow = start
    while slow != fast:
        slow = successor[slow]
        fast = successor[fast]
        before += 1
    length = 1
    fast = successor[slow]
    while slow != fast:
        fast = successor[fast]
        length += 1
    return before, length


@program((ints(1, 2, 3, 4, 5), 2), (ints(1, 2, 3, 4, 5), 5), (ints(1, 2, 3, 4, 5), 0))
def rotate_by_reversal(xs, k):
    def reverse(values, i, j):
        while i < j:
            values[i], values[j] = values[j], values[i]
            i += 1
            j -= 1
        return values

    n = len(xs)
    xs = reverse(xs, 0, n - 1)
    xs = reverse(xs, 0, k - 1)
    return reverse(xs, k, n - 1)


@program((ints(1, 2, 3, 0, 1, 2), ints(1, 2)), (ints(1, 1, 1, 1), ints(1, 1)), (ints(1, 2), ints(2, 1)))
def count_matches(text, pattern):
    matches = 0
    for i in range(len(text) - len(pattern) + 1):
        for j in range(len(pattern)):
            if text[i + j] != pattern[j]:
                break
        else:
            matches += 1
    return matches


@program((7, 3), (41, 2), (1, 5))
def josephus(n, k):
    survivor = 0
    for size in range(2, n + 1):
        survivor = (survivor + k) % size
    return survivor


@program((3,), (10,), (1,))
def towers_of_hanoi_by_counting(disks):
    """The pegs of the largest disk's moves and the number of all moves, without recursion."""
    moves = 0
    total = 1
    for _ in range(disks):
        total *= 2
    largest_moves = 0
    for move in range(1, total):
        disk = 0
        rest = move
        while rest % 2 == 0:
            rest //= 2
            disk += 1
        if disk == disks - 1:
            largest_moves += 1
        moves += 1
    return moves, largest_moves


@program((ints(0, 1, 0, 3, 12),), (ints(0, 0, 1),), (ints(1, 2, 0),))
def move_zeros_to_the_end(xs):
    position = 0
    for i in range(len(xs)):
        if xs[i] != 0:
            if i != position:
                xs[position], xs[i] = xs[i], xs[position]
            position += 1
    return xs, position


@program((6,), (1,), (4,), static=("n",))
def pascals_triangle_row(n):
    row = [1]
    for _ in range(n):
        row = [1] + [a + b for a, b in zip(row, row[1:])] + [1]
    largest = 0
    for value in row:
        if value > largest:
            largest = value
    return largest


@program((ints(4, 2, 0, 3, 2, 5),), (ints(1, 2, 3),), (ints(5, 1, 3),))
def trapped_water(heights):
    left, right = 0, len(heights) - 1
    left_max = right_max = 0
    water = 0
    while left < right:
        if heights[left] < heights[right]:
            left_max = max(left_max, heights[left])
            water += left_max - heights[left]
            left += 1
        else:
            right_max = max(right_max, heights[right])
            water += right_max - heights[right]
            right -= 1
    return water


@program((floats(0, 0, 1, 5, 5, 6), 1.0, 5.0), (floats(0, 0, 1, 5, 5, 6), 0.0, 0.5), (floats(1, 2, 3), 2.0, 900.0))
def k_means_in_one_dimension(xs, a, b):
    for _ in range(10):
        sum_a = sum_b = 0.0
        count_a = count_b = 0
        for x in xs:
            if abs(x - a) <= abs(x - b):
                sum_a += x
                count_a += 1
            else:
                sum_b += x
                count_b += 1
        if count_a > 0:
            a = sum_a / count_a
        if count_b > 0:
            b = sum_b / count_b
    return a, b


@program((floats([1, 1], [2, 2], [-1, -1], [-2, -1]), ints(1, 1, -1, -1)), (floats([1, 1], [2, 2]), ints(-1, 1)))
def perceptron(points, labels):
    w0 = w1 = bias = 0.0
    mistakes = 0
    for _ in range(20):
        changed = False
        for point, label in zip(points, labels):
            if (w0 * point[0] + w1 * point[1] + bias) * label <= 0:
                w0 += label * point[0]
                w1 += label * point[1]
                bias += label
                mistakes += 1
                changed = True
        if not changed:
            break
    return w0, w1, bias, mistakes


@program((ints(1, 0, 1, 1), ints(1, 1, 0, 1)), (ints(1, 1, 1, 1), ints(1, 0, 0, 0)))
def binary_addition(a, b):
    """The sum of two binary numbers, lowest bit first, and the carry."""
    result = a * 0
    carry = 0
    for i in range(len(a)):
        total = a[i] + b[i] + carry
        result[i] = total % 2
        carry = total // 2
    return result, carry


@program((ints(0, 1, 0, 2, 1, 1),), (ints(2, 2, 2),))
def turnstile(events):
    """A machine of two states: locked until a coin (1) comes, and locked again by a push (0); 2 is a reset."""
    locked = True
    passed = refused = 0
    for event in events:
        if event == 2:
            locked = True
        elif locked:
            if event == 1:
                locked = False
            else:
                refused += 1
        elif event == 0:
            passed += 1
            locked = True
    return locked, passed, refused


@program((1, 5), (2, 10), (0, 3))
def checksum_of_digits(x, n):
    value = x
    checksum = 0
    for i in range(n):
        value = (value * 10) % 7 + x
        digit = value % 10
        match digit:
            case 0 | 5:
                checksum += 5
            case d if d % 2 == 0:
                checksum = checksum * 2 + d
            case _:
                checksum += digit * i
        if checksum > 500:
            checksum -= 500
    return checksum

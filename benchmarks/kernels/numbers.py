"""Loops over a few numbers: nothing but arithmetic, comparisons and jumps."""


def collatz(limit):
    total = 0
    for start in range(1, limit):
        n = start
        while n != 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            total += 1
    return total


def mandelbrot(size, most):
    total = 0
    for row in range(size):
        for column in range(size):
            c_re = 3.0 * column / size - 2.0
            c_im = 2.0 * row / size - 1.0
            x = 0.0
            y = 0.0
            steps = 0
            while steps < most and x * x + y * y <= 4.0:
                x, y = x * x - y * y + c_re, 2.0 * x * y + c_im
                steps += 1
            total += steps
    return total


def primes_by_trial(limit):
    count = 0
    for n in range(2, limit):
        is_prime = True
        divisor = 2
        while divisor * divisor <= n:
            if n % divisor == 0:
                is_prime = False
                break
            divisor += 1
        if is_prime:
            count += 1
    return count


def gcd(limit):
    total = 0
    for a in range(1, limit):
        for b in range(1, limit):
            x, y = a, b
            while y != 0:
                x, y = y, x % y
            total += x
    return total


def newton(count):
    total = 0.0
    for k in range(1, count):
        x = 1.0 * k
        root = x
        while abs(root * root - x) > 1e-9 * x:
            root = (root + x / root) / 2.0
        total += root
    return total


def bisection(count):
    total = 0.0
    for k in range(1, count):
        low = 0.0
        high = 1.0 + k
        while high - low > 1e-9:
            middle = (low + high) / 2.0
            if middle * middle * middle - middle - k > 0.0:
                high = middle
            else:
                low = middle
        total += low
    return total

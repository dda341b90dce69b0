"""`//` and `%` of integers by numbers that the graph knows: always towards minus infinity, as in Python."""

import numpy as np

from corpus import ints, program

EDGES = (-(2**31), -(2**31) + 1, -1000, -9, -8, -7, -3, -2, -1, 0, 1, 2, 3, 7, 8, 9, 1000, 2**31 - 1)


@program((ints(*EDGES),))
def by_powers_of_two(numbers):
    quotients, remainders = 0, 0
    for n in numbers:
        quotients = quotients ^ (n // 1) ^ (n // 2) ^ (n // 8) ^ (n // 1073741824)
        remainders = remainders * 3 % 65536 + n % 1 + n % 2 + n % 8 + n % 1024
    return quotients, remainders


@program((ints(*EDGES),))
def by_other_numbers(numbers):
    quotients, remainders = 0, 0
    for n in numbers:
        quotients = quotients ^ (n // 3) ^ (n // 10) ^ (n // 2147483647)
        remainders = remainders * 3 % 65536 + n % 3 + n % 10 + n % 127
    return quotients, remainders


@program((ints(*EDGES[1:]),))
def by_negative_numbers_and_by_others(numbers):
    quotients, remainders = 0, 0
    for n in numbers:
        quotients = quotients ^ (n // -2) ^ (n // -3) ^ (n // (n % 5 + 1))
        remainders = remainders * 3 % 65536 + n % -4 + n % -7 + n % (n % 5 + 1)
    return quotients, remainders


@program((np.array([-128, -7, -1, 0, 1, 7, 127], np.int8),), (np.array([0, 1, 7, 200, 255], np.uint8),))
def of_small_integers(numbers):
    quotients, remainders = numbers // 1, numbers % 1
    for k in range(9):
        quotients = quotients // 2 + k * 0
        remainders = remainders + numbers % 16 + numbers // 5 % 3
    return quotients, remainders

"""Loops that change items of arrays under conditions: what is read, what is changed, and in which order."""

import numpy as np

from corpus import floats, ints, program


@program((floats(3.0, 1.0, 2.0, -5.0, 4.0),))
def bubble_sort(values):
    for end in range(len(values) - 1, 0, -1):
        for k in range(end):
            if values[k] > values[k + 1]:
                values[k], values[k + 1] = values[k + 1], values[k]
    return values


@program((ints(*range(70, 0, -1)), 3), (ints(*range(70)), 0))
def one_or_another_item(values, shift):
    for k in range(1, 69):
        if (values[k] + shift) % 3 == 0:
            values[k - 1] = values[k + 1] + 1
        else:
            values[k + 1] = values[k - 1] - 1
    return values


@program((ints(*range(70)),))
def changes_of_which_some_are_common(values):
    for k in range(2, 60):
        if values[k] % 2 == 0:
            values[k] = values[k - 1] + 5
            values[k + 1] = values[k] * 2
            values[k + 2] = 7
        else:
            values[k] = values[k - 2]
    return values


@program((ints(*range(70)), ints(*range(69, -1, -1))))
def two_arrays_that_change_in_another_order(a, b):
    for k in range(1, 69):
        if a[k] > b[k]:
            a[k] = b[k - 1]
            b[k] = a[k - 1] + 1
        else:
            b[k + 1] = a[k] + b[k]
            a[k - 1] = b[k + 1] - 3
    return a, b


@program((ints(*range(80)), 10), (ints(*range(80)), 80))
def an_item_that_only_one_branch_may_look_at(values, end):
    total = 0
    for k in range(90):
        if k < end:
            total += values[k]
            values[k] = total % 100
    return total, values


@program((ints(4, 1, 3, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3),), (ints(*([2, 1] * 40)),))
def insertion_sort(values):
    for k in range(1, len(values)):
        item = values[k]
        place = k - 1
        while place >= 0 and values[place] > item:
            values[place + 1] = values[place]
            place -= 1
        values[place + 1] = item
    return values


@program((ints(*([0] * 100)), 2), (ints(*([0] * 100)), 60))
def a_loop_in_a_branch_that_changes_an_array(marks, start):
    count = 0
    for n in range(start, len(marks)):
        if marks[n] == 0:
            count += 1
            multiple = n * n
            while multiple < len(marks):
                marks[multiple] = n
                multiple += n
        else:
            marks[n] += 1
    return count, marks


@program((np.arange(100.0).reshape(10, 10) % 7,))
def items_of_a_matrix(table):
    for i in range(9):
        for j in range(9):
            if table[i, j] > table[i + 1, j + 1]:
                table[i, j], table[i + 1, j + 1] = table[i + 1, j + 1], table[i, j]
            elif table[i, j] == 3.0:
                table[j, i] += 0.5
            table[j, i + 1] = table[i, j] + table[j, i] * 0.5
    return table


@program((np.arange(100).reshape(10, 10), 4))
def rows_of_a_matrix(table, row):
    for i in range(1, 10):
        if i % row == 0:
            table[i] = table[i - 1] + table[0]
        else:
            table[i, i - 1] = table[i - 1, i]
    return table


@program((ints(*range(70)), ints(*range(70))))
def an_array_with_two_names(a, b):
    kept = a
    for k in range(1, 69):
        if b[k] % 4 < 2:
            a[k] = a[k - 1] + b[k]
        else:
            b[k] = kept[k] - 1
    return a, b, kept


@program((ints(*range(70)), 20), (ints(*range(70)), 1000))
def an_item_is_changed_before_the_loop_is_left(values, limit):
    k = 0
    while k < 70:
        if values[k] > limit:
            values[k] = -1
            break
        if values[k] % 5 == 3:
            k += 2
            continue
        values[k] = values[k] * 2
        k += 1
    return values, k


@program((floats(*([2.0, 0.0, -1.0] * 30)),))
def a_division_that_the_other_branch_guards(values):
    for k in range(len(values)):
        if values[k] != 0.0:
            values[k] = 1.0 / values[k]
        else:
            values[k] = 100.0
    return values


@program((ints(*([3, 8, 1, 9, 2, 7] * 12)), ints(*([0] * 72)), ints(*([0] * 72))))
def quick_sort(values, lows, highs):
    highs[0] = len(values) - 1
    waiting = 1
    while waiting > 0:
        waiting -= 1
        low, high = lows[waiting], highs[waiting]
        if low >= high:
            continue
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        lows[waiting], highs[waiting] = low, j
        lows[waiting + 1], highs[waiting + 1] = i, high
        waiting += 2
    return values


@program((1,), (30,), (97,), (91,))
def what_a_break_leaves_behind(n):
    divisor, last, tried = 2, 0, 0
    while divisor * divisor <= n:
        if n % divisor == 0:
            tried += 10
            break
        last = divisor
        divisor += 1
        tried += 1
    return divisor, last, tried

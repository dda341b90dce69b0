"""Loops that read and change the items of one array."""


def sieve(is_composite):
    limit = len(is_composite)
    count = 0
    for n in range(2, limit):
        if not is_composite[n]:
            count += 1
            multiple = n * n
            while multiple < limit:
                is_composite[multiple] = True
                multiple += n
    return count


def bubble_sort(values):
    for end in range(len(values) - 1, 0, -1):
        for k in range(end):
            if values[k] > values[k + 1]:
                values[k], values[k + 1] = values[k + 1], values[k]
    return values


def quick_sort(values, lows, highs):
    lows[0] = 0
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


def binary_search(values, queries):
    total = 0
    for query in queries:
        low = 0
        high = len(values)
        while low < high:
            middle = (low + high) // 2
            if values[middle] < query:
                low = middle + 1
            else:
                high = middle
        total += low
    return total


def run_lengths(values):
    lengths = []
    length = 1
    for k in range(1, len(values)):
        if values[k] == values[k - 1]:
            length += 1
        else:
            lengths.append(length)
            length = 1
    lengths.append(length)
    longest = 0
    for length in lengths:
        if length > longest:
            longest = length
    return longest * 1000 + len(lengths)

"""The loops over one array by hand."""

import jax.numpy as jnp
from jax import lax


def sieve(is_composite):
    limit = len(is_composite)

    def look(n, state):
        count, is_composite = state
        is_prime = ~is_composite[n]

        def step(state):
            multiple, is_composite = state
            return multiple + n, is_composite.at[multiple].set(True)

        start = jnp.where(is_prime, n * n, limit)
        is_composite = lax.while_loop(lambda state: state[0] < limit, step, (start, is_composite))[1]
        return count + is_prime, is_composite

    return lax.fori_loop(2, limit, look, (0, is_composite))[0]


def bubble_sort(values):
    def compare(k, values):
        left, right = values[k], values[k + 1]
        swap = left > right
        return values.at[k].set(jnp.where(swap, right, left)).at[k + 1].set(jnp.where(swap, left, right))

    size = len(values)
    return lax.fori_loop(0, size - 1, lambda n, values: lax.fori_loop(0, size - 1 - n, compare, values), values)


def quick_sort(values, lows, highs):
    def partition(values, low, high):
        pivot = values[(low + high) // 2]

        def step(state):
            i, j, values = state
            i = lax.while_loop(lambda i: values[i] < pivot, lambda i: i + 1, i)
            j = lax.while_loop(lambda j: values[j] > pivot, lambda j: j - 1, j)

            def swap(values):
                left, right = values[i], values[j]
                return i + 1, j - 1, values.at[i].set(right).at[j].set(left)

            return lax.cond(i <= j, swap, lambda values: (i, j, values), values)

        return lax.while_loop(lambda state: state[0] <= state[1], step, (low, high, values))

    def step(state):
        waiting, lows, highs, values = state
        waiting = waiting - 1
        low, high = lows[waiting], highs[waiting]

        def split(state):
            lows, highs, values = state
            i, j, values = partition(values, low, high)
            lows = lows.at[waiting].set(low).at[waiting + 1].set(i)
            highs = highs.at[waiting].set(j).at[waiting + 1].set(high)
            return waiting + 2, lows, highs, values

        return lax.cond(low >= high, lambda state: (waiting, *state), split, (lows, highs, values))

    start = (1, lows.at[0].set(0), highs.at[0].set(len(values) - 1), values)
    return lax.while_loop(lambda state: state[0] > 0, step, start)[3]


def binary_search(values, queries):
    def position(query):
        def step(state):
            low, high = state
            middle = (low + high) // 2
            below = values[middle] < query
            return jnp.where(below, middle + 1, low), jnp.where(below, high, middle)

        return lax.while_loop(lambda state: state[0] < state[1], step, (0, len(values)))[0]

    return lax.scan(lambda total, query: (total + position(query), None), 0, queries)[0]


def run_lengths(values):
    def step(k, state):
        lengths, count, length = state
        same = values[k] == values[k - 1]
        # The last value that is stored at a place is the one that counts.
        return lengths.at[count].set(length), jnp.where(same, count, count + 1), jnp.where(same, length + 1, 1)

    lengths, count, length = lax.fori_loop(1, len(values), step, (jnp.zeros(len(values), int), 0, 1))
    lengths = lengths.at[count].set(length)
    longest = lax.fori_loop(0, count + 1, lambda k, longest: jnp.maximum(longest, lengths[k]), 0)
    return longest * 1000 + count + 1

"""Dynamic programming by hand for TensorFlow."""

import tensorflow as tf

from .arrays_tf import put, size_of


def _loop(start, end, step, state):
    """``step(k, *state)`` gives the next state, for ``k`` from ``start`` to before ``end``."""

    def body(k, *state):
        given = step(k, *state)
        return k + 1, *(given if isinstance(given, tuple) else (given,))

    start, end = tf.cast(start, tf.int64), tf.cast(end, tf.int64)
    found = tf.while_loop(lambda k, *_: k < end, body, (start, *state))[1:]
    return found if len(found) > 1 else found[0]


def edit_distance(left, right, row):
    def line(i, row):
        def cell(j, row, diagonal):
            above = row[j + 1]
            changed = 1 + tf.minimum(tf.minimum(diagonal, above), row[j])
            return put(row, (j + 1,), tf.where(left[i] == right[j], diagonal, changed)), above

        return _loop(0, size_of(right), cell, (put(row, (0,), i + 1), row[0]))[0]

    row = _loop(0, size_of(right) + 1, lambda j, row: put(row, (j,), j), (row,))
    return _loop(0, size_of(left), line, (row,))[size_of(right)]


def floyd_warshall(distances):
    size = size_of(distances)

    def through(k, distances):
        def line(i, distances):
            def cell(j, distances):
                least = tf.minimum(distances[i, j], distances[i, k] + distances[k, j])
                return put(distances, (i, j), least)

            return _loop(0, size, cell, (distances,))

        return _loop(0, size, line, (distances,))

    return _loop(0, size, through, (distances,))


def matrix_chain(sizes, costs):
    count = size_of(sizes) - 1

    def of_length(length, costs):
        def of_start(i, costs):
            j = i + length - 1

            def split(k, best):
                return tf.minimum(best, costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1])

            return put(costs, (i, j), _loop(i, j, split, (tf.constant(1000000000, costs.dtype),)))

        return _loop(0, count - length + 1, of_start, (costs,))

    return _loop(2, count + 1, of_length, (costs,))[0, count - 1]


def viterbi(observed, start, transition, emission, scores, back):
    states, last = size_of(start), size_of(observed) - 1
    zero = tf.constant(0, tf.int64)

    def at_time(t, scores, back):
        def to_state(s, scores, back):
            def from_state(r, best, origin):
                score = scores[t - 1, r] + transition[r, s]
                return tf.where(score > best, score, best), tf.where(score > best, r, origin)

            best, origin = _loop(1, states, from_state, (scores[t - 1, 0] + transition[0, s], zero))
            return put(scores, (t, s), best + emission[s, observed[t]]), put(back, (t, s), origin)

        return _loop(0, states, to_state, (scores, back))

    def first(s, scores):
        return put(scores, (0, s), start[s] + emission[s, observed[0]])

    def better(s, state):
        return tf.where(scores[last, s] > scores[last, state], s, state)

    def before(n, state, checksum):
        state = back[last - n, state]
        return state, (checksum * 31 + state) % 1000003

    scores, back = _loop(1, last + 1, at_time, (_loop(0, states, first, (scores,)), back))
    state = _loop(1, states, better, (zero,))
    return _loop(0, last, before, (state, state))[1]

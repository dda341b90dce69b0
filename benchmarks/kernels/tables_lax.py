"""Dynamic programming by hand."""

import jax.numpy as jnp
from jax import lax


def edit_distance(left, right, row):
    def line(i, row):
        def cell(j, state):
            row, diagonal = state
            above = row[j + 1]
            changed = 1 + jnp.minimum(jnp.minimum(diagonal, above), row[j])
            return row.at[j + 1].set(jnp.where(left[i] == right[j], diagonal, changed)), above

        return lax.fori_loop(0, len(right), cell, (row.at[0].set(i + 1), row[0]))[0]

    row = lax.fori_loop(0, len(right) + 1, lambda j, row: row.at[j].set(j), row)
    return lax.fori_loop(0, len(left), line, row)[len(right)]


def floyd_warshall(distances):
    size = len(distances)

    def through(k, distances):
        def line(i, distances):
            def cell(j, distances):
                return distances.at[i, j].min(distances[i, k] + distances[k, j])

            return lax.fori_loop(0, size, cell, distances)

        return lax.fori_loop(0, size, line, distances)

    return lax.fori_loop(0, size, through, distances)


def matrix_chain(sizes, costs):
    count = len(sizes) - 1

    def of_length(length, costs):
        def of_start(i, costs):
            j = i + length - 1

            def split(k, best):
                cost = costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                return jnp.minimum(best, cost)

            return costs.at[i, j].set(lax.fori_loop(i, j, split, jnp.asarray(1000000000, costs.dtype)))

        return lax.fori_loop(0, count - length + 1, of_start, costs)

    return lax.fori_loop(2, count + 1, of_length, costs)[0, count - 1]


def viterbi(observed, start, transition, emission, scores, back):
    states, last = len(start), len(observed) - 1

    def at_time(t, tables):
        def to_state(s, tables):
            scores, back = tables

            def from_state(r, found):
                best, origin = found
                score = scores[t - 1, r] + transition[r, s]
                return jnp.where(score > best, score, best), jnp.where(score > best, r, origin)

            best, origin = lax.fori_loop(1, states, from_state, (scores[t - 1, 0] + transition[0, s], 0))
            return scores.at[t, s].set(best + emission[s, observed[t]]), back.at[t, s].set(origin)

        return lax.fori_loop(0, states, to_state, tables)

    def first(s, scores):
        return scores.at[0, s].set(start[s] + emission[s, observed[0]])

    tables = (lax.fori_loop(0, states, first, scores), back)
    scores, back = lax.fori_loop(1, len(observed), at_time, tables)

    def better(s, state):
        return jnp.where(scores[last, s] > scores[last, state], s, state)

    def before(n, path):
        state, checksum = path
        state = back[last - n, state]
        return state, (checksum * 31 + state) % 1000003

    state = lax.fori_loop(1, states, better, 0)
    return lax.fori_loop(0, last, before, (state, state))[1]

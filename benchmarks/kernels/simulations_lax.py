"""The simulations by hand."""

import jax.numpy as jnp
from jax import lax


def life(board, following, generations):
    rows, columns = board.shape

    def generation(_, boards):
        board, following = boards

        def line(row, following):
            def cell(column, following):
                neighbours = sum(
                    board[(row + dr) % rows, (column + dc) % columns] for dr in (-1, 0, 1) for dc in (-1, 0, 1)
                )
                neighbours -= board[row, column]
                lives = (neighbours == 3) | ((neighbours == 2) & (board[row, column] == 1))
                return following.at[row, column].set(jnp.where(lives, 1, 0))

            return lax.fori_loop(0, columns, cell, following)

        return lax.fori_loop(0, rows, line, following), board

    return lax.fori_loop(0, generations, generation, (board, following))[0].sum()


def n_body(x, y, vx, vy, mass, steps):
    count = len(mass)

    def step(_, state):
        x, y, vx, vy = state

        def attract(i, velocities):
            vx, vy = velocities

            def add(j, pulls):
                ax, ay = pulls
                dx, dy = x[j] - x[i], y[j] - y[i]
                square = dx * dx + dy * dy + 0.01
                pull = mass[j] / (square * jnp.sqrt(square))
                return ax + dx * pull, ay + dy * pull

            ax, ay = lax.fori_loop(0, count, add, (0.0, 0.0))
            return vx.at[i].add(0.001 * ax), vy.at[i].add(0.001 * ay)

        def move(i, positions):
            x, y = positions
            return x.at[i].add(0.001 * vx[i]), y.at[i].add(0.001 * vy[i])

        vx, vy = lax.fori_loop(0, count, attract, (vx, vy))
        x, y = lax.fori_loop(0, count, move, (x, y))
        return x, y, vx, vy

    return lax.fori_loop(0, steps, step, (x, y, vx, vy))[0]


def stack_machine(code, stack, start):
    def push(state, value):
        pc, top, counter, accumulator, stack = state
        return pc, top + 1, counter, accumulator, stack.at[top].set(value)

    def combine(state, operation):
        pc, top, counter, accumulator, stack = state
        top = top - 1
        return pc, top, counter, accumulator, stack.at[top - 1].set(operation(stack[top - 1], stack[top]))

    def add_up(state, _):
        pc, top, counter, accumulator, stack = state
        return pc, top - 1, counter, accumulator + stack[top - 1], stack

    def count_down(state, _):
        pc, top, counter, accumulator, stack = state
        return pc, top, counter - 1, accumulator, stack

    def jump(state, operand):
        pc, top, counter, accumulator, stack = state
        return jnp.where(counter > 0, operand, pc), top, counter, accumulator, stack

    operations = [
        push,
        lambda state, _: push(state, state[2]),
        lambda state, _: combine(state, lambda a, b: a + b),
        lambda state, _: combine(state, lambda a, b: a * b % 10007),
        add_up,
        count_down,
        jump,
    ]

    def step(state):
        pc, *rest = state
        operation, operand = code[pc, 0], code[pc, 1]
        return lax.switch(operation - 1, operations, (pc + 1, *rest), operand)

    return lax.while_loop(lambda state: code[state[0], 0] != 0, step, (0, 0, start, 0, stack))[3]

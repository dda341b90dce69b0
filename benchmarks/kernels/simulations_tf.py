"""The simulations by hand for TensorFlow."""

import tensorflow as tf

from .arrays_tf import put, size_of
from .tables_tf import _loop


def life(board, following, generations):
    rows, columns = size_of(board), size_of(board, 1)

    def generation(_, board, following):
        def line(row, following):
            def cell(column, following):
                neighbours = tf.add_n(
                    [board[(row + dr) % rows, (column + dc) % columns] for dr in (-1, 0, 1) for dc in (-1, 0, 1)]
                )
                neighbours -= board[row, column]
                lives = (neighbours == 3) | ((neighbours == 2) & (board[row, column] == 1))
                return put(following, (row, column), tf.cast(lives, board.dtype))

            return _loop(0, columns, cell, (following,))

        return _loop(0, rows, line, (following,)), board

    return tf.reduce_sum(_loop(0, generations, generation, (board, following))[0])


def n_body(x, y, vx, vy, mass, steps):
    count = size_of(mass)
    zero = tf.constant(0.0, x.dtype)

    def step(_, x, y, vx, vy):
        def attract(i, vx, vy):
            def add(j, ax, ay):
                dx, dy = x[j] - x[i], y[j] - y[i]
                square = dx * dx + dy * dy + 0.01
                pull = mass[j] / (square * tf.sqrt(square))
                return ax + dx * pull, ay + dy * pull

            ax, ay = _loop(0, count, add, (zero, zero))
            return put(vx, (i,), vx[i] + 0.001 * ax), put(vy, (i,), vy[i] + 0.001 * ay)

        def move(i, x, y):
            return put(x, (i,), x[i] + 0.001 * vx[i]), put(y, (i,), y[i] + 0.001 * vy[i])

        vx, vy = _loop(0, count, attract, (vx, vy))
        return *_loop(0, count, move, (x, y)), vx, vy

    return _loop(0, steps, step, (x, y, vx, vy))[0]


def stack_machine(code, stack, start):
    def step(pc, top, counter, accumulator, stack):
        operation, operand = code[pc, 0], code[pc, 1]
        pc += 1

        def push(value):
            return pc, top + 1, counter, accumulator, put(stack, (top,), value)

        def combine(operation):
            value = operation(stack[top - 2], stack[top - 1])
            return pc, top - 1, counter, accumulator, put(stack, (top - 2,), value)

        operations = [
            lambda: push(operand),
            lambda: push(counter),
            lambda: combine(lambda a, b: a + b),
            lambda: combine(lambda a, b: a * b % 10007),
            lambda: (pc, top - 1, counter, accumulator + stack[top - 1], stack),
            lambda: (pc, top, counter - 1, accumulator, stack),
            lambda: (tf.where(counter > 0, operand, pc), top, counter, accumulator, stack),
        ]
        return tf.switch_case(tf.cast(operation - 1, tf.int32), operations)

    zero = tf.constant(0, tf.int64)
    state = (zero, zero, tf.cast(start, tf.int64), zero, stack)
    return tf.while_loop(lambda pc, *_: code[pc, 0] != 0, step, state)[3]

"""Simulations: a grid of cells, bodies that attract each other, and a small machine with a stack."""

import math


def life(board, following, generations):
    rows, columns = board.shape
    for _ in range(generations):
        for row in range(rows):
            for column in range(columns):
                neighbours = 0
                for dr in range(-1, 2):
                    for dc in range(-1, 2):
                        neighbours += board[(row + dr) % rows, (column + dc) % columns]
                neighbours -= board[row, column]
                if neighbours == 3 or (neighbours == 2 and board[row, column] == 1):
                    following[row, column] = 1
                else:
                    following[row, column] = 0
        board, following = following, board
    return board.sum()


def n_body(x, y, vx, vy, mass, steps):
    count = len(mass)
    for _ in range(steps):
        for i in range(count):
            ax = 0.0
            ay = 0.0
            for j in range(count):
                dx = x[j] - x[i]
                dy = y[j] - y[i]
                square = dx * dx + dy * dy + 0.01
                pull = mass[j] / (square * math.sqrt(square))
                ax += dx * pull
                ay += dy * pull
            vx[i] += 0.001 * ax
            vy[i] += 0.001 * ay
        for i in range(count):
            x[i] += 0.001 * vx[i]
            y[i] += 0.001 * vy[i]
    return x


def stack_machine(code, stack, start):
    pc = 0
    top = 0
    counter = start
    accumulator = 0
    while True:
        operation, operand = code[pc, 0], code[pc, 1]
        pc += 1
        if operation == 0:
            break
        elif operation == 1:
            stack[top] = operand
            top += 1
        elif operation == 2:
            stack[top] = counter
            top += 1
        elif operation == 3:
            top -= 1
            stack[top - 1] = stack[top - 1] + stack[top]
        elif operation == 4:
            top -= 1
            stack[top - 1] = stack[top - 1] * stack[top] % 10007
        elif operation == 5:
            top -= 1
            accumulator += stack[top]
        elif operation == 6:
            counter -= 1
        elif counter > 0:
            pc = operand
    return accumulator

"""A sum over a triangle."""


def triangle(n):
    total = 0
    for i in range(n):
        for j in range(i):
            total += (i * j) % 7
    return total

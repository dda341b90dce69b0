"""Points of the Mandelbrot set: how many iterations stay bounded, over a grid of ``n`` by ``n``."""


def bounded_iterations(n):
    total = 0
    c_im = -1.0
    for _row in range(n):
        c_re = -2.0
        for _column in range(n):
            x = 0.0 * c_re
            y = 0.0 * c_im
            k = 0
            while k < 50 and x * x + y * y <= 4.0:
                x, y = x * x - y * y + c_re, 2.0 * x * y + c_im
                k += 1
            total += k
            c_re += 0.5
        c_im += 0.4
    return total

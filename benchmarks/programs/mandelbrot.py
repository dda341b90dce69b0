"""Points of the Mandelbrot set: how many iterations stay bounded, over a grid of ``n`` by ``n``."""


def bounded_iterations(n):
    total = 0
    for row in range(n):
        for column in range(n):
            c_re = 3.0 * column / n - 2.0
            c_im = 2.0 * row / n - 1.0
            x = 0.0
            y = 0.0
            k = 0
            while k < 50 and x * x + y * y <= 4.0:
                x, y = x * x - y * y + c_re, 2.0 * x * y + c_im
                k += 1
            total += k
    return total

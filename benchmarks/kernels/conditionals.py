"""A function with conditionals and without loops, which is for more contestants than the others are."""


def piecewise(x):
    if x > 100:
        y = x - 100
    elif x > 10:
        y = 10 * x
    else:
        y = x * x
    return y if y > 50 else -y

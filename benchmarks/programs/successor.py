"""The smallest function, for what a call costs."""


def successor(x):
    return x + 1

"""A fuzzer for the converter: random programs, run as Python runs them and as the converter does, must agree.

`grammar` holds what random programs have in common, `plain` writes programs with every construct of Python, `staged`
writes programs that also have a meaning as a graph, `runner` runs and compares, `reduce` makes a failing program short,
and `faults` are broken converters that show that the fuzzer finds what it looks for.
"""

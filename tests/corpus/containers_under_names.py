"""Containers that a path changes and gives another name, or has under a name that the other path lacks."""

from corpus import program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


@program((1,), (3,), jit=False, why=NOT_AN_ARRAY)
def a_dict_is_named_and_changed_in_a_branch(n):
    a = {"x": 1}
    b = None
    if n > 1:
        b = a
        b["x"] += n
    return b["x"] if b is not None else -1, a["x"]


@program((1,), (2,), raises(0), jit=False, why=NOT_AN_ARRAY)
def a_dict_that_one_branch_has_made_is_changed_in_another(n):
    if n > 0:
        s = {"c": 0}
    if n > 1:
        s["c"] += 1
    return s["c"]


@program((1,), (2,), raises(0), jit=False, why=NOT_AN_ARRAY)
def a_dict_that_one_branch_has_made_is_changed_under_a_try(n):
    try:
        if n > 0:
            s = {"c": 0}
        s["c"] += n
    except ZeroDivisionError:
        s = {"c": -1}
    return s["c"]


@program((1,), (2,), jit=False, why=NOT_AN_ARRAY)
def a_dict_is_changed_and_returned_on_one_path(n):
    s = {"c": 0}
    if n > 1:
        s["c"] += 1
        return s
    return None


@program((1,), (2,))
def a_dict_is_put_into_a_list_and_changed(n):
    rows = [{"a": 1}, {"a": 2}]
    d = {"a": 5}
    if n > 1:
        rows[0] = d
        d["a"] += n
    return rows, d["a"]


@program((1,), (2,), (3,), jit=False, why=NOT_AN_ARRAY)
def a_list_gets_a_name_and_changes_in_one_iteration(n):
    b = None
    a = [1, 2]
    for i in range(n):
        if i == 1:
            b = a
            a[0] += 5
    return b, a


@program((1,), (3,))
def a_dict_gets_a_name_in_each_iteration(n):
    b = {"k": -1}
    a = {"k": 0}
    while n > 0:
        a["k"] += n
        b = {"k": a["k"] * 2}
        n -= 1
    return b, a


@program((1,), (3,), jit=False, why=NOT_AN_ARRAY)
def a_dict_gets_a_first_name_in_each_iteration(n):
    b = None
    a = {"k": 0}
    while n > 0:
        a["k"] += n
        b = a
        n -= 1
    return b, a


@program((1,), (3,))
def a_list_in_a_tuple_on_one_path(n):
    a = [1, 2]
    t = (a, 0)
    if n > 1:
        a[1] = n
        t = (a, n)
    else:
        t = ([7, 8], 1)
    return t

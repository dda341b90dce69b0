"""Exceptions that the graph decides on, and the clauses that catch them."""

import contextlib

from corpus import floats, ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


class Err(Exception):
    def __init__(self, code, *, hint=None):
        super().__init__(f"code {code}")
        self.code = code
        self.hint = hint


class Sub(Err):
    pass


class Stack:
    def __init__(self):
        self.n = 0
        self.log = []

    def push(self, x):
        self.n += 1
        if x < 0:
            raise Sub(x, hint=self.n)
        self.n += x


@program((3,), (-3,))
def raised_in_a_method_two_calls_deep(x):
    s = Stack()
    try:
        s.push(1)
        s.push(x)
        s.push(2)
    except Err as e:
        return e.code * 100 + e.hint, s.n
    return 0, s.n


@program((floats(1.0, -4, 9, -2),))
def each_item_has_a_try_of_its_own(xs):
    bad = 0
    good = 0.0
    for x in xs:
        try:
            if x < 0:
                raise ValueError(x)
            good += x**0.5
        except ValueError as e:
            bad += 1
            good -= e.args[0]
    return bad, good


@program((1,), (-1,))
def raised_from_another_and_its_cause(x):
    try:
        try:
            if x > 0:
                raise KeyError(x)
        except KeyError as e:
            raise ValueError("bad", e.args[0]) from e
    except ValueError as e:
        return e.args[1] * 2, isinstance(e.__cause__, KeyError)
    return 0, False


def p4(x):
    if x > 5:
        raise Sub(x)
    return x


@program((3,), raises(9))
def finally_runs_before_the_caller_sees_it(x):
    try:
        y = p4(x)
    finally:
        print("done", x)
    return y


@program((0,), (4,), jit=False, why=NOT_AN_ARRAY)
def break_and_continue_with_else_and_finally(x):
    count = 0
    while True:
        try:
            count += 1
            x = p4(x + 1)
            if count > 3:
                return "many", x
        except Err:
            break
        else:
            continue
        finally:
            count += 10
    return "err", count


@program((ints(1, 2, 3), 1), (ints(1, 2, 3), 2))
def a_failed_assertion_is_caught(xs, i):
    try:
        l = []
        for x in xs:
            l.append(x)
        assert i < 2, f"index {i}"
        return l[i]
    except AssertionError as e:
        print(e)
        return -1


@program((1,), (-1,), staged=False, why="a context manager of a library cannot catch what the graph raises")
def suppressed_by_a_context_manager(x):
    with contextlib.suppress(ValueError):
        if x > 0:
            raise ValueError(1)
        x = x - 10
    return x


@program((1,), (-1,))
def a_deleted_variable_and_else(x):
    try:
        if x > 0:
            z = 1
        else:
            raise TypeError
        del z
    except TypeError:
        z = 2
    else:
        z = 3
    return z


@program((2,), (7,))
def raised_in_a_while_loop(n):
    total = 0
    i = 0
    try:
        while i < n:
            i += 1
            if i == 3:
                raise KeyError(i)
            total += i
    except (ValueError, KeyError) as e:
        total = total * 10 + e.args[0]
    return total, i


@program((1,), (5,))
def items_of_a_dict_at_the_raise(x):
    d = {"a": 1}
    try:
        d["a"] = x
        if x > 2:
            raise ValueError
        d["a"] += 5
    except ValueError:
        d["a"] *= 3
    return d["a"]


@program((1,), (5,))
def a_list_as_it_was_at_the_raise(x):
    l = []
    try:
        l.append(x)
        if x > 2:
            raise ValueError
        l.append(x + 1)
    except ValueError:
        l.append(-1)
        l.append(-2)
    return l


@program((1,), (-1,), promotes=True)
def the_first_clause_that_fits(x):
    def deep(k, x):
        if k == 0:
            if x < 0:
                raise Err(x)
            return x
        return deep(k - 1, x) + 1

    try:
        return deep(3, x)
    except Sub:
        return 1.0
    except Err as e:
        return e.code * 2.0
    except Exception:
        return 3.0


@program((1,))
def raised_on_every_path(x):
    try:
        raise ValueError(x)
    except ValueError as e:
        return e.args[0] + 1


@program((2,), (7,))
def stop_iteration_of_next(x):
    it = iter([1, 2, 3])
    s = 0
    try:
        while True:
            v = next(it)
            if x == v:
                raise Err(v)
            s += v
    except StopIteration:
        s += 100
    except Err as e:
        s += e.code * 1000
    return s


@program((0,), (1,), (2,))
def raised_again_through_finally(x):
    r = []
    try:
        try:
            if x > 0:
                raise ValueError("v")
            r.append(1)
        except ValueError:
            r.append(2)
            if x > 1:
                raise
            r.append(3)
        else:
            r.append(4)
        finally:
            r.append(5)
    except ValueError:
        r.append(6)
    return r


@program((0,), (2,), (5,), (200,))
def finally_in_a_loop_with_else(x):
    for i in range(3):
        try:
            if x == i:
                return i * 10
        finally:
            x += 1
            if x > 100:
                break
    else:
        return -1
    return x


@program((1,), (9,))
def a_bare_except(x):
    ok = True
    try:
        p4(x)
    except:
        ok = False
    return ok


@program((0,), (4,))
def a_class_of_the_function_itself(x):
    class Local(Exception):
        pass

    try:
        if x:
            raise Local("a", x)
        return 0
    except Local as e:
        a, b = e.args
        return b


@program((2,), (5,))
def two_loops_and_a_break_in_the_clause(n):
    s = 0
    for i in range(n):
        for j in range(n):
            try:
                if i * j == 6:
                    raise StopIteration
                s += i * j
            except StopIteration:
                s += 1000
                break
    return s


@program((ints(1, 3, 9),), (ints(7, 9),), jit=False, why=NOT_AN_ARRAY)
def continue_in_the_clause(xs):
    best = None
    for x in xs:
        try:
            v = p4(x)
        except Err:
            continue
        if best is None or v > best:
            best = v
    return best


@program((1,), (4,), (5,), (9,))
def three_calls_in_one_block(x):
    try:
        y = p4(x)
        z = p4(y + 1)
        w = p4(z + 1)
    except Err as e:
        return e.code, -1
    return w, 0


@program((3,), (1,), (9,))
def raised_in_a_conditional_expression(x):
    try:
        y = 10 if p4(x) > 2 else p4(x + 100)
    except Err as e:
        y = e.code
    return y


@program((3,), (4,), (2,), (9,), promotes=True)
def raised_in_operands(x):
    try:
        return p4(x) > 3 and p4(x + 4) > 2 or x
    except Err as e:
        return e.code > 0


@program((1,), (5,), (9,))
def raised_in_the_test_of_a_loop(x):
    try:
        while p4(x) < 4:
            x += 1
        while p4(x) < 40:
            x += 1
    except Err as e:
        return e.code
    return x


@program((2,), (5,))
def an_exception_on_the_way_out_cancels_break(n):
    for i in range(n):
        try:
            try:
                if i == 2:
                    break
            finally:
                if i == 2:
                    raise ValueError
        except ValueError:
            i = 100
    return i


@program((-2,), (5,))
def an_exception_on_the_way_out_cancels_return(n):
    try:
        try:
            return 1
        finally:
            if n > 0:
                raise KeyError
    except KeyError:
        n = 50
    return n


@program((0, 1), (3, 1), (3, -1), static=("n",))
def walrus_in_a_comprehension_over_nothing(n, x):
    [(y := i) for i in range(n)]
    if x > 0:
        x += 1
    try:
        return y + x
    except NameError:
        return x


@program((-3,), (3,))
def an_assertion_is_caught(x):
    try:
        assert x > 0, "must be positive"
        y = x
    except AssertionError:
        y = -x * 10
    return y


@program((-3,), (3,))
def an_assertion_with_a_computed_message_is_caught(x):
    y = 0
    try:
        assert x > 0, f"{x} is not positive"
        y = x
    except AssertionError as error:
        y = len(error.args)
    return y

"""Programs of the kind that a user brings to TensorFlow: each gives as a function what it gives eagerly.

They use what only TensorFlow has, or call it throughout; programs that every engine runs are in `tests/corpus`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import autograph as ag

PROGRAMS: list[tuple[Callable[..., Any], tuple[Callable[[], tuple[Any, ...]], ...]]] = []


def program(*calls: Callable[[], tuple[Any, ...]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function with its calls; each makes its arguments anew, as iterators and variables have to be."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append((function, calls))
        return function

    return register


@functools.cache
def cells() -> tuple[keras.layers.GRUCell, keras.layers.GRUCell, keras.layers.Dense]:
    """An encoder's cell, a decoder's, and the layer that gives its scores."""
    keras.utils.set_random_seed(0)
    encoder, decoder, scores = keras.layers.GRUCell(8), keras.layers.GRUCell(8), keras.layers.Dense(5)
    encoder.build((None, 5))
    decoder.build((None, 5))
    scores.build((None, 8))
    return encoder, decoder, scores


@program(lambda: (tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([1.0, 1.0])))
def power_iteration(a, v):
    old = 0.0
    for i in range(100):
        w = tf.linalg.matvec(a, v)
        norm_ = tf.norm(w)
        v = w / norm_
        if abs(norm_ - old) < 1e-4:
            break
        old = norm_
    return v, norm_, i


@program(lambda: (tf.constant([5.0, 3.0]), tf.constant(50)))
def rosenbrock_gd(x, steps):
    lr = 1e-3
    prev = float("inf")
    for step in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        g = tape.gradient(loss, x)
        n = tf.norm(g)
        if n > 10.0:
            g = g * 10.0 / n
        new = x - lr * g
        if loss > prev:
            lr = lr * 0.5
        else:
            x = new
        prev = loss
    return x, lr


class Stats:
    def __init__(self):
        self.n = 0
        self.mean = 0.0
        self.m2 = 0.0

    def add(self, x):
        self.n += 1
        d = x - self.mean
        self.mean += d / self.n
        self.m2 += d * (x - self.mean)

    @property
    def var(self):
        return self.m2 / self.n if self.n > 0 else 0.0


@program(lambda: (tf.constant([1.0, 2.0, 3.0, 10.0]),), lambda: (tf.zeros([0]),))
def welford(xs):
    s = Stats()
    for x in xs:
        if x > 100.0:
            continue
        s.add(x)
    return s.mean, s.var, s.n


@program(lambda: (tf.constant("the quick  brown fox"),))
def words(text):
    longest = tf.constant("")
    count = 0
    for w in tf.strings.split(text):
        if tf.strings.length(w) == 0:
            continue
        count += 1
        if tf.strings.length(w) > tf.strings.length(longest):
            longest = w
    return longest, count


@program(lambda: (tf.constant([3, 1, 2]),), lambda: (tf.constant([9, 8, 7, 1, 2, 3, 4, 4, 4]),))
def bubble(a):
    n = len(a)
    swapped = True
    while swapped:
        swapped = False
        for i in range(n - 1):
            if a[i] > a[i + 1]:
                t = a[i]
                a = tf.tensor_scatter_nd_update(a, [[i], [i + 1]], [a[i + 1], t])
                swapped = True
    return a


@program(lambda: (tf.constant(4),), lambda: (tf.constant(-4),), lambda: (tf.constant(0),))
def matcher(n):
    match n:
        case 0:
            r = 10
        case x if x > 0:
            r = x * 2
        case _:
            r = -1
    return r


@program(lambda: (tf.constant([[1, 0, 2], [0, 0, 3]]),))
def nonzero_dict(m):
    out = {"rows": 0, "sum": 0}
    for row in m:
        if tf.reduce_sum(row) > 3:
            out["rows"] += 1
        out["sum"] += tf.reduce_sum(row)
    return out


@program(lambda: (tf.constant(0.3), tf.constant(5.0)))
def bisect(lo, hi):
    f = lambda x: x**3 - 2 * x - 5
    it = 0
    while hi - lo > 1e-3:
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if f(mid) < 0 else (lo, mid)
        it += 1
        assert it < 100, f"no convergence at {mid}"
    return lo, it


@program(lambda: (tf.constant([1.0, 2.0, 3.0]), tf.constant(2)))
def a_nested_function_that_writes_outside(xs, k):
    total = 0.0

    def add(v):
        nonlocal total
        if v > 1.0:
            total += v

    for x in xs:
        for _ in range(k):
            add(x)
    return total


@program(lambda: (tf.constant([5, 3, 9]),))
def comprehensions_and_builtins(xs):
    return (
        [x * 2 for x in xs if x > 3],
        sum(x for x in xs),
        max(xs),
        sorted(xs),
        any(x > 8 for x in xs),
        all(x > 0 for x in xs),
    )


@program(lambda: (tf.constant([1, 2, 3, 4, 5, 6]), tf.constant(2)))
def while_else(xs, k):
    i = 0
    while i < len(xs):
        if xs[i] == k:
            break
        i += 1
    else:
        i = -1
    for x in xs:
        if x > 100:
            break
    else:
        i += 10
    return i


@program(lambda: (tf.constant(3), tf.constant(2)))
def ackermann_iter(m, n):
    stack = [m]
    while len(stack) > 0:
        m = stack.pop()
        if m == 0:
            n += 1
        elif n == 0:
            stack.append(m - 1)
            n = 1
        else:
            stack.append(m - 1)
            stack.append(m)
            n -= 1
    return n


@program(lambda: (tf.constant([4.0, 9.0, -1.0, 16.0]),))
def try_it(xs):
    out = 0.0
    for x in xs:
        try:
            if x < 0.0:
                raise ValueError("neg")
            out += tf.sqrt(x)
        except ValueError:
            out -= 100.0
    return out


@program(lambda: (tf.constant(1.0), tf.constant(0.0)))
def none_or_a_number(a, b):
    if b == 0.0:
        return None
    return a / b


@program(lambda: (tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tf.constant(2)))
def attention(x, heads):
    outs = []
    for h in range(heads):
        q = x * tf.cast(h + 1, tf.float32)
        s = tf.nn.softmax(tf.matmul(q, x, transpose_b=True))
        if tf.reduce_max(s) > 0.9:
            s = s * 0.5
        outs.append(tf.matmul(s, x))
    return ag.stack(outs)


@program(lambda: (tf.constant([1, 5, 3]), tf.constant(11)))
def coin_change(coins, amount):
    best = [0]
    for a in range(1, amount + 1):
        cheapest = 10**6
        for c in coins:
            if c <= a and best[a - c] + 1 < cheapest:
                cheapest = best[a - c] + 1
        best.append(cheapest)
    return best[-1]


@program(lambda: (tf.constant("kitten"), tf.constant("sitting")))
def edit_distance(a, b):
    a = tf.strings.bytes_split(a)
    b = tf.strings.bytes_split(b)
    row = tf.range(tf.size(b) + 1)
    for i in range(tf.size(a)):
        new = tf.TensorArray(tf.int32, size=tf.size(b) + 1, clear_after_read=False)
        new = new.write(0, i + 1)
        for j in range(tf.size(b)):
            cost = 0 if a[i] == b[j] else 1
            new = new.write(j + 1, min(new.read(j) + 1, row[j + 1] + 1, row[j] + cost))
        row = new.stack()
    return row[-1]


@program(lambda: (tf.random.stateless_uniform([20, 2], [1, 2]), tf.constant(3)))
def kmeans(points, k):
    centers = points[:k]
    for step in range(50):
        d = tf.reduce_sum((points[:, None] - centers[None]) ** 2, -1)
        a = tf.argmin(d, 1)
        new = tf.math.unsorted_segment_mean(points, a, k)
        if tf.reduce_all(tf.abs(new - centers) < 1e-5):
            break
        centers = new
    return centers, step


class LRU:
    def __init__(self, cap):
        self.cap = cap
        self.keys = tf.fill([cap], -1)
        self.hits = 0
        self.head = 0

    def get(self, k):
        if tf.reduce_any(self.keys == k):
            self.hits += 1
            return True
        self.keys = tf.tensor_scatter_nd_update(self.keys, [[self.head]], [k])
        self.head = (self.head + 1) % self.cap
        return False


@program(lambda: (tf.constant([1, 2, 1, 3, 4, 1, 2, 2]),))
def least_recently_used(xs):
    c = LRU(2)
    misses = 0
    for x in xs:
        if not c.get(x):
            misses += 1
    return c.hits, misses, c.keys


@program(
    lambda: (tf.constant(5, tf.int64),),
    lambda: (tf.constant(5, tf.uint8),),
    lambda: (tf.constant(5.0, tf.float64),),
    lambda: (tf.constant(5.0, tf.float16),),
)
def other_dtypes(n):
    total = n * 0
    while n > 0:
        total += n
        n -= 1
    return total, n


@program(lambda: (tf.constant(3.0, tf.bfloat16),))
def half_precision(n):
    k = 0
    while n > 1:
        n = n / 2
        k += 1
    return k


@program(lambda: (tf.constant([1 + 2j, 3 - 1j]),))
def complex_numbers(zs):
    t = 0j
    for z in zs:
        if abs(z) > 2.5:
            t += z
    return abs(t)


@program(lambda: (tf.constant(7),), lambda: (tf.constant(0),))
def early_nested(n):
    for i in range(n):
        for j in range(n):
            if i * j == 6:
                return i, j
            if i > 5:
                break
        else:
            continue
        return -1, i
    return None


@program(lambda: (tf.data.Dataset.from_tensor_slices({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}),))
def ds_dict(ds):
    w = 0.0
    for epoch in range(20):
        for b in ds:
            x, y = b["x"], b["y"]
            w -= 0.05 * 2 * (w * x - y) * x
        if abs(w - 2) < 1e-3:
            break
    return w, epoch


@program(lambda: (iter(tf.data.Dataset.range(3)),))
def it_optional(it):
    total = tf.constant(0, tf.int64)
    opt = it.get_next_as_optional()
    while opt.has_value():
        total += opt.get_value()
        opt = it.get_next_as_optional()
    return total


@program(lambda: (tf.constant([2.0, 0.0, 4.0]),))
def chained_ternaries(xs):
    return [("zero" if x == 0.0 else "small" if x < 3.0 else "large") for x in xs][0], sum(
        1 if 0.0 < x <= 3.0 else 0 for x in xs
    )


@program(lambda: (tf.Variable([1.0, 2.0]), tf.constant(3)))
def a_variable_as_argument(v, n):
    for i in range(n):
        v.assign_add([1.0, 1.0])
        if v[0] > 2.0:
            v[1].assign(0.0)
    return v.read_value(), v + 1


@program(lambda: (tf.constant([[1, 2], [3, 4]]),))
def slices(m):
    acc = m[0]
    for i in range(len(m)):
        acc = acc + m[i, ::-1]
        if acc[0] > 3:
            acc = acc[::-1]
    return acc


@program(lambda: (tf.constant([4, 2, 7]),))
def sort_key(xs):
    return (
        sorted(xs, key=lambda v: -v),
        min(xs, key=lambda v: abs(v - 3)),
        list(map(lambda v: v + 1, xs)),
        list(filter(lambda v: v > 2, xs)),
        list(reversed(xs)),
    )


@program(lambda: (tf.constant([1.0, 2.0, 3.0]),))
def jacobian(x):
    with tf.GradientTape(persistent=True) as t:
        t.watch(x)
        y = x
        for _ in range(3):
            if tf.reduce_sum(y) > 10.0:
                y = y * 0.5
            else:
                y = y * y
    return t.jacobian(y, x), t.gradient(y, x)


@program(lambda: (tf.constant([1.0, 2.0]), tf.constant([1.0, 0.0])))
def forward_mode(x, v):
    with tf.autodiff.ForwardAccumulator(x, v) as acc:
        y = x * x
        if y[0] > 0.0:
            y = tf.sin(y)
    return acc.jvp(y)


@program(lambda: (tf.constant(["a", "b", "zz"]),))
def lookup(keys):
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    total = 0
    for k in keys:
        v = table.lookup(k)
        if v > 0:
            total += v
    return total


@program(lambda: (tf.constant(5),))
def stateless_rand(n):
    hits = 0
    for i in range(n):
        p = tf.random.stateless_uniform([2], [i, 7])
        if tf.norm(p) < 1.0:
            hits += 1
    return hits


@program(lambda: (tf.constant([3.0, -1.0]),))
def debugging_assertions(x):
    for v in x:
        tf.debugging.assert_less(v, 5.0)
        if v < 0.0:
            tf.debugging.assert_equal(v, -1.0, message="m")
    return x


@program(lambda: (tf.constant(3),))
def scopes_and_devices(n):
    with tf.name_scope("scope"):
        while n > 0:
            with tf.device("/CPU:0"):
                n -= 2
    return n


@program(lambda: (tf.constant([[1.0, 2.0], [3.0, 4.0]]),))
def einsum(m):
    out = tf.eye(2)
    k = 0
    while tf.linalg.trace(out) < 1000.0:
        out = tf.einsum("ij,jk->ik", out, m)
        k += 1
    return out, k


table_var = tf.Variable(tf.zeros([4]))


@program(lambda: (tf.constant([0, 1, 1, 3]),))
def scatter(idx):
    table_var.assign(tf.zeros([4]))
    for i in idx:
        table_var.scatter_nd_add([[i]], [1.0])
        if table_var[i] > 1.0:
            table_var[i].assign(10.0)
    return table_var.read_value()


@program(lambda: (tf.constant(4),))
def a_queue(n):
    q = tf.queue.FIFOQueue(10, tf.int32)
    for i in range(n):
        if i % 2 == 0:
            q.enqueue(i)
    return q.size()


vars_ = [tf.Variable(1.0), tf.Variable(2.0)]


@program(lambda: (tf.constant(3),))
def a_list_of_variables(n):
    for v, s in zip(vars_, [1.0, 2.0]):
        v.assign(s)
    for _ in range(n):
        for v in vars_:
            if v < 5.0:
                v.assign(v * 2.0)
            else:
                v.assign_sub(1.0)
    return [v.read_value() for v in vars_]


@program(lambda: (tf.constant([1.0, 5.0]),))
def vmap_nested(x):
    def f(a):
        s = 0.0
        for i in range(3):
            s += a if i != 1 else 0.0
        return s

    return tf.vectorized_map(f, x), tf.map_fn(lambda a: a * 2 if a > 2.0 else a, x)


@program(lambda: (tf.constant([1.0, 5.0, 2.0]),))
def map_multi(x):
    return tf.map_fn(
        lambda p: (p[0] + 1.0 if p[1] > 2.0 else p[0], p[1] > 2.0), (x, x), fn_output_signature=(tf.float32, tf.bool)
    )


@program(lambda: (tf.constant([1, 2, 3]),))
def scan_struct(x):
    return tf.scan(lambda s, v: (s[0] + v if v != 2 else s[0], v), x, initializer=(0, 0))


@program(lambda: (tf.constant(3), tf.constant(True)))
def logic_of_both_kinds(n, b):
    r = b and n > 2 or not b
    q = (n or 5) if n > 0 else (b and n)
    return r, q


@program(lambda: (tf.constant([1.0, np.nan, 3.0]),))
def not_a_number(xs):
    s = 0.0
    for x in xs:
        if tf.math.is_nan(x):
            continue
        s += x
    return s


@program(lambda: (tf.SparseTensor([[0, 1], [1, 0]], [1.0, 2.0], [2, 2]),))
def sparse_loop(sp):
    out = sp
    for _ in range(3):
        if tf.sparse.reduce_sum(out) < 10.0:
            out = out * 2.0
    return tf.sparse.to_dense(out)


@program(lambda: (tf.ragged.constant([[3.0, 1.0], [2.0], [5.0, 4.0, 1.0]]),))
def ragged_sortmax(r):
    best = r[0]
    for row in r:
        if tf.reduce_max(row) > tf.reduce_max(best):
            best = row
    return best


@program(lambda: (tf.constant("3,4;5,6"),))
def parse(s):
    total = 0.0
    for part in tf.strings.split(s, ";"):
        ab = tf.strings.to_number(tf.strings.split(part, ","))
        if ab[0] < ab[1]:
            total += ab[0] * ab[1]
    return total


@program(lambda: (tf.constant([1, 2, 3, 4]),))
def tensorarray_v(xs):
    ta = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
    for i, x in enumerate(xs):
        if x % 2 == 0:
            ta = ta.write(ta.size(), x)
    return ta.stack(), ta.size()


@program(lambda: (tf.data.Dataset.range(5).batch(2),))
def ds_zip3(ds):
    out = tf.constant(0, tf.int64)
    for (i, a), b in zip(enumerate(ds), ds.skip(1)):
        out += tf.cast(i, tf.int64) * a[0] + b[0]
        if out > 100:
            return out
    return out


@program(lambda: (tf.constant(3),))
def closure_loop(n):
    fs = []
    x = n
    for i in range(3):
        fs.append(lambda v, i=i: v + i if v > 2 else v - i)
    for f in fs:
        x = f(x)
    return x


@program(lambda: (tf.constant([1.0, 2.0, 3.0]),))
def keyword_arguments(xs):
    def step(acc, *, x, scale=1.0):
        return acc + x * scale if x > 1.0 else acc

    acc = 0.0
    for x in xs:
        acc = step(acc, x=x, **{"scale": 2.0})
    return acc


@program(lambda: (tf.constant(2.0),))
def recording_stopped(x):
    with tf.GradientTape() as t:
        t.watch(x)
        y = x
        while y < 100.0:
            with t.stop_recording():
                k = y * 2.0
            y = y * tf.stop_gradient(k)
    return t.gradient(y, x)


@program(
    lambda: (
        tf.random.stateless_normal([2, 6, 5], [1, 1]),
        tf.constant([[1, 2, 3], [2, 0, 4]]),
        tf.constant([True, False, True]),
    )
)
def seq2seq(src, tgt, forcing):
    encoder, decoder, scores = cells()
    state = tf.zeros([2, 8])
    for t in range(tf.shape(src)[1]):
        _, state = encoder(src[:, t], [state])
        state = state[0] if isinstance(state, (list, tuple)) else state
    token = tf.zeros([2], tf.int32)
    outs = []
    for t in range(tf.shape(tgt)[1]):
        y, st = decoder(tf.one_hot(token, 5), [state])
        state = st[0] if isinstance(st, (list, tuple)) else st
        logits = scores(y)
        outs.append(logits)
        if forcing[t]:
            token = tgt[:, t]
        else:
            token = tf.argmax(logits, -1, output_type=tf.int32)
    return ag.stack(outs)


@program(lambda: (tf.random.stateless_normal([7, 7], [3, 1]), tf.constant(3)))
def beam(trans, width):
    logp = tf.nn.log_softmax(trans)
    beams = tf.zeros([1, 1], tf.int32)
    scores = tf.zeros([1])
    for step in range(5):
        cand = scores[:, None] + tf.gather(logp, beams[:, -1])
        flat = tf.reshape(cand, [-1])
        k = tf.minimum(width, tf.size(flat))
        scores, idx = tf.math.top_k(flat, k)
        beams = tf.concat([tf.gather(beams, idx // 7), (idx % 7)[:, None]], 1)
        if tf.reduce_all(beams[:, -1] == 0):
            break
    return beams, scores


@program(lambda: (tf.constant([1.0, -1.2, 3.0]),))
def steepest_descent_with_a_line_search(x):
    def f(x):
        return tf.reduce_sum((x - tf.constant([1.0, 2.0, 3.0])) ** 2 * tf.constant([1.0, 10.0, 3.0]))

    def value_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return y, tape.gradient(y, x)

    y, g = value_and_gradient(x)
    count = 0
    while count < 20 and tf.norm(g) > 1e-2:
        step = 1.0
        while f(x - step * g) > y - 1e-4 * step * tf.tensordot(g, g, 1):
            step = step * 0.5
        x = x - step * g
        y, g = value_and_gradient(x)
        count += 1
    return x, count


@program(lambda: (tf.constant([1.0, 2.0, 3.0]),))
def maml(tasks):
    w = 0.5
    for epoch in range(3):
        with tf.GradientTape() as outer:
            w = tf.convert_to_tensor(w)
            outer.watch(w)
            total = 0.0
            for t in tasks:
                with tf.GradientTape() as inner:
                    inner.watch(w)
                    loss = (w * 2.0 - t) ** 2
                adapted = w - 0.05 * inner.gradient(loss, w)
                total += (adapted * 2.0 - t) ** 2
                if total > 100.0:
                    break
        w = w - 0.05 * outer.gradient(total, w)
    return w


class Node:
    def __init__(s, v, l=None, r=None):
        s.v, s.l, s.r = v, l, r


@program(lambda: (Node(tf.constant(1.0), Node(tf.constant(2.0)), Node(tf.constant(-3.0), Node(tf.constant(4.0)))),))
def tree(n):
    if n is None:
        return 0.0
    a, b = tree(n.l), tree(n.r)
    if n.v > 0.0:
        return n.v + a * b
    return n.v - a


@program(lambda: (tf.constant(12),), lambda: (tf.constant(0),))
def recursion_of_known_depth(n):
    def f(n, depth):
        if depth == 0:
            return 1
        if n > 5:
            return n * f(n - 1, depth - 1)
        return f(n, depth - 1)

    return f(n, 4)


@program(lambda: (tf.random.stateless_uniform([6], [1, 2]),))
def monte_carlo_pi(u):
    inside = 0
    n = 0
    i = 0
    while i + 1 < len(u):
        x, y = u[i], u[i + 1]
        if x * x + y * y < 1:
            inside += 1
        n += 1
        i += 2
    return 4 * inside / n


@program(lambda: (tf.constant([[0.0, 1.0], [1.0, 0.0]]), tf.constant([0.1, 0.9])))
def rk4(a, y):
    f = lambda t, y: tf.linalg.matvec(a, y)
    t, h = 0.0, 0.1
    while t < 1.0:
        if t + h > 1.0:
            h = 1.0 - t
        k1 = f(t, y)
        k2 = f(t + h / 2, y + h / 2 * k1)
        k3 = f(t + h / 2, y + h / 2 * k2)
        k4 = f(t + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
        if h < 1e-6:
            break
    return y, t


@program(lambda: (tf.constant([[1, 1, 0], [0, 1, 0], [0, 1, 1]]),))
def flood(grid):
    h, w = grid.shape
    seen = tf.zeros_like(grid)
    stack = [(0, 0)]
    count = 0
    while len(stack) > 0:
        r, c = stack.pop()
        if r < 0 or c < 0 or r >= h or c >= w:
            continue
        if grid[r, c] == 0 or seen[r, c] == 1:
            continue
        seen = tf.tensor_scatter_nd_update(seen, [[r, c]], [1])
        count += 1
        stack.append((r + 1, c))
        stack.append((r - 1, c))
        stack.append((r, c + 1))
        stack.append((r, c - 1))
    return count


@program(lambda: (tf.constant([3, 5, 1]), tf.constant(4)))
def binsearch_insert(xs, v):
    xs = tf.sort(xs)
    lo, hi = 0, len(xs)
    while lo < hi:
        mid = (lo + hi) // 2
        if xs[mid] < v:
            lo = mid + 1
        else:
            hi = mid
    return lo, tf.concat([xs[:lo], [v], xs[lo:]], 0)


@program(lambda: (tf.constant("a b a c b a"),))
def wordcount(s):
    words, _, counts = tf.unique_with_counts(tf.strings.split(s))
    best, n = words[0], 0
    for w, c in zip(words, counts):
        if c > n:
            best, n = w, c
    return best, n


def plain(value: Any) -> Any:
    """Tensors and variables as Python's values."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return np.asarray(value).tolist() if tf.is_tensor(value) or isinstance(value, tf.Variable) else value


def agrees(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(agrees(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if isinstance(expected, float):
        return bool(np.isclose(found, expected, rtol=1e-4, atol=1e-5))
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize(("function", "calls"), PROGRAMS, ids=[function.__name__ for function, _ in PROGRAMS])
def test_a_function_gives_what_the_program_gives_eagerly(
    function: Callable[..., Any], calls: tuple[Callable[[], tuple[Any, ...]], ...]
) -> None:
    graph = ag.function(function)
    for arguments in calls:
        expected, found = plain(function(*arguments())), plain(graph(*arguments()))
        assert agrees(found, expected), (found, expected)

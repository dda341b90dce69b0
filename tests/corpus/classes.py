"""Classes: methods of every kind, properties, `super()`, private names, data classes and callable objects."""

import enum
import functools
from collections import namedtuple
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax.numpy as jnp

from corpus import floats, ints, program


class Account:
    minimum = 0

    def __init__(self, balance):
        self.balance = balance
        self.rejected = 0

    def deposit(self, amount):
        if amount > 0:
            self.balance += amount
        else:
            self.rejected += 1

    def withdraw(self, amount):
        if self.balance - amount < self.minimum:
            self.rejected += 1
            return False
        self.balance -= amount
        return True

    @property
    def is_empty(self):
        return self.balance == 0

    @property
    def level(self):
        if self.balance > 100:
            return 2
        return 1

    @level.setter
    def level(self, value):
        if value > 1:
            self.balance = 1000
        else:
            self.balance = 10

    @staticmethod
    def fee(amount):
        if amount > 100:
            return amount // 100
        return 1

    @classmethod
    def with_bonus(cls, amount):
        if amount > 50:
            amount += 5
        return cls(amount)


class Overdraft(Account):
    minimum = -50

    def __init__(self, balance, limit):
        super().__init__(balance)
        self.limit = limit

    def withdraw(self, amount):
        if amount > self.limit:
            self.rejected += 100
            return False
        return super().withdraw(amount)

    @property
    def level(self):
        return super().level * 10


@program((50,), (-50,), (0,))
def method_in_a_branch(amount):
    account = Account(10)
    if amount != 0:
        account.deposit(amount)
    return account.balance, account.rejected


@program((100, 30), (20, 30))
def method_returns_a_value(balance, amount):
    account = Account(balance)
    accepted = account.withdraw(amount)
    return accepted, account.balance, account.rejected


@program((100, 5), (10, 5))
def method_in_a_loop(balance, count):
    account = Account(balance)
    for i in range(count):
        if not account.withdraw(i * 5):
            account.deposit(1)
    return account.balance, account.rejected


@program((30,), (0,), (300,))
def properties(balance):
    account = Account(balance)
    first = account.level
    if account.is_empty:
        account.level = 2
    return first, account.level, account.balance


@program((250,), (20,))
def static_method(amount):
    account = Account(amount)
    return Account.fee(amount) + account.fee(amount * 2)


@program((60,), (20,))
def class_method(amount):
    return Account.with_bonus(amount).balance, Overdraft.fee(amount)


@program((10, 40), (10, 70), (10, 10), (60, 500))
def zero_argument_super(balance, amount):
    account = Overdraft(balance, 200)
    accepted = account.withdraw(amount)
    return accepted, account.balance, account.rejected, account.level


class Counter:
    def __init__(self):
        self.__count = 0
        self.__steps = [0, 0]

    def __bump(self, by):
        if by > 2:
            self.__count += by
            self.__steps[0] += 1
        else:
            self.__steps[1] += 1

    def run(self, n):
        for i in range(n):
            self.__bump(i)
        return self.__count, self.__steps


@program((6,), (0,))
def private_names(n):
    return Counter().run(n)


@dataclass
class Particle:
    position: float
    velocity: float
    hits: int = 0
    trail: list = field(default_factory=list)

    def step(self, dt):
        self.position += self.velocity * dt
        if self.position > 1.0:
            self.position = 2.0 - self.position
            self.velocity = -self.velocity
            self.hits += 1
        elif self.position < 0.0:
            self.position = -self.position
            self.velocity = -self.velocity
            self.hits += 1


@program((0.5, 0.4, 10), (0.5, 0.0, 3), (0.1, -0.7, 0))
def data_class(position, velocity, steps):
    particle = Particle(position, velocity)
    for _ in range(steps):
        particle.step(0.5)
    return particle.position, particle.velocity, particle.hits


@dataclass(frozen=True)
class Vector:
    x: float
    y: float

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    def limited(self, longest):
        length = (self.x**2 + self.y**2) ** 0.5
        if length > longest:
            return self * (longest / length)
        return self


@program((3.0, 4.0), (0.3, 0.4))
def frozen_data_class(x, y):
    limited = (Vector(x, y) + Vector(0.0, 0.0)).limited(1.0)
    mirrored = replace(limited, x=-limited.x)
    return limited.x, limited.y, mirrored.x


Point = namedtuple("Point", "x y")


@program((3, 4), (-3, 4))
def named_tuple(x, y):
    point = Point(x, y)
    if point.x < 0:
        point = point._replace(x=-point.x)
    else:
        point = Point(x=point.y, y=point.x)
    return point


@program((4,), (0,))
def named_tuple_carried(n):
    point = Point(0, 1)
    for i in range(n):
        point = Point(point.y, point.x + point.y * i)
    return point.x, point.y


class Interval(NamedTuple):
    low: float
    high: float

    def shrink(self, target):
        middle = (self.low + self.high) / 2
        if middle * middle < target:
            return Interval(middle, self.high)
        return Interval(self.low, middle)


@program((2.0, 20), (0.5, 20), (2.0, 0))
def typed_named_tuple(target, steps):
    interval = Interval(0.0, 2.0)
    while steps > 0:
        interval = interval.shrink(target)
        steps -= 1
    return interval


class Polynomial:
    def __init__(self, *coefficients):
        self.coefficients = coefficients

    def __call__(self, x):
        result = 0.0
        for coefficient in self.coefficients:
            result = result * x + coefficient
        if result < 0:
            return result * 2
        return result

    def __len__(self):
        return len(self.coefficients)

    def __getitem__(self, i):
        return self.coefficients[i]


@program((2.0,), (-2.0,))
def callable_object(x):
    cubic = Polynomial(1.0, 0.0, -3.0, 1.0)
    return cubic(x), len(cubic), cubic[2]


class Grid:
    def __init__(self, cells):
        self.cells = cells
        self.writes = 0

    def __getitem__(self, position):
        return self.cells[position]

    def __setitem__(self, position, value):
        self.writes += 1
        if value > 9:
            value = 9
        self.cells[position] = value

    def __contains__(self, value):
        return (self.cells == value).any()

    def __iter__(self):
        return iter(self.cells)


@program((ints(1, 2, 3), 7), (ints(1, 2, 3), 70))
def item_protocol(cells, value):
    grid = Grid(cells)
    grid[1] = value
    grid[2] += value
    return grid[1], grid[2], grid.writes, sum(grid)


@program((ints(1, 2, 3), 3), (ints(1, 2, 3), 7))
def membership_protocol(cells, value):
    grid = Grid(cells)
    if value in grid:
        return 1
    return 0


class Fraction:
    def __init__(self, numerator, denominator):
        self.numerator = numerator
        self.denominator = denominator

    def __add__(self, other):
        return Fraction(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        ).reduced()

    def __lt__(self, other):
        return self.numerator * other.denominator < other.numerator * self.denominator

    def __eq__(self, other):
        return self.numerator * other.denominator == other.numerator * self.denominator

    def __neg__(self):
        return Fraction(-self.numerator, self.denominator)

    def __bool__(self):
        return True

    def reduced(self):
        a, b = self.numerator, self.denominator
        while b != 0:
            a, b = b, a % b
        return Fraction(self.numerator // a, self.denominator // a)


@program((1, 2, 1, 3), (1, 4, 3, 4), (5, 6, 1, 6), (1, 2, 2, 4))
def operators(a, b, c, d):
    left, right = Fraction(a, b), Fraction(c, d)
    total = left + right
    if left < right:
        total = -total
    return total.numerator, total.denominator, left == right


class Node:
    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right

    def insert_sum(self, x):
        if x < self.value:
            if self.left is not None:
                return self.left.insert_sum(x)
            return self.value
        if self.right is not None:
            return self.right.insert_sum(x)
        return self.value * 10


@program((1,), (4,), (6,), (9,))
def tree_of_objects(x):
    root = Node(5, Node(3, None, Node(4)), Node(8))
    return root.insert_sum(x)


@program((5,), (0,), (2,))
def local_class(n):
    scale = n * 2

    class Accumulator:
        step = 1

        def __init__(self):
            self.total = 0

        def add(self, value):
            if value < scale - 4:
                self.total += value * self.step
            return self

    accumulator = Accumulator()
    for i in range(n):
        accumulator.add(i).add(1)
    return accumulator.total


class Base:
    def describe(self, x):
        if x > 0:
            return self.factor() * x
        return -1

    def factor(self):
        return 1


class Derived(Base):
    def factor(self):
        return 10


class Twice(Derived):
    def describe(self, x):
        return super().describe(x) + super(Derived, self).factor()


@program((3,), (-3,))
def overridden_methods(x):
    return Base().describe(x), Derived().describe(x), Twice().describe(x)


class Mode(enum.Enum):
    LINEAR = 1
    CLIPPED = 2


def activate(x, mode):
    if mode is Mode.LINEAR:
        return x
    if mode == Mode.CLIPPED:
        return x if x > 0 else 0 * x
    return -x


@program((3,), (-3,))
def enumeration(x):
    return activate(x, Mode.LINEAR), activate(x, Mode.CLIPPED), activate(x, None)


class Slotted:
    __slots__ = ("value", "history")

    def __init__(self, value):
        self.value = value
        self.history = 0


@program((5,), (0,))
def slots(n):
    item = Slotted(n)
    while item.value > 0:
        item.history = item.history * 10 + item.value
        item.value -= 2
    return item.value, item.history


@program((3,), (-3,))
def bound_methods(x):
    account = Account(x)
    deposit = account.deposit
    for action in (deposit, deposit, account.withdraw):
        action(2)
    return account.balance, account.rejected


class Celsius:
    """A descriptor that keeps its value in the instance."""

    def __get__(self, instance, owner=None):
        if instance.kelvin > 273:
            return instance.kelvin - 273
        return 0

    def __set__(self, instance, value):
        if value < -273:
            value = -273
        instance.kelvin = value + 273


class Thermometer:
    celsius = Celsius()

    def __init__(self, celsius):
        self.celsius = celsius


@program((20,), (-300,), (-100,))
def descriptor(value):
    thermometer = Thermometer(value)
    return thermometer.celsius, thermometer.kelvin


class Lazy:
    def __init__(self, xs):
        self.xs = xs

    @functools.cached_property
    def norm(self):
        total = 0.0
        for x in self.xs:
            if x > 0:
                total += x * x
        return total


@program((floats(1, -2, 3),))
def cached_property(xs):
    lazy = Lazy(xs)
    return lazy.norm + lazy.norm


class Layer:
    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def __call__(self, x):
        y = x @ self.weights + self.bias
        if y.sum() > 10:
            y = y / y.sum()
        return jnp.maximum(y, 0.0)


class Network:
    def __init__(self, *layers):
        self.layers = layers
        self.calls = 0

    def __call__(self, x):
        for layer in self.layers:
            self.calls += 1
            x = layer(x)
        return x


@program((floats(1, 2), 1), (floats(1, 2), 3))
def network_of_layers(x, n):
    network = Network(Layer(jnp.eye(2) * 3, 1.0), Layer(jnp.ones((2, 2)), -0.5))
    for _ in range(n):
        x = network(x)
    return x, network.calls


class Stack:
    """A stack of fixed capacity, in an array."""

    def __init__(self, storage):
        self.storage = storage
        self.size = 0

    def push(self, value):
        self.storage[self.size] = value
        self.size += 1

    def pop(self):
        self.size -= 1
        return self.storage[self.size]


@program((ints(0, 0, 0, 0, 0, 0), 4), (ints(0, 0, 0, 0, 0, 0), 0))
def array_in_an_object(storage, n):
    stack = Stack(storage)
    for i in range(n):
        stack.push(i * i)
        if i % 2 == 1:
            stack.push(stack.pop() + stack.pop())
    return stack.size, stack.storage[0], stack.storage[1]


@program((5,), (0,))
def class_attribute_is_changed(n):
    class Shared:
        total = 0

    for i in range(n):
        if i % 2 == 0:
            Shared.total += i
    return Shared.total


@program((5,), (2,))
def attributes_by_name(x):
    class Bag:
        pass

    bag = Bag()
    for name in ("low", "high"):
        setattr(bag, name, x + len(name))
    if bag.low > 6:
        bag.high = bag.low
    return getattr(bag, "high"), hasattr(bag, "missing"), getattr(bag, "missing", 3)


@dataclass
class Recorder:
    gain: float
    log: list = field(default_factory=list)
    last: object = None

    def __post_init__(self):
        if self.gain > 2:
            self.gain = 2.0
        self.steps = 0

    def take(self, x):
        self.log.append(x * self.gain)
        self.last = x if x > 1 else self.last
        self.steps += 1


@program((1.0, 3), (9.0, 1), (0.5, 0), jit=False, why="lists grow without a bound, and only ag.function repeats")
def dataclasses_with_lists_of_their_own(gain, n):
    one, other = Recorder(gain), Recorder(1.0, [])
    for k in range(n):
        one.take(gain + k)
    if gain > 0.5:
        other.log.append(gain)
    mine, theirs = {"k": one.log}, {"k": other.log}
    same = one == other, one != Recorder(gain), (n, one.log) == (n, list(one.log)), mine == theirs
    return one.gain, one.log, one.last is None, one.steps, len(other.log), same

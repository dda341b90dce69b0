"""Objects that staged code changes: accounts, stacks, matrices, running statistics, simulators, linked nodes."""

import dataclasses

from corpus import bools, floats, ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


class Account:
    interest = 0.5

    def __init__(self, balance):
        self.balance = balance
        self.history = []
        self.flags = {"frozen": False, "count": 0}

    def withdraw(self, amount):
        if amount > self.balance:
            self.flags["frozen"] = True
            return False
        self.balance -= amount
        self.flags["count"] += 1
        return True

    def transfer(self, other, amount):
        if self.withdraw(amount):
            other.balance += amount
            return 1
        return 0


@program((10, 3), (10, 30))
def a_transfer_between_accounts(start, amount):
    a, b = Account(start), Account(1)
    done = a.transfer(b, amount)
    done += b.transfer(a, amount - 1)
    return done, a.balance, b.balance, a.flags["frozen"], b.flags["count"]


@program((3,), (-3,))
def the_object_that_a_condition_chooses(x):
    a, b = Account(1), Account(2)
    chosen = a if x > 0 else b
    chosen.balance += 10
    chosen.flags["count"] += 1
    return a.balance, b.balance, a.flags["count"], b.flags["count"], chosen is a


@program((1, 5), (0, 50), (2, 7))
def an_item_by_a_staged_index(i, amount):
    accounts = [Account(10), Account(20), Account(30)]
    accounts[i].balance -= amount
    ok = accounts[i].withdraw(amount)
    return [account.balance for account in accounts], ok


@program((floats(3, -1, 7, 2),), (floats(-3, -1, -7, -2),))
def the_best_of_several_objects(values):
    particles = [Account(1.0), Account(2.0), Account(3.0), Account(4.0)]
    best = particles[0]
    for k in range(4):
        particles[k].balance *= values[k]
        if particles[k].balance > best.balance:
            best = particles[k]
    best.balance = 100.0
    return [p.balance for p in particles]


class Welford:
    def __init__(self):
        self.n = 0
        self.mean = 0.0
        self.m2 = 0.0

    def push(self, x):
        self.n += 1
        delta = x - self.mean
        self.mean += delta / self.n
        self.m2 += delta * (x - self.mean)
        return self

    @property
    def variance(self):
        if self.n < 2:
            return 0.0
        return self.m2 / (self.n - 1)


@program((floats(1, 2, 4, 8), 1.5), (floats(1, 2, 4, 8), 9.0))
def running_statistics(xs, least):
    stats = Welford()
    for x in xs:
        if x > least:
            stats.push(x).push(-x)
    return stats.n, stats.mean, stats.variance


class Stack:
    def __init__(self):
        self.items = []

    def push(self, v):
        self.items.append(v)

    def pop(self):
        return self.items.pop()

    def __len__(self):
        return len(self.items)


@program((ints(3, 4, -1, 5, -2),), raises(ints(3, 4, -1, -2, 7)))
def a_calculator_with_a_stack(codes):
    stack = Stack()
    for code in codes:
        if code == -1:
            stack.push(stack.pop() + stack.pop())
        elif code == -2:
            stack.push(stack.pop() * stack.pop())
        else:
            stack.push(code)
    return stack.pop(), len(stack)


class Node:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next


@program((2,), (0,))
def a_linked_list_is_walked(x):
    head = Node(1, Node(2, Node(3)))
    node = head
    total = 0
    while node is not None:
        if node.value > x:
            node.value *= 10
        total += node.value
        node = node.next
    return total, head.value, head.next.value


@program((3,), (-3,))
def two_names_for_one_fresh_object(x):
    if x > 0:
        p = Node(1)
        q = p
    else:
        p = Node(2)
        q = p
    q.value += 5
    return p.value, q.value


@dataclasses.dataclass
class Robot:
    x: float = 0.0
    y: float = 0.0
    heading: int = 0
    log: dict = dataclasses.field(default_factory=lambda: {"moves": 0, "turns": 0})

    def step(self, code):
        match code:
            case 0:
                self.heading = (self.heading + 1) % 4
                self.log["turns"] += 1
            case 1:
                self.move(1.0)
            case _:
                self.move(-0.5)

    def move(self, d):
        if self.heading == 0:
            self.x += d
        elif self.heading == 1:
            self.y += d
        elif self.heading == 2:
            self.x -= d
        else:
            self.y -= d
        self.log["moves"] += 1


@program((ints(1, 0, 1, 0, 0, 2, 1),))
def a_robot_follows_codes(codes):
    robot = Robot()
    for code in codes:
        robot.step(code)
    return robot.x, robot.y, robot.heading, robot.log


class Queue:
    def __init__(self, size):
        self.data = [0] * size
        self.head = 0
        self.count = 0

    @property
    def full(self):
        return self.count == len(self.data)

    def put(self, v):
        if self.full:
            raise OverflowError(v)
        self.data[(self.head + self.count) % len(self.data)] = v
        self.count += 1

    def get(self):
        v = self.data[self.head]
        self.head = (self.head + 1) % len(self.data)
        self.count -= 1
        return v


@program((5, 2), (6, 3), raises(9, 5))
def a_ring_buffer(n, every):
    queue = Queue(4)
    total = 0
    for i in range(n):
        queue.put(i)
        if i % every == 0:
            total += queue.get()
    return total, queue.count, queue.data


@program((3,), (-3,))
def a_counter_of_the_class(x):
    Account.interest = 0.5
    if x > 0:
        Account.interest += 1.0
    r = Account.interest
    Account.interest = 0.5
    return r


@program((4,), (0,))
def memo_in_a_dict_of_lists(n):
    memo = {"fib": [0, 1], "calls": 0}
    k = 0
    while k < n:
        a, b = memo["fib"]
        memo["fib"][0], memo["fib"][1] = b, a + b
        memo["calls"] += 1
        k += 1
    return memo["fib"][1], memo["calls"]


@program((1, 9), (0, 9))
def rows_by_a_staged_index(i, v):
    grid = [[1, 2], [3, 4]]
    grid[i][0] = v
    grid[i][1] += v
    row = grid[i]
    return grid, row[0] - row[1], sum(row), len(row)


@program((3,), (-3,))
def one_path_replaces_what_another_name_holds(x):
    first = {"k": 1}
    second = first
    if x > 0:
        second = {"k": 5}
    second = {"k": second["k"] + 1}
    return first["k"], second["k"]

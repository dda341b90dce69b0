"""The same training on one device, on a mesh of devices, and over several processes.

The model is a layer that goes on until its activations have settled, so every example has a loop of its own length in
it, and training itself is a loop that stops early; all of it is one graph. The batch is sharded over the devices, in
two ways: by `jax.sharding`, where the compiler splits the graph, and by `jax.shard_map`, where each device runs the
loops of its own examples, for as long as these need, and only the gradients are averaged.

On one machine:

    XLA_FLAGS=--xla_force_host_platform_device_count=8 python data_parallel.py

On several, the same command on each, with the address of the first (on GPUs and TPUs, leave XLA_FLAGS out):

    python data_parallel.py --coordinator 10.0.0.1:1234 --processes 2 --process 0
    python data_parallel.py --coordinator 10.0.0.1:1234 --processes 2 --process 1
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import autograph as ag


def settle(params, x):
    """One example through the layer; how long that takes depends on the example."""
    h = jnp.zeros_like(x)
    change, steps = jnp.inf, 0
    while change > 1e-5 and steps < 200:
        new = jnp.tanh(params["w"] @ h + x)
        change = jnp.max(jnp.abs(new - h))
        h = new
        steps += 1
    return h @ params["out"], steps


def loss_of(params, inputs, targets):
    outputs, steps = jax.vmap(settle, in_axes=(None, 0))(params, inputs)
    return jnp.mean((outputs - targets) ** 2), jnp.max(steps)


def train(params, inputs, targets, average):
    """Gradient descent until it no longer gets much better. `average` is over the devices."""
    best, patience, epoch, longest = jnp.inf, 3, 0, 0
    while epoch < 60:
        (loss, steps), slopes = jax.value_and_grad(loss_of, has_aux=True)(params, inputs, targets)
        loss, slopes = average(loss), average(slopes)
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, slopes)
        longest = jnp.maximum(longest, steps)
        epoch += 1
        if loss < best * 0.995:
            best, patience = loss, 3
        else:
            patience -= 1
            if patience == 0:
                break
    return params, best, epoch, longest


def data(count: int, size: int) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(count, size)).astype(np.float32)
    targets = np.tanh(inputs).sum(axis=1).astype(np.float32) * 0.3
    params = {"w": np.eye(size, dtype=np.float32) * 0.4 + 0.05, "out": np.full(size, 0.1, np.float32)}
    return params, inputs, targets


def on_one_device(params: Any, inputs: Any, targets: Any) -> Any:
    return jax.jit(ag.convert(partial(train, average=lambda value: value)))(params, inputs, targets)


def sharded(mesh: Mesh, params: Any, inputs: Any, targets: Any) -> Any:
    """The compiler splits the graph; the program is the one for a single device."""
    whole, rows = NamedSharding(mesh, P()), NamedSharding(mesh, P("batch"))
    function = jax.jit(
        ag.convert(partial(train, average=lambda value: value)), in_shardings=(whole, rows, rows), out_shardings=whole
    )
    place = jax.make_array_from_callback
    inputs, targets = (place(array.shape, rows, lambda index, array=array: array[index]) for array in (inputs, targets))
    return function(params, inputs, targets)


def mapped(mesh: Mesh, params: Any, inputs: Any, targets: Any) -> Any:
    """Each device runs the program on its part of the batch; the averages are what keeps them together."""

    def of_device(params: Any, inputs: Any, targets: Any) -> Any:
        params, best, epoch, longest = ag.convert(partial(train, average=partial(jax.lax.pmean, axis_name="batch")))(
            params, inputs, targets
        )
        return params, best, epoch, jax.lax.pmax(longest, "batch")

    rows = NamedSharding(mesh, P("batch"))
    place = jax.make_array_from_callback
    inputs, targets = (place(array.shape, rows, lambda index, array=array: array[index]) for array in (inputs, targets))
    function = jax.shard_map(
        of_device, mesh=mesh, in_specs=(P(), P("batch"), P("batch")), out_specs=P(), check_vma=False
    )
    return jax.jit(function)(params, inputs, targets)


def report(name: str, found: Any) -> list[float]:
    params, best, epoch, longest = jax.tree.map(np.asarray, found)
    numbers = [float(best), int(epoch), int(longest), float(np.abs(params["w"]).sum()), float(params["out"].sum())]
    print(f"{name:12} loss {numbers[0]:.6f} in {epoch} epochs, at most {longest} iterations, weights {numbers[3]:.5f}")
    return numbers


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="as little work as shows the point")
    parser.add_argument("--coordinator", help="address and port of the first process")
    parser.add_argument("--processes", type=int, default=1, help="how many there are")
    parser.add_argument("--process", type=int, default=0, help="which of them this is")
    chosen = parser.parse_args(argv)
    if chosen.coordinator:
        jax.distributed.initialize(chosen.coordinator, chosen.processes, chosen.process)
    devices = jax.devices()
    print(f"{len(devices)} devices of {jax.process_count()} processes")
    mesh = Mesh(np.array(devices), ("batch",))
    arguments = data(len(devices) * (4 if chosen.quick else 64), 4 if chosen.quick else 32)
    expected = report("one device", on_one_device(*arguments))
    for name, found in (("sharded", sharded(mesh, *arguments)), ("shard_map", mapped(mesh, *arguments))):
        np.testing.assert_allclose(report(name, found), expected, rtol=2e-4)
    print("all agree")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

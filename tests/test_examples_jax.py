"""The examples in `examples/jax`: what they compute, against plain Python, and that each writes its plot.

All that can run in one process does; more than one device, or process, needs a Python of its own.
"""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import image

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "jax"


@pytest.fixture(scope="module", autouse=True)
def on_the_path() -> Iterator[None]:
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[ModuleType, object]]:
    """Runs an example's `main`, checks its plot, and gives the module with what its `run` returned."""

    def of(name: str) -> tuple[ModuleType, object]:
        example = importlib.import_module(name)
        found = []
        original = example.run
        monkeypatch.setattr(example, "run", lambda quick: found.append(original(quick)) or found[-1])
        assert example.main(["--quick", "--output", str(tmp_path)]) == 0
        drawn = image.imread(tmp_path / f"{name}.png")
        assert drawn.std() > 0.01
        return example, found[0]

    return of


def test_training_stops_early_and_prints_as_it_goes(results, capfd):
    _, found = results("training_loop")
    printed = capfd.readouterr().out
    assert "epoch 20 training loss" in printed
    assert len(found["train"]) == len(found["test"])
    assert min(found["test"]) <= found["best"] <= min(found["test"]) + 1e-3
    assert found["accuracy"] > 0.8
    if len(found["test"]) < 60:
        assert f"stopped at epoch {len(found['test']) - 1}" in printed
        assert min(found["test"][:-12]) < min(found["test"][-12:]) + 1e-3


def test_flax_and_equinox_layers_with_loops_train(results):
    _, found = results("modules")
    for curve, _, steps in found.values():
        assert curve[-1] < 0.8 * curve[0]
        assert len(set(np.asarray(steps).tolist())) > 1  # each example its own


def test_meta_learning_differentiates_through_the_inner_loop(results):
    example, found = results("maml")
    assert np.isfinite(found["curve"]).all()
    params, key = example.initial(jax.random.key(1), 4), jax.random.key(5)
    x, y = example.task(key)

    def adapted(params, adapt):
        learnt, steps = adapt(params, x[0], y[0], 3)
        return example.error(learnt, x[1], y[1]), steps

    import autograph as ag

    (value, steps), slopes = jax.jit(jax.value_and_grad(lambda p: adapted(p, ag.convert(example.adapt)), has_aux=True))(
        params
    )
    (expected, count), by_python = jax.value_and_grad(lambda p: adapted(p, example.adapt), has_aux=True)(params)
    assert int(steps) == int(count) == 3
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-4), slopes, by_python)


def test_each_sequence_is_read_to_its_end(results):
    _, found = results("recurrent")
    assert found["lengths"].tolist() == found["expected"].tolist()
    assert found["curve"][-1] < found["curve"][0]


def test_lbfgs_takes_the_steps_of_plain_python(results, capfd):
    example, found = results("lbfgs")
    assert "converged in iteration" in capfd.readouterr().out
    np.testing.assert_allclose(found["x"], 1.0, atol=1e-7)
    with jax.enable_x64(True):
        start = jnp.array([-1.2, 1.0, -1.2, 1.0])
        _, value, evaluations, curve = example.minimize(example.rosenbrock, start, 12, 1e-8)
    np.testing.assert_allclose([float(v) for v in curve], found["curve"][:12], rtol=1e-6)
    assert evaluations < found["evaluations"]


def test_beam_search_finds_what_plain_python_finds(results):
    example, found = results("beam_search")
    assert found[4][1] >= found[1][1]
    for width, (word, score, steps, history) in found.items():
        best, by_python, count, scores = example.search(example.model(), width, 20)
        assert (example.spelled(best), count) == (word, steps)
        np.testing.assert_allclose([float(by_python), *map(float, scores)], [score, *history], rtol=1e-5)


def test_the_gradient_of_the_solver_is_right(results):
    example, found = results("ode")
    assert found["curve"][-1] < 0.5 * found["curve"][0]
    import autograph as ag

    with jax.enable_x64(True):
        times, start = jnp.linspace(0.0, 1.0, 3), jnp.array([3.0, 2.0])
        params, along = jnp.array([1.1, 0.4, 0.1, 0.4]), jnp.array([0.3, -0.5, 0.8, 0.1])
        solve = jax.jit(ag.convert(lambda params: jnp.sum(example.solve(start, params, times, 1e-5)[0])))
        plain = jnp.sum(example.ag.stack(example.solve(start, params, times, 1e-5)[0]))
        np.testing.assert_allclose(solve(params), plain, rtol=1e-9)
        difference = (solve(params + 1e-6 * along) - solve(params - 1e-6 * along)) / 2e-6
        np.testing.assert_allclose(jnp.vdot(jax.jit(jax.grad(solve))(params), along), difference, rtol=1e-5)


# --- As scripts, on several devices and in several processes ----------------------------------------------------------


def start(*arguments: str, devices: int, folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "JAX_PLATFORMS": "cpu",
        # What is compiled here runs for a moment.
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0",
    }
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finished(process: subprocess.Popen[str]) -> str:
    try:
        output, _ = process.communicate(timeout=150)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, output
    return output


def test_training_on_eight_devices_gives_what_one_gives(tmp_path):
    printed = finished(start(str(EXAMPLES / "data_parallel.py"), "--quick", devices=8, folder=tmp_path))
    assert "8 devices of 1 processes" in printed
    assert printed.rstrip().endswith("all agree")


def test_training_over_two_processes_gives_what_one_gives(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = ("--quick", "--coordinator", address, "--processes", "2", "--process")
    example = str(EXAMPLES / "data_parallel.py")
    both = [start(example, *arguments, str(number), devices=2, folder=tmp_path) for number in range(2)]
    try:
        for process in both:
            printed = finished(process)
            assert "4 devices of 2 processes" in printed
            assert printed.rstrip().endswith("all agree")
    finally:
        for process in both:
            process.kill()


def test_an_example_runs_as_a_script(tmp_path):
    printed = finished(start(str(EXAMPLES / "lbfgs.py"), "--quick", devices=1, folder=tmp_path))
    assert "converged" in printed
    assert (tmp_path / "autograph-examples" / "lbfgs.png").exists()

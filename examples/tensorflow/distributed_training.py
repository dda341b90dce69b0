"""Mirrored and multi-worker training, with control flow in the step, to the same weights as on one device.

The same model is trained three times: on one device; by `MirroredStrategy` on two logical CPU devices of this process;
and by `MultiWorkerMirroredStrategy` in two processes, which the program starts and which talk over the loopback
interface, told by TF_CONFIG where each of them is. Each replica gets its part of each batch, and gradients are summed
over the replicas, so that the weights agree to the precision of the sums.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import autograph as ag
from case_study import command_line

BATCH_SIZE = 64
HARD = 2.0
TOLERANCE = 1e-4
WORKERS = 2
SECONDS_FOR_WORKERS = 300

# --------------------------------------------------------------------------------------------------------- training


def train(strategy, model, optimizer, dataset):
    def step_fn(images, labels):
        with tf.GradientTape() as tape:
            scores = model(images)
            total = 0.0
            # Examples that the model finds hard count twice.
            for loss in tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores):
                if loss > HARD:
                    total += 2.0 * loss
                else:
                    total += loss
            total /= BATCH_SIZE
        gradients = tape.gradient(total, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return total

    first = last = -1.0
    for images, labels in dataset:
        last = strategy.reduce("SUM", strategy.run(step_fn, args=(images, labels)), axis=None)
        if first < 0:
            first = last
    return first, last


def train_with(strategy: tf.distribute.Strategy, batches: int, title: str) -> list[np.ndarray]:
    """Train a fresh model, print its first and last loss, and return its weights."""
    with strategy.scope():
        model = make_model()
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        dataset = strategy.experimental_distribute_dataset(digits(batches))
        first, last = ag.function(train)(strategy, model, optimizer, dataset)
    # In one piece: two workers write to the same terminal.
    sys.stdout.write(f"{title}: loss of the first batch {float(first):.4f}, of the last {float(last):.4f}\n")
    sys.stdout.flush()
    return model.get_weights()


def make_model() -> keras.Model:
    model = keras.Sequential(
        [
            keras.layers.Dense(32, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
            keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
        ]
    )
    model.build((None, 64))
    return model


def digits(batches: int) -> tf.data.Dataset:
    """Batches of scikit-learn's digits, to be divided among the replicas."""
    images, labels = load_digits(return_X_y=True)
    dataset = tf.data.Dataset.from_tensor_slices(((images / 16).astype(np.float32), labels.astype(np.int32)))
    dataset = dataset.repeat().batch(BATCH_SIZE).take(batches)
    # There are no files that the workers could share out among them: each goes through all, and takes its part.
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


# ---------------------------------------------------------------------------------------------------------- workers


def start_workers(batches: int, directory: Path) -> list[subprocess.Popen[bytes]]:
    """Start this file once for each worker; each writes its weights into the folder."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(WORKERS)]
    workers = []
    for index in range(WORKERS):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        workers.append(
            subprocess.Popen(
                [sys.executable, __file__, "--batches", str(batches), "--worker", str(directory / f"{index}.npz")],
                env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
            )
        )
    return workers


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(workers: list[subprocess.Popen[bytes]]) -> None:
    """Wait until all workers are done.

    Raises:
        RuntimeError: one of them failed, for which the others would wait, or they took too long.
    """
    deadline = time.monotonic() + SECONDS_FOR_WORKERS
    while any(worker.poll() is None for worker in workers):
        if any(worker.poll() for worker in workers):
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"the workers took more than {SECONDS_FOR_WORKERS} seconds")
        time.sleep(0.05)
    codes = [worker.poll() for worker in workers]
    if codes != [0] * len(workers):
        raise RuntimeError(f"a worker failed; the exit codes are {codes}")


def stop(workers: list[subprocess.Popen[bytes]]) -> None:
    """End the workers that still run."""
    for worker in workers:
        if worker.poll() is None:
            worker.kill()
            worker.wait()


def work(batches: int, file: Path) -> int:
    """What a worker does. Its strategy finds its place in the cluster in TF_CONFIG."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    np.savez(file, *train_with(strategy, batches, f"worker {strategy.cluster_resolver.task_id}"))
    return 0


# ------------------------------------------------------------------------------------------------------- the program


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line(__doc__)
    parser.add_argument("--batches", type=int, metavar="N", help="how many batches to train on")
    parser.add_argument("--worker", type=Path, metavar="FILE", help="run as a worker, and write the weights to FILE")
    options = parser.parse_args(argv)
    batches = options.batches or (10 if options.quick else 100)
    if options.worker is not None:
        return work(batches, options.worker)

    # The workers come up while this process trains.
    with tempfile.TemporaryDirectory() as folder:
        workers = start_workers(batches, Path(folder))
        try:
            expected, mirrored = train_here(batches)
            wait_for(workers)
        finally:
            stop(workers)
        files = [np.load(Path(folder) / f"{index}.npz") for index in range(WORKERS)]
        distributed = [list(file.values()) for file in files]

    agree = [compare("MirroredStrategy on two devices", expected, mirrored)]
    for index, weights in enumerate(distributed):
        agree.append(compare(f"MultiWorkerMirroredStrategy, worker {index}", expected, weights))
    return 0 if all(agree) else 1


def train_here(batches: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The weights after training on one device, and on two logical devices."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    expected = train_with(tf.distribute.get_strategy(), batches, "one device")
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    return expected, train_with(strategy, batches, "two logical devices")


def compare(title: str, expected: list[np.ndarray], found: list[np.ndarray]) -> bool:
    difference = max(np.abs(e - f).max() for e, f in zip(expected, found, strict=True))
    print(f"{title}: weights differ by at most {difference:.1g} from those of one device")
    return difference < TOLERANCE


if __name__ == "__main__":
    raise SystemExit(main())

"""The case studies in `examples/tensorflow`: each as a user runs it, and what it computes against plain Python.

All that can run in one process does, because TensorFlow takes seconds to import. The readers and writers of data files
have tests of their own.
"""

from __future__ import annotations

import gzip
import importlib
import io
import os
import re
import runpy
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib import image

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "tensorflow"
PAGES = ROOT / "docs" / "tensorflow-case-studies"


@pytest.fixture(scope="module", autouse=True)
def on_the_path() -> Iterator[None]:
    """Both folders on the path, as the first one is when an example runs as a script."""
    added = [str(EXAMPLES), str(ROOT / "docs")]
    sys.path[:0] = added
    yield
    for folder in added:
        sys.path.remove(folder)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs an example's `main` and gives what it printed, also what TensorFlow printed for it."""

    def run_example(name: str, *arguments: str) -> str:
        capfd.readouterr()
        assert importlib.import_module(name).main(["--quick", *arguments]) == 0
        return capfd.readouterr().out

    return run_example


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


def shown_on_its_page(name: str) -> str:
    text = (PAGES / f"{name}.md").read_text()
    found = re.search(r"## What it prints\n\n```\n(.*?)```\n", text, re.DOTALL)
    assert found is not None
    return found[1]


# ------------------------------------------------------------------------------------------------- small case studies


def three_ways(call: str, value: str) -> list[str]:
    return [f"{call} {way}: {value}" for way in ("by Python", "as a TensorFlow 2 function", "as a 1.x graph")]


def test_the_square_of_a_positive_number_and_zero_otherwise(run: Callable[..., str]) -> None:
    printed = run("square_if_positive")
    assert printed.splitlines() == three_ways("g(9.0)", "81.0") + three_ways("g(-9.0)", "0.0")
    assert printed == shown_on_its_page("square_if_positive")


def test_collatz_counts_the_same_steps_each_way(run: Callable[..., str]) -> None:
    printed = run("collatz")
    expected = [line for n, steps in [(1, 0), (6, 8), (27, 111)] for line in three_ways(f"collatz({n})", str(steps))]
    assert printed.splitlines() == expected
    assert printed == shown_on_its_page("collatz")


def test_sums_of_even_numbers_with_continue_and_with_break(run: Callable[..., str]) -> None:
    printed = run("sum_even")
    numbers = [10, 12, 15, 20, 7, 4]
    expected = three_ways(f"sum_even({numbers})", "46")
    for limit, total in [(0, 10), (15, 22), (100, 46)]:
        expected += three_ways(f"sum_even_until({numbers}, {limit})", str(total))
    assert printed.splitlines() == expected
    assert printed == shown_on_its_page("sum_even")


def test_the_assertion_stops_the_graph_with_its_message(run: Callable[..., str]) -> None:
    printed = run("assertion")
    assert printed.splitlines() == [
        *three_ways("inverse(4.0)", "0.25"),
        "inverse(0.0) by Python: AssertionError: Do not pass zero!",
        "inverse(0.0) as a TensorFlow 2 function: InvalidArgumentError: Do not pass zero!",
        "inverse(0.0) as a 1.x graph: InvalidArgumentError: Do not pass zero!",
    ]
    assert printed == shown_on_its_page("assertion")


def test_only_the_branch_that_is_taken_prints(run: Callable[..., str]) -> None:
    printed = run("print_sign")
    expected = []
    for n, text in [(1, "1 is positive or zero!"), (-1, "-1 is negative!")]:
        for line in three_ways(f"print_sign({n})", ""):
            expected += [line.rstrip(), text]
    assert printed.splitlines() == expected
    assert printed == shown_on_its_page("print_sign")


def test_a_list_filled_in_a_loop_becomes_one_tensor(run: Callable[..., str]) -> None:
    printed = run("list_in_a_loop")
    assert printed.splitlines() == three_ways("squares(7)", "[0, 1, 4, 9, 16, 25, 36]") + three_ways(
        "running_maximum([3, 1, 4, 1, 5, 9, 2, 6])", "[3, 3, 4, 4, 5, 9, 9, 9]"
    )
    assert printed == shown_on_its_page("list_in_a_loop")


def test_primes_are_printed_by_an_operation_that_returns_nothing(run: Callable[..., str]) -> None:
    printed = run("print_primes")
    primes = [n for n in range(2, 50) if all(n % k for k in range(2, n))]
    halves = re.fullmatch(r"As a TensorFlow 2 function:\n(.*)As a 1\.x graph:\n(.*)", printed, re.DOTALL)
    assert halves is not None
    for half in halves.groups():
        heading, _, numbers = half.partition("\n")
        assert heading == "The prime numbers less than 50 are:"
        assert [int(number) for number in re.findall(r"\d+", numbers)] == primes
    assert printed == shown_on_its_page("print_primes")


def test_no_primes_below_zero() -> None:
    tf = importlib.import_module("tensorflow")
    ag = importlib.import_module("autograph")
    with pytest.raises(tf.errors.InvalidArgumentError, match="There are no numbers below that"):
        ag.function(module("print_primes").print_primes)(tf.constant(-1))


def test_first_functions_compute_what_python_computes(
    run: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    printed = run("first_functions")
    values, _, code = printed.partition("to_code(sample_function):\n")
    lines = values.splitlines()
    assert lines[:11] == [
        "compute_sum(10): 45",
        "conditional_operation(5.0): 10.0",
        "conditional_operation(-5.0): -2.5",
        "fibonacci(10): 55",
        "safe_operation(16.0): 4.0",
        "safe_operation(-4.0): 0.0",
        "scale_vector([1, -2, 3], 2): [ 2. -2.  6.]",
        "scale_vector([1, 2], 10): [10. 20.]",
        "matrix_sum of 2 x 3 ones: 6.0",
        "matrix_sum of 4 x 5 ones: 20.0",
        f"nested_computation(20): {sum((i + j) % 3 == 0 for i in range(20) for j in range(i))}",
    ]
    assert lines[11] == "fast_sum of 100 numbers: 4950.0"
    assert re.fullmatch(r"the same loop by Python took \d+ times as long as the graph", lines[12])
    assert code.startswith("def sample_function(x):\n")
    assert "ag__.while_stmt" in code


def test_a_function_with_an_input_signature_is_traced_once_for_all_sizes() -> None:
    tf = importlib.import_module("tensorflow")
    examples = module("first_functions")
    for size in range(4):
        vector = np.arange(size, dtype=np.float32)
        expected = vector * 3
        if size:
            np.testing.assert_allclose(examples.scale_vector(tf.constant(vector), tf.constant(3.0)), expected)
    for shape in [(1, 1), (2, 7), (5, 0)]:
        assert float(examples.matrix_sum(tf.ones(shape))) == np.prod(shape)
    assert examples.scale_vector.experimental_get_tracing_count() == 1
    assert examples.matrix_sum.experimental_get_tracing_count() == 1


def test_tracing_is_printed_once_for_each_signature(run: Callable[..., str]) -> None:
    printed = run("polymorphism")
    # In a process where it has run before, nothing is traced again; so this is the only test that calls it.
    assert printed == shown_on_its_page("polymorphism")
    calls = re.findall(r"(.*):\n(tracing\n)?  (.*)\n", printed)
    assert calls == [
        ("two string tensors", "tracing\n", "'hello, world'"),
        ("two other string tensors", "", "'good morning'"),
        ("two integer tensors", "tracing\n", "3"),
        ("two Python strings", "tracing\n", "'hello, world'"),
        ("the same Python strings", "", "'hello, world'"),
        ("two other Python strings", "tracing\n", "'good morning'"),
    ]


# ------------------------------------------------------------------------------------------------------------ training


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+", text)]


def test_a_training_epoch_logs_each_tenth_step_and_does_what_python_does(run: Callable[..., str]) -> None:
    printed = run("training_epoch")
    logged = [numbers_in(line) for line in printed.splitlines() if line.startswith("step ")]
    assert [int(step) for step, _ in logged] == [0, 10, 20] * 2
    epochs = [float(loss) for loss in re.findall(r"the last loss of epoch \d: (.*)", printed)]
    assert len(epochs) == 2

    example = module("training_epoch")
    model, optimizer = example.make_model()
    expected = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", expected)
        losses = [float(example.train_epoch(model, optimizer, example.digits(batches=25))) for _ in range(2)]
    np.testing.assert_allclose(epochs, losses, rtol=1e-3, atol=1e-4)
    eager = [float(value) for value in re.findall(r"loss tf\.Tensor\(([^,]*),", expected.getvalue())]
    np.testing.assert_allclose([loss for _, loss in logged], eager, rtol=1e-3, atol=1e-4)


def test_a_keras_layer_with_a_condition_trains_and_is_saved(run: Callable[..., str]) -> None:
    printed = run("keras_layer")
    assert "LimitedNorm(5.0) of" not in printed
    assert "LimitedNorm(5) of [3.0, 4.0]: [3.0, 4.0]" in printed
    assert "LimitedNorm(5) of [6.0, 8.0]: [3.0, 4.0]" in printed
    assert "vectors scaled: 1\n" in printed
    first, last = numbers_in(re.search(r"loss after .*", printed)[0])
    assert last < first
    assert 0 < int(re.search(r"batches scaled while training: (\d+)", printed)[1]) <= 3 * 29
    assert float(re.search(r"digits recognised: (.*)%", printed)[1]) > 50
    assert "saved and loaded, it predicts the same" in printed


def test_mnist_trains_in_a_function_and_in_a_session_alike(run: Callable[..., str], tmp_path: Path) -> None:
    printed = run("mnist", "--steps", "60", "--out", str(tmp_path / "new" / "folder"))
    assert "1437 images of 8 by 8 pixels to train on, 360 to test with" in printed
    accuracies = [float(value) for value in re.findall(r"last ten test batches: (.*)%", printed)]
    assert len(accuracies) == 2
    assert min(accuracies) > 80
    logged = [numbers_in(line) for line in printed.splitlines() if line.startswith("step ")]
    assert [int(step) for step, _, _ in logged] == [0, 50, 0, 50]
    for file in ("function.png", "session.png"):
        pixels = image.imread(tmp_path / "new" / "folder" / file)
        assert pixels.shape[:2] == (480, 1200)
        # Four curves: many more colours than an empty pair of axes has.
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 100


def test_the_curves_of_mnist_are_those_of_plain_python() -> None:
    import keras

    example = module("mnist")
    sets = example.load(None)
    model = example.make_model((8, 8))
    optimizer = keras.optimizers.SGD(example.LEARNING_RATE, example.MOMENTUM)
    optimizer.build(model.trainable_variables)
    iterators = iter(example.batches(sets.train)), iter(example.batches(sets.test))
    expected = example.train(model, optimizer, *iterators, steps=12)
    for curves in (example.train_in_a_function(sets, 12), example.train_in_a_session(sets, 12)):
        assert curves._fields == expected._fields
        for name, curve, eager in zip(curves._fields, curves, expected, strict=True):
            assert curve.shape == (12,)
            np.testing.assert_allclose(curve, eager, rtol=1e-2, atol=1e-3, err_msg=name)


def test_mnist_reads_files_that_it_is_given_and_refuses_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example, data_files = module("mnist"), module("data_files")
    generator = np.random.default_rng(0)
    for prefix, number in (("train", 30), ("t10k", 20)):
        images = generator.integers(0, 256, (number, 28, 28)).astype(np.uint8)
        data_files.write_idx(tmp_path / f"{prefix}-images-idx3-ubyte", images)
        data_files.write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(number, dtype=np.uint8) % 10)
    out = str(tmp_path / "out")
    assert example.main(["--data", str(tmp_path), "--steps", "2", "--out", out]) == 0
    assert "30 images of 28 by 28 pixels to train on, 20 to test with" in capsys.readouterr().out

    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(SystemExit):
        example.main(["--data", str(tmp_path), "--steps", "2", "--out", out])
    assert re.search(r"error: there is no file .*t10k-labels-idx1-ubyte", capsys.readouterr().err)


def test_colorbot_trains_and_draws_the_colours_it_is_asked_for(run: Callable[..., str], tmp_path: Path) -> None:
    printed = run("colorbot", "forest green", "Light Salmon", "--out", str(tmp_path / "colours"), "--epochs", "2")
    assert "214 colours to train on, 24 to test with" in printed
    logged = [numbers_in(line) for line in printed.splitlines() if line.startswith("epoch ")]
    assert [int(epoch) for epoch, _, _ in logged] == [0, 1]
    first, last = numbers_in(re.search(r"training loss from .*", printed)[0])
    assert 0 < last < first
    np.testing.assert_allclose([first, last], [loss for _, loss, _ in logged], atol=1e-4)

    shown = re.findall(r"#(..)(..)(..) (.*): rgb\((\d+), (\d+), (\d+)\)", printed)
    assert [name for _, _, _, name, *_ in shown] == ["forest green", "Light Salmon"]
    pixels = image.imread(tmp_path / "colours" / "colours.png")
    height, width = pixels.shape[:2]
    for row, (*hexadecimal, _, red, green, blue) in enumerate(shown):
        assert [int(digits, 16) for digits in hexadecimal] == [int(red), int(green), int(blue)]
        # A swatch for each, from top to bottom, in the colour that was printed.
        swatch = pixels[int(height * (row + 0.5) / len(shown)), width // 10, :3] * 255
        np.testing.assert_allclose(swatch, [int(red), int(green), int(blue)], atol=1.5)


def test_colorbot_asks_for_names_until_a_line_is_empty(
    run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sky blue\nBrick (Red)\n\nnever asked\n"))
    printed = run("colorbot", "--out", str(tmp_path), "--epochs", "1")
    assert re.findall(r"#\w{6} (.*): rgb", printed) == ["sky blue", "Brick (Red)"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["brick-red-.png", "sky-blue.png"]


def test_the_network_of_colorbot_gives_what_plain_python_gives() -> None:
    import keras
    import tensorflow as tf

    ag = importlib.import_module("autograph")
    example = module("colorbot")
    keras.utils.set_random_seed(3)
    model = example.Colorbot()
    model.build((None, None, example.CHARACTERS))
    colours, _ = example.load(None)
    inputs, lengths, components = next(iter(example.batches_of(colours[:5], 5, shuffled=False)))
    assert inputs.shape == (5, max(len(colour.name) for colour in colours[:5]), 256)
    np.testing.assert_array_equal(lengths, [len(colour.name) for colour in colours[:5]])
    np.testing.assert_allclose(components[0] * 255, colours[0][1:], rtol=1e-5)

    def gradient(characters: Any, lengths: Any, components: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = example.loss_of(model, characters, lengths, components, training=False)
        return loss, tape.gradient(loss, model.trainable_variables)

    expected_loss, expected = gradient(inputs, lengths, components)
    loss, found = ag.function(gradient)(inputs, lengths, components)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for e, f in zip(expected, found, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-3, atol=1e-6)
    # Padding does not change what the network says about a name.
    one, length, _ = next(iter(example.batches_of(colours[:1], 1, shuffled=False)))
    np.testing.assert_allclose(ag.function(model)(one, length)[0], model(inputs, lengths)[0], rtol=1e-4)


def test_mirrored_and_multi_worker_training_reach_the_weights_of_one_device() -> None:
    finished = subprocess.run(
        [sys.executable, str(EXAMPLES / "distributed_training.py"), "--quick"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])},
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    losses = dict(re.findall(r"(.*): (loss of the first batch .*)", finished.stdout))
    assert set(losses) == {"one device", "two logical devices", "worker 0", "worker 1"}
    for value in losses.values():
        np.testing.assert_allclose(numbers_in(value), numbers_in(losses["one device"]), rtol=1e-3)
    first, last = numbers_in(losses["one device"])
    assert last < first
    differences = re.findall(r"weights differ by at most (.*) from those of one device", finished.stdout)
    assert len(differences) == 3
    assert all(float(difference) < 1e-4 for difference in differences)


# -------------------------------------------------------------------------------------------------------------- pages


def test_every_example_has_a_page_and_is_run_here() -> None:
    pages = module("write_tensorflow_pages")
    scripts = {file.stem for file in EXAMPLES.glob("*.py")} - {"case_study", "data_files"}
    assert scripts == {page.module for page in pages.CASE_STUDIES}
    assert {file.stem for file in PAGES.glob("*.md")} == scripts | {"README"}
    tests = Path(__file__).read_text()
    for script in scripts:
        assert f'run("{script}"' in tests or f'"{script}.py"' in tests


def test_pages_show_the_code_that_the_examples_have_now() -> None:
    pages = module("write_tensorflow_pages")
    for page in pages.CASE_STUDIES:
        output = shown_on_its_page(page.module) if page.prints else None
        assert page.file.read_text() == pages.written(page, output), "run python docs/write_tensorflow_pages.py"
    assert (PAGES / "README.md").read_text() == pages.index()


def test_the_page_for_those_who_come_from_tf_function_prints_what_it_says(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "coming-from-tf-function.md").read_text()
    examples = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL)
    assert len(examples) == text.count("```python")
    # Converted code is read from a file, so the examples have to be one.
    script = tmp_path / "page.py"
    script.write_text("\n".join(code for code, _ in examples))
    capfd.readouterr()
    runpy.run_path(str(script))
    assert capfd.readouterr().out == "".join(output for _, output in examples)


@pytest.mark.parametrize("page", ["coming-from-tf-function.md", "tensorflow-case-studies/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    file = ROOT / "docs" / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", file.read_text())
    assert links
    assert [link for link in links if not (file.parent / link).exists()] == []


# --------------------------------------------------------------------------------------------------------- data files


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_an_idx_file_holds_what_was_written(tmp_path: Path, ending: str, dtype: str) -> None:
    data_files = module("data_files")
    array = np.arange(24).astype(dtype).reshape(2, 3, 4)
    data_files.write_idx(tmp_path / f"data{ending}", array)
    found = data_files.read_idx(tmp_path / "data")
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, array)


def test_an_idx_file_has_the_layout_of_mnist(tmp_path: Path) -> None:
    data_files = module("data_files")
    data_files.write_idx(tmp_path / "images", np.array([[[1, 2], [3, 255]]], np.uint8))
    content = bytes.fromhex("00000803 00000001 00000002 00000002 01 02 03 ff")
    assert (tmp_path / "images").read_bytes() == content
    (tmp_path / "numbers").write_bytes(bytes.fromhex("00000c01 00000002 00000001 fffffffe"))
    assert data_files.read_idx(tmp_path / "numbers").tolist() == [1, -2]


def test_the_reader_finds_a_file_with_or_without_gz(tmp_path: Path) -> None:
    data_files = module("data_files")
    array = np.arange(3, dtype=np.uint8)
    data_files.write_idx(tmp_path / "plain", array)
    data_files.write_idx(tmp_path / "packed.gz", array)
    for name in ("plain", "plain.gz", "packed", "packed.gz"):
        np.testing.assert_array_equal(data_files.read_idx(tmp_path / name), array)
    assert (tmp_path / "packed.gz").read_bytes()[:2] == b"\x1f\x8b"
    data_files.write_idx(tmp_path / "again.gz", array)
    assert (tmp_path / "again.gz").read_bytes() == (tmp_path / "packed.gz").read_bytes()


IDX = struct.pack(">HBB2I", 0, 8, 2, 2, 3) + bytes(range(6))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short: it has 0 bytes"),
        (IDX[:3], "cut short: it has 3 bytes"),
        (IDX[:9], "cut short: it ends within the lengths of its 2 axes"),
        (IDX[:-1], r"cut short: an array of \[2, 3\] takes 6 bytes, and 5 are there"),
        (IDX + b"\0", r"too long: an array of \[2, 3\] takes 6 bytes, and 7 are there"),
        (b"\x89PNG\r\n", "not an IDX file: its magic number is 0x89504e47"),
        (b"\0\1" + IDX[2:], "not an IDX file: its magic number is 0x00010802"),
        (b"\0\0\x07" + IDX[3:], "not an IDX file: its magic number is 0x00000702"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_file_that_is_not_idx_is_refused(tmp_path: Path, content: bytes, message: str, ending: str) -> None:
    data_files = module("data_files")
    file = tmp_path / f"file{ending}"
    file.write_bytes(gzip.compress(content) if ending else content)
    with pytest.raises(data_files.DataFileError, match=message) as error:
        data_files.read_idx(file)
    assert str(file) in str(error.value)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    data_files = module("data_files")
    file = tmp_path / "images.gz"
    packed = gzip.compress(struct.pack(">HBBI", 0, 8, 1, 10_000) + np.random.default_rng(0).bytes(10_000))
    for damaged in (packed[: len(packed) // 2], packed[:-1], IDX, packed[:100] + bytes(100) + packed[200:]):
        file.write_bytes(damaged)
        with pytest.raises(data_files.DataFileError, match=r"images\.gz is cut short or damaged"):
            data_files.read_idx(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    data_files = module("data_files")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing, nor nothing\.gz beside it"):
        data_files.read_idx(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.gz, nor nothing beside it"):
        data_files.read_idx(tmp_path / "nothing.gz")


def test_what_idx_cannot_hold_is_not_written(tmp_path: Path) -> None:
    data_files = module("data_files")
    with pytest.raises(data_files.DataFileError, match="no complex128, only uint8, int8, int16"):
        data_files.write_idx(tmp_path / "file", np.zeros(3, complex))
    assert not (tmp_path / "file").exists()


def test_digits_written_as_mnist_are_read_back(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    data_files = module("data_files")
    data_files.write_digits(tmp_path / "new")
    sets = data_files.read_images(tmp_path / "new")
    assert sets.train.images.shape == (1437, 8, 8)
    assert sets.test.images.shape == (360, 8, 8)
    assert sets.train.images.dtype == sets.train.labels.dtype == np.uint8
    pixels, labels = load_digits(return_X_y=True)
    expected = sorted((int(label), tuple(np.rint(row * 255 / 16))) for row, label in zip(pixels, labels))
    found = [
        (int(label), tuple(picture.ravel().astype(float)))
        for part in sets
        for picture, label in zip(part.images, part.labels, strict=True)
    ]
    assert sorted(found) == expected


def test_images_and_labels_have_to_belong_together(tmp_path: Path) -> None:
    data_files = module("data_files")
    data_files.write_digits(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    data_files.write_idx(labels, np.zeros(5, np.uint8))
    with pytest.raises(data_files.DataFileError, match="holds 1437 images, and .* 5 labels"):
        data_files.read_images(tmp_path)
    data_files.write_idx(labels, np.zeros((1437, 1), np.uint8))
    with pytest.raises(data_files.DataFileError, match="magic number 0x00000801 was expected"):
        data_files.read_images(tmp_path)
    data_files.write_idx(labels, np.zeros(1437, np.int32))
    with pytest.raises(data_files.DataFileError, match="1 axes of int32"):
        data_files.read_images(tmp_path)


def test_colours_are_read_as_they_were_written(tmp_path: Path) -> None:
    data_files = module("data_files")
    colours = [data_files.Colour("red, dark", 139, 0, 0), data_files.Colour('"café" au lait', 166, 123, 91)]
    data_files.write_colours(tmp_path / "colours.csv", colours)
    assert data_files.read_colours(tmp_path / "colours.csv") == colours


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    data_files = module("data_files")
    file = tmp_path / "colours.csv"
    file.write_text("\ufeffblue,color_name,more,green,red\r\n3, sea ,x,2,1\r\n", encoding="utf-8")
    assert data_files.read_colours(file) == [data_files.Colour("sea", 1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column color_name and no column red"),
        ("color_name,red,green\nx,1,2\n", "no column blue in its first line"),
        ("color_name,red,green,blue\n", "holds no colours"),
        ("color_name,red,green,blue\na,1,2,3\nb,1,2\n", "line 3: blue is None, and not a whole number from 0 to 255"),
        ("color_name,red,green,blue\na,1,256,3\n", "line 2: green is '256'"),
        ("color_name,red,green,blue\na,-1,25,3\n", "line 2: red is '-1'"),
        ("color_name,red,green,blue\na,1.5,25,3\n", "line 2: red is '1.5'"),
        ("color_name,red,green,blue\n ,1,25,3\n", "line 2: the colour has no name"),
    ],
)
def test_a_colour_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    data_files = module("data_files")
    file = tmp_path / "colours.csv"
    file.write_text(text)
    with pytest.raises(data_files.DataFileError, match=message):
        data_files.read_colours(file)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*other\.csv"):
        data_files.read_colours(tmp_path / "other.csv")


def test_the_colours_of_xkcd_are_written(tmp_path: Path) -> None:
    data_files = module("data_files")
    data_files.write_xkcd_colours(tmp_path / "new")
    train = data_files.read_colours(tmp_path / "new" / "train.csv")
    test = data_files.read_colours(tmp_path / "new" / "test.csv")
    assert (len(train), len(test)) == (854, 95)
    assert data_files.Colour("forest green", 6, 71, 12) in train + test
    assert not {colour.name for colour in train} & {colour.name for colour in test}

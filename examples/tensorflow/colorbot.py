"""RNN Colorbot: a recurrent network that reads the name of a colour, letter by letter, and says how it looks.

The network is two layers of LSTM cells, each unrolled by a Python `while` loop over as many letters as the longest name
of the batch has, which only the graph knows; what the cells put out is kept in a list. Training and test are one graph.
Then colours can be asked for, on the command line or at a prompt. A swatch of each is drawn in the terminal and, by a
Python function that the graph calls, into a PNG file.

    python colorbot.py --quick "forest green" "light salmon"
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import autograph as ag
from case_study import command_line
from data_files import Colour, DataFileError, read_colours, write_xkcd_colours

LOWER_UNITS = 256
UPPER_UNITS = 128
CHARACTERS = 256
BATCH_SIZE = 64
LEARNING_RATE = 0.01

# ----------------------------------------------------------------------------------------------------- the network


@keras.saving.register_keras_serializable("autograph_examples")
class Colorbot(keras.Model):
    """From `[batch, length, 256]` one-hot characters and `[batch]` lengths to `[batch, 3]` components from 0 to 1."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lower_cell = keras.layers.LSTMCell(LOWER_UNITS)
        self.upper_cell = keras.layers.LSTMCell(UPPER_UNITS)
        self.dropout = keras.layers.Dropout(0.2)
        self.output_layer = keras.layers.Dense(3, activation="sigmoid")

    def build(self, input_shape):
        batch, _, characters = input_shape
        self.lower_cell.build((batch, characters))
        self.upper_cell.build((batch, LOWER_UNITS))
        self.output_layer.build((batch, UPPER_UNITS))

    @ag.convert
    def call(self, inputs, lengths, training=False):
        outputs = unroll(self.lower_cell, LOWER_UNITS, tf.transpose(inputs, [1, 0, 2]))
        outputs = self.dropout(outputs, training=training)
        outputs = unroll(self.upper_cell, UPPER_UNITS, outputs)
        outputs = self.dropout(outputs, training=training)
        # What the upper cell said when it had read the last letter of each name.
        last = tf.gather(tf.transpose(outputs, [1, 0, 2]), lengths - 1, batch_dims=1)
        return self.output_layer(last)


def unroll(cell, units, inputs):
    length = tf.shape(inputs)[0]
    batch = tf.shape(inputs)[1]
    outputs = []
    ag.set_element_type(outputs, tf.float32, shape=(None, units))
    state = [tf.zeros([batch, units]), tf.zeros([batch, units])]
    i = 0
    while i < length:
        output, state = cell(inputs[i], state)
        outputs.append(output)
        i += 1
    return ag.stack(outputs)


# ------------------------------------------------------------------------------------- training and test, one graph


def loss_of(model, characters, lengths, components, training):
    return tf.reduce_mean(tf.square(model(characters, lengths, training=training) - components))


def train_and_test(model, optimizer, train_set, test_set, epochs):
    train_losses, test_losses = [], []
    for epoch in range(epochs):
        total, batches = 0.0, 0
        for characters, lengths, components in train_set:
            with tf.GradientTape() as tape:
                loss = loss_of(model, characters, lengths, components, training=True)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            total += loss
            batches += 1
        train_losses.append(total / tf.cast(batches, tf.float32))

        total, batches = 0.0, 0
        for characters, lengths, components in test_set:
            total += loss_of(model, characters, lengths, components, training=False)
            batches += 1
        test_losses.append(total / tf.cast(batches, tf.float32))
        print("epoch", epoch, "training loss", train_losses[-1], "test loss", test_losses[-1])
    return ag.stack(train_losses), ag.stack(test_losses)


def one_hot_characters(name, components):
    characters = tf.io.decode_raw(name, tf.uint8)
    return tf.one_hot(characters, CHARACTERS), tf.shape(characters)[0], components


def batches_of(colours: Sequence[Colour], batch_size: int, shuffled: bool) -> tf.data.Dataset:
    """Colours as one-hot characters, lengths and components from 0 to 1, each batch as long as its longest name."""
    names = [colour.name.encode() for colour in colours]
    components = np.float32([colour[1:] for colour in colours]) / 255
    dataset = tf.data.Dataset.from_tensor_slices((names, components))
    if shuffled:
        dataset = dataset.shuffle(len(names), seed=0)
    return dataset.map(one_hot_characters).padded_batch(batch_size, ([None, CHARACTERS], [], [3]))


# --------------------------------------------------------------------------------------------------------- swatches


@ag.do_not_convert(run_as="py_func")
def draw(file, names, components) -> None:
    """Write a picture with a swatch for each name; components are from 0 to 1. Runs on the host, with NumPy values."""
    figure = Figure(figsize=(4, 0.8 * len(names) + 0.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name, colour in zip(figure.subplots(len(names), squeeze=False).flat, names, components, strict=True):
        axes.imshow([[colour]], aspect="auto", extent=(0, 4, 0, 1))
        axes.set_axis_off()
        axes.text(2, 0.5, as_text(name), ha="center", va="center", color="black" if np.mean(colour) > 0.5 else "white")
    figure.savefig(as_text(file), dpi=100)


@ag.function
def predict(model, names, characters, lengths, file):
    components = model(characters, lengths)
    if tf.reduce_any(tf.math.is_nan(components)):
        print("The network has not learned anything.")
    else:
        draw(file, names, components)
    return components


def ask(model: Colorbot, names: Sequence[str], file: Path) -> None:
    """Print and draw the colours that the network gives to the names."""
    colours = [Colour(name, 0, 0, 0) for name in names]
    characters, lengths, _ = next(iter(batches_of(colours, len(names), shuffled=False)))
    file.parent.mkdir(parents=True, exist_ok=True)
    components = predict(model, tf.constant(list(names)), characters, lengths, tf.constant(str(file)))
    for name, rgb in zip(names, np.rint(components.numpy() * 255).astype(int), strict=True):
        print(f"{swatch(rgb)} {name}: rgb({', '.join(map(str, rgb))})")
    print(f"drawn in {file}", flush=True)


def swatch(rgb: Iterable[int]) -> str:
    """A block of the colour, for terminals that show 24-bit colours; `#rrggbb` elsewhere."""
    red, green, blue = rgb
    if not sys.stdout.isatty():
        return f"#{red:02x}{green:02x}{blue:02x}"
    return f"\x1b[48;2;{red};{green};{blue}m      \x1b[0m"


def as_text(string: tf.Tensor | np.ndarray | str) -> str:
    """A string of TensorFlow's, which a tensor holds as bytes."""
    value = np.asarray(string).item()
    return value.decode() if isinstance(value, bytes) else value


# ------------------------------------------------------------------------------------------------------- the program


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="colours to ask for; without any, there is a prompt")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with train.csv and test.csv")
    parser.add_argument("--epochs", type=int, metavar="N", help="how often to go through the training set")
    parser.add_argument("--out", type=Path, default=Path("colorbot"), metavar="DIR", help="for PNGs (%(default)s)")
    options = parser.parse_args(argv)

    try:
        train_colours, test_colours = load(options.data)
    except (FileNotFoundError, DataFileError) as error:
        parser.error(str(error))
    if options.quick:
        train_colours, test_colours = train_colours[::4], test_colours[::4]
    epochs = options.epochs or (2 if options.quick else 20)

    keras.utils.set_random_seed(1)
    model = Colorbot()
    model.build((None, None, CHARACTERS))
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(model.trainable_variables)

    print(f"{len(train_colours)} colours to train on, {len(test_colours)} to test with", flush=True)
    train_losses, test_losses = ag.function(train_and_test)(
        model,
        optimizer,
        batches_of(train_colours, BATCH_SIZE, shuffled=True),
        batches_of(test_colours, BATCH_SIZE, shuffled=False),
        tf.constant(epochs),
    )
    print(f"training loss from {train_losses[0]:.4f} to {train_losses[-1]:.4f}")
    print(f"test loss from {test_losses[0]:.4f} to {test_losses[-1]:.4f}")

    if options.names:
        ask(model, options.names, options.out / "colours.png")
    else:
        prompt(model, options.out)
    return 0


def prompt(model: Colorbot, directory: Path) -> None:
    """Ask the user for names until there are no more."""
    print('Give me a colour name, or an empty line to leave, as in "very light urple":')
    while True:
        try:
            name = input("> ").strip()
        except EOFError:
            print()
            return
        if not name:
            return
        ask(model, [name], directory / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png")


def load(directory: Path | None) -> tuple[list[Colour], list[Colour]]:
    if directory is not None:
        return read_colours(directory / "train.csv"), read_colours(directory / "test.csv")
    with tempfile.TemporaryDirectory() as folder:
        write_xkcd_colours(Path(folder))
        return read_colours(Path(folder) / "train.csv"), read_colours(Path(folder) / "test.csv")


if __name__ == "__main__":
    raise SystemExit(main())

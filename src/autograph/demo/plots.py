"""The training curves as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from autograph.demo.digits import Curves


def plot(curves: Curves, file: Path) -> None:
    """Write loss and accuracy against training steps, as PNG."""
    # A figure with a canvas of its own leaves the user's matplotlib settings and windows alone.
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, accuracy = figure.subplots(1, 2)
    for axes, train, test in [
        (loss, curves.train_loss, curves.test_loss),
        (accuracy, curves.train_accuracy, curves.test_accuracy),
    ]:
        steps = np.arange(1, len(train) + 1)
        axes.plot(steps, train, label="training batch", linewidth=0.8, color="tab:blue", alpha=0.6)
        axes.plot(steps, test, label="test set", linewidth=1.8, color="tab:orange")
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        axes.legend()
    loss.set(title="Cross-entropy", yscale="log")
    accuracy.set(title="Accuracy", ylim=(0, 1.02))
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)

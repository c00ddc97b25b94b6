"""What Keras sends to MLflow: metrics of every epoch."""

from __future__ import annotations

from typing import Any

import keras

from hbac.tracking.current import current_run, tolerated


class EpochMetrics(keras.callbacks.Callback):
    """Logs each epoch's metrics to the current run; without one, it does nothing."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the epoch's metrics as a step; the first is 1, as in the history."""
        run = current_run()
        if run is not None and logs:
            with tolerated(f"epoch {epoch + 1}"):
                run.log_metrics(logs, step=epoch + 1)

"""What Keras sends to MLflow: metrics of every epoch."""

from __future__ import annotations

from typing import Any

import keras

from hbac.tracking.current import current_run, tolerated


class EpochMetrics(keras.callbacks.Callback):
    """Logs each epoch's metrics to the current run; without one, it does nothing.

    After an epoch that could not be logged it waits no more for the store: the history completes
    the run once the network is trained.
    """

    _reached = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the epoch's metrics as a step; the first is 1, as in the history."""
        run = current_run()
        if run is not None and logs and self._reached:
            self._reached = False
            with tolerated(f"epoch {epoch + 1}"):
                # An epoch that can't be kept is not validated.
                known = {name: value for name, value in logs.items() if value == value}
                run.log_metrics(known, step=epoch + 1)
                self._reached = True

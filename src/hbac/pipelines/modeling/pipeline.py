"""Wiring of the pipeline ``modeling``: each fold is a namespace, ``fold_0``, ``fold_1`` ..."""

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.pipelines.modeling.nodes import (
    assemble_model_input,
    collect_history,
    collect_oof_predictions,
    describe_ensemble,
    locate_training_spectrograms,
    plot_training_curves,
    split_folds,
    train_fold,
)


def _prepare(folds: list[str]) -> Pipeline:
    files = ["train_eegs", "spectrogram_arrays", "eeg_spectrograms"]
    return Pipeline(
        [
            Node(
                locate_training_spectrograms,
                ["windows", *files, "spectrogram_failures"],
                "model_windows",
                name="locate_training_spectrograms",
            ),
            Node(
                assemble_model_input,
                ["model_windows", *files, "params:modeling"],
                "model_input",
                name="assemble_model_input",
            ),
            Node(
                split_folds,
                ["model_windows", "params:modeling"],
                [f"{fold}_split" for fold in folds],
                name="split_folds",
            ),
        ]
    )


def _train(fold: str) -> Pipeline:
    node = Node(
        train_fold,
        ["model_input", "split", "params:modeling"],
        ["model", "history", "predictions"],
        tags="training",
        name="train_fold",
    )
    return pipeline(
        [node],
        namespace=fold,
        inputs={"model_input": "model_input", "split": f"{fold}_split"},
        outputs={"history": f"{fold}_history", "predictions": f"{fold}_predictions"},
        parameters="modeling",
    )


def _collect(folds: list[str]) -> Pipeline:
    histories = [f"{fold}_history" for fold in folds]
    return Pipeline(
        [
            Node(
                collect_oof_predictions,
                [f"{fold}_predictions" for fold in folds],
                "oof_predictions",
                name="collect_oof_predictions",
            ),
            Node(collect_history, histories, "training_history", name="collect_history"),
            Node(
                plot_training_curves,
                "training_history",
                "training_curves",
                name="plot_training_curves",
            ),
            Node(
                describe_ensemble,
                ["params:modeling", "params:spectrogram", *histories],
                "ensemble",
                name="describe_ensemble",
            ),
        ]
    )


def create_pipeline(n_folds: int) -> Pipeline:
    """Windows and spectrograms to models and out-of-fold predictions.

    Args:
        n_folds: number of folds; must equal the parameter ``modeling.n_folds``.
    """
    folds = [f"fold_{number}" for number in range(n_folds)]
    return _prepare(folds) + sum(map(_train, folds), Pipeline([])) + _collect(folds)

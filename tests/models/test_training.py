import copy
import random
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pandas as pd
import pytest

from hbac.models import (
    Augmentation,
    ImageLayout,
    Stage,
    borrowed_model,
    compiled,
    compiled_model,
    copy_of,
    fit_and_predict,
    inputs,
    predict,
    reset,
)
from hbac.models import fit as fit_stages
from hbac.models.recalibration import recalibrate

SIZE = (32, 32)
SETTINGS = {
    "architecture": "compact",
    "image_size": SIZE,
    "dropout": 0.2,
    "batch_norm_momentum": 0.7,
}
FOLD = {
    "train_rows": range(20),
    "validation_rows": range(20, 30),
    "learning_rates": [1e-2, 1e-3],
    "batch_size": 8,
    "seed": 3,
}


def fit(model, images, targets, *, train_rows, learning_rates, stage=None, **options):
    """Fit in one stage."""
    stages = [Stage(np.asarray(train_rows), learning_rates, **(stage or {}))]
    return fit_stages(model, images, targets, stages=stages, **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Thirty random pictures in a memory-mapped file, and random vote fractions."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("pictures") / "images.npy"
    np.save(path, rng.normal(size=(30, *SIZE)).astype(np.float16))
    return np.load(path, mmap_mode="r"), rng.dirichlet(np.full(6, 0.3), size=30)


@pytest.fixture(scope="module")
def model():
    return compiled_model(**SETTINGS)


@pytest.fixture
def fresh(model):
    reset(model, 0)
    return model


@pytest.fixture(scope="module")
def without_dropout():
    return compiled_model(**SETTINGS | {"dropout": 0.0})


@pytest.fixture
def still(without_dropout):
    """A network whose loss depends on the windows alone, where it learns nothing."""
    reset(without_dropout, 0)
    return without_dropout


@pytest.fixture
def traces(model, monkeypatch):
    """A list that grows each time the network's Python code runs, which is to trace it."""
    calls = []
    layer = model.get_layer("conv2")
    call = layer.call
    monkeypatch.setattr(layer, "call", lambda inputs: (calls.append(1), call(inputs))[1])
    return calls


def divergence(targets, shares):
    return float(keras.ops.mean(keras.losses.kl_divergence(targets.astype("float32"), shares)))


def test_it_overfits_eight_windows(data, still):
    images, targets = np.tile(data[0][:8], (2, 1, 1)), np.tile(data[1][:8], (2, 1))
    before = divergence(targets, predict(still, images, batch_size=8))
    fit(
        still,
        images,
        targets,
        train_rows=range(8),
        validation_rows=range(8, 16),
        learning_rates=[1e-2] * 40 + [1e-3] * 10,
        batch_size=8,
        seed=0,
        keep="last",
    )
    after = divergence(targets, predict(still, images, batch_size=8))
    assert before > 0.5
    assert after < 0.02


def train_fold(data, seed):
    """Train a fold as the pipeline does: the history, what it predicts, and the network kept."""
    with borrowed_model(seed, **SETTINGS) as model:
        history = fit(model, *data, **FOLD | {"seed": seed})
        shares = predict(model, data[0], batch_size=8)
        return history.drop(columns="seconds"), shares, copy_of(model)


@pytest.fixture(scope="module")
def alone(data):
    """Two folds, each trained by a network that was built for it."""
    made = {}
    for seed in (4, 5):
        compiled._pool.clear()
        made[seed] = train_fold(data, seed)
    return made


def test_a_fold_gives_after_another_what_it_gives_alone(data, alone):
    compiled._pool.clear()
    for seed in (4, 5):
        history, shares, _ = train_fold(data, seed)
        assert history.equals(alone[seed][0])
        np.testing.assert_array_equal(shares, alone[seed][1])
    assert not np.allclose(alone[4][1], alone[5][1])


def test_a_fold_gives_beside_another_what_it_gives_alone(data, alone):
    compiled._pool.clear()
    with ThreadPoolExecutor(2) as threads:
        beside = dict(
            zip((4, 5), threads.map(lambda seed: train_fold(data, seed), (4, 5)), strict=True)
        )
    for seed, (history, shares, network) in beside.items():
        pd.testing.assert_frame_equal(history, alone[seed][0], rtol=1e-5)
        np.testing.assert_allclose(shares, alone[seed][1], rtol=1e-4)
        # Read after both have ended, as Kedro may save it.
        np.testing.assert_allclose(
            predict(network, data[0], batch_size=8), alone[seed][1], rtol=1e-4
        )


def test_what_a_fold_leaves_is_its_own(data):
    first, *others = (train_fold(data, seed)[2] for seed in (4, 5, 6))
    kept = first.get_weights()
    train_fold(data, 7)
    for before, now in zip(kept, first.get_weights(), strict=True):
        np.testing.assert_array_equal(now, before)
    assert not np.allclose(others[0].get_weights()[0], kept[0])
    assert first.get_layer("bn1").momentum == SETTINGS["batch_norm_momentum"]
    assert not first.compiled


def test_nobody_else_gets_a_network_while_it_is_lent():
    compiled._pool.clear()
    with borrowed_model(0, **SETTINGS) as first, borrowed_model(0, **SETTINGS) as second:
        assert second is not first
    with borrowed_model(0, **SETTINGS) as third:
        assert third in (first, second)
    with borrowed_model(0, **SETTINGS | {"batch_norm_momentum": 0.6}) as other:
        assert other.get_layer("bn1").momentum == 0.6


def test_a_training_that_fails_does_not_return_its_network(data):
    compiled._pool.clear()
    with pytest.raises(KeyboardInterrupt), borrowed_model(0, **SETTINGS) as broken:
        raise KeyboardInterrupt
    with borrowed_model(0, **SETTINGS) as model:
        assert model is not broken


def test_an_architecture_that_was_edited_in_a_running_kernel_is_built_anew(monkeypatch):
    with borrowed_model(0, **SETTINGS) as before:
        pass
    monkeypatch.setitem(inputs.ARCHITECTURES, "compact", lambda picture, weights: picture)
    with borrowed_model(0, **SETTINGS) as after:
        assert len(after.layers) < len(before.layers)


def test_reset_leaves_the_process_generators_alone(model):
    random.seed(1)
    expected = [random.random() for _ in range(2)]
    random.seed(1)
    first = random.random()
    reset(model, 7)
    assert [first, random.random()] == expected


def test_reset_starts_from_the_state_of_a_new_network(data, fresh):
    def state():
        variables = [*fresh.variables, *fresh.optimizer.variables]
        return [keras.ops.convert_to_numpy(variable) for variable in variables]

    before = state()
    fit(fresh, *data, **FOLD)
    changed = [not np.array_equal(*pair) for pair in zip(before, state(), strict=True)]
    reset(fresh, 0)
    assert np.mean(changed) > 0.9
    for ours, theirs in zip(state(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="received 'other'"):
        reset(keras.Sequential(name="other"), 0)


def test_the_best_epoch_is_kept(data, fresh):
    images, targets = data
    rates = [1e-2, 1e-3, 10.0]
    stages = [Stage(np.arange(20), rates)]
    options = {name: FOLD[name] for name in ("validation_rows", "batch_size", "seed")}
    history, shares = fit_and_predict(fresh, images, targets, stages=stages, **options)
    kept = divergence(targets[20:], predict(fresh, images, range(20, 30), batch_size=8))
    assert history["val_loss"].iloc[-1] > 2 * history["val_loss"].min()
    assert kept == pytest.approx(history["val_loss"].min(), rel=1e-5)
    np.testing.assert_array_equal(shares, predict(fresh, images, range(20, 30), batch_size=8))
    assert history["kept"].sum() == 1
    assert history.loc[history["kept"], "val_loss"].item() == history["val_loss"].min()


def test_rates_follow_the_schedule_and_callbacks_see_the_logs(data, fresh):
    seen = []

    class Spy(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            seen.append((rate, logs["learning_rate"], logs["val_loss"]))

    rates = [1e-2, 1e-2, 1e-3]
    history = fit(fresh, *data, **FOLD | {"learning_rates": rates}, callbacks=[Spy()])
    columns = ["epoch", "loss", "val_loss", "learning_rate", "seconds", "kept"]
    assert list(history) == columns
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["learning_rate"].tolist() == rates
    np.testing.assert_allclose([rate for rate, _, _ in seen], rates, rtol=1e-6)
    assert [(rate, loss) for _, rate, loss in seen] == list(
        zip(history["learning_rate"], history["val_loss"], strict=True)
    )


def test_a_fold_of_another_size_traces_nothing_again(data, fresh, traces):
    fit(fresh, *data, **FOLD)
    traces.clear()
    reset(fresh, 1)
    fit(fresh, *data, **FOLD | {"train_rows": range(5), "validation_rows": range(5, 18)})
    predict(fresh, data[0], [1, 2, 3], batch_size=8)
    assert traces == []


def test_predictions_do_not_depend_on_their_neighbours(data, fresh):
    images, _ = data
    shares = predict(fresh, images, batch_size=8)
    assert shares.shape == (30, 6)
    assert shares.dtype == np.float32
    rows = [29, 3, 3]
    np.testing.assert_allclose(predict(fresh, images, rows, batch_size=8), shares[rows], rtol=1e-5)
    with pytest.raises(ValueError, match="rows must not be empty"):
        predict(fresh, images, [], batch_size=8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_rows": []}, "rows of stage 0 must not be empty"),
        ({"validation_rows": []}, "validation_rows must not be empty where the best epoch is"),
        ({"validation_rows": range(19, 25)}, "1 are in both, the first is 19"),
        ({"learning_rates": []}, "learning_rates of stage 0 must not be empty"),
    ],
)
def test_bad_folds_are_named(data, model, change, message):
    with pytest.raises(ValueError, match=message):
        fit(model, *data, **FOLD | change)


@pytest.mark.parametrize("row", [4, 25])
def test_missing_values_are_named(data, model, row):
    images, targets = np.array(data[0]), np.array(data[1])
    images[row, 2, 2] = np.nan
    with pytest.raises(ValueError, match=rf"images must be finite, row {row} holds nan"):
        fit(model, images, targets, **FOLD)
    with pytest.raises(ValueError, match=rf"images must be finite, row {row} holds nan"):
        predict(model, images, batch_size=8)
    targets[row] = [0.5, np.nan, 0, 0, 0, 0]
    with pytest.raises(ValueError, match=rf"row {row} holds \[0.5, nan"):
        fit(model, images, targets, **FOLD)
    with pytest.raises(ValueError, match=r"received \(30, 5\)"):
        fit(model, images, targets[:, :5], **FOLD)


def test_a_diverged_training_says_so(data, fresh):
    with pytest.raises(ValueError, match=r"never finite, received \[nan\]"):
        fit(fresh, *data, **FOLD | {"learning_rates": [float("inf")]})


class Memory:
    """A checkpoint that lives as long as the test."""

    def __init__(self):
        self.state = None

    def load(self):
        return None if self.state is None else copy.deepcopy(self.state)

    def save(self, state):
        self.state = copy.deepcopy(state)


class Kill(keras.callbacks.Callback):
    """Ends the training as a killed process does, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def averaged():
    return compiled_model(**SETTINGS | {"average_momentum": 0.8})


TWO_STAGES = {
    "stages": [Stage(np.arange(20), [1e-2, 1e-3]), Stage(np.arange(9), [1e-3, 1e-4])],
    "validation_rows": range(20, 30),
    "batch_size": 8,
    "seed": 3,
    "recalibration_batches": 2,
    "change": Augmentation(mirror=0.5, time_shift=0.1, mixup=0.4).of(ImageLayout(size=SIZE)),
}


@pytest.fixture(scope="module")
def uninterrupted(data, averaged):
    """History and predictions of a training of two stages."""
    reset(averaged, 1)
    history = fit_stages(averaged, *data, **TWO_STAGES)
    return history, predict(averaged, data[0], batch_size=8)


# In the middle of the first stage, where the second begins, and within it.
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(data, averaged, uninterrupted, epoch):
    history, shares = uninterrupted
    checkpoint = Memory()
    reset(averaged, 1)
    with pytest.raises(KeyboardInterrupt):
        fit_stages(averaged, *data, **TWO_STAGES, checkpoint=checkpoint, callbacks=[Kill(epoch)])
    assert checkpoint.state["epoch"] == epoch
    reset(averaged, 2)
    resumed = fit_stages(averaged, *data, **TWO_STAGES, checkpoint=checkpoint)
    pd.testing.assert_frame_equal(
        resumed.drop(columns="seconds"), history.drop(columns="seconds"), rtol=1e-5
    )
    np.testing.assert_allclose(predict(averaged, data[0], batch_size=8), shares, rtol=1e-4)
    reset(averaged, 2)
    trained_before = fit_stages(averaged, *data, **TWO_STAGES, checkpoint=checkpoint)
    pd.testing.assert_frame_equal(trained_before, resumed)
    np.testing.assert_allclose(predict(averaged, data[0], batch_size=8), shares, rtol=1e-4)


def test_the_average_of_the_weights_is_kept(data, averaged):
    class Weights(keras.callbacks.Callback):
        steps = ()

        def on_train_batch_end(self, batch, logs=None):
            if keras.backend.backend() == "jax":  # whose variables lag behind within an epoch
                self.model.jax_state_sync()
            kernel = self.model.get_layer("logits").kernel
            self.steps = [*self.steps, keras.ops.convert_to_numpy(kernel)]

    seen = Weights()
    reset(averaged, 1)
    fit(averaged, *data, **FOLD | {"learning_rates": [1e-2]}, callbacks=[seen])
    expected = seen.steps[0]
    for step in seen.steps[1:]:
        expected = 0.8 * expected + 0.2 * step
    kept = keras.ops.convert_to_numpy(averaged.get_layer("logits").kernel)
    np.testing.assert_allclose(kept, expected, atol=1e-6)
    assert np.abs(kept - seen.steps[-1]).max() > 1e-3


def test_recalibration_measures_the_statistics_of_what_it_is_shown(data, fresh):
    images = np.asarray(data[0][:16], np.float32)
    recalibrate(fresh, [images[:8], images[8:]])
    part = keras.Model(fresh.input, fresh.get_layer("conv1").output)
    features = keras.ops.convert_to_numpy(part(images))
    layer = fresh.get_layer("bn1")
    mean, variance = (keras.ops.convert_to_numpy(value) for value in layer.non_trainable_variables)
    np.testing.assert_allclose(mean, features.mean(axis=(0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(variance, features.var(axis=(0, 1, 2)), rtol=0.05)
    assert layer.momentum == SETTINGS["batch_norm_momentum"]


def test_the_last_epoch_is_kept_where_that_is_asked_for(data, fresh):
    images, targets = data
    options = FOLD | {"learning_rates": [1e-3, 1e-1]}
    best = fit(fresh, images, targets, **options)
    assert best["kept"].tolist() == [True, False]
    reset(fresh, 0)
    history = fit(fresh, images, targets, **options, keep="last")
    kept = divergence(targets[20:], predict(fresh, images, range(20, 30), batch_size=8))
    assert kept == pytest.approx(history["val_loss"].iloc[-1], rel=1e-5)
    assert kept == pytest.approx(best["val_loss"].iloc[-1], rel=1e-5)
    # What cannot be kept is not scored.
    assert history["val_loss"].isna().tolist() == [True, False]
    assert history["kept"].tolist() == [False, True]


def test_windows_of_no_weight_teach_nothing(data, fresh):
    images, targets = data
    weights = np.where(np.arange(30) < 8, 1.0, 0.0)
    noise = targets.copy()
    noise[8:20] = np.roll(targets[8:20], 1, axis=1)
    options = FOLD | {"batch_size": 20, "learning_rates": [1e-2]}
    losses = []
    for wanted in (targets, noise):
        reset(fresh, 0)
        history = fit(
            fresh,
            images,
            targets,
            **options,
            stage={"weigh": lambda epoch: weights},
            training_targets=wanted,
        )
        losses.append(history["loss"].iloc[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_mirrored_prediction_is_the_same_for_both_hemispheres(data, fresh):
    images, layout = np.asarray(data[0][:8], np.float32), ImageLayout(size=SIZE)
    shares = predict(fresh, images, batch_size=8, mirror=layout.mirror)
    np.testing.assert_allclose(
        predict(fresh, layout.mirror(images), batch_size=8, mirror=layout.mirror), shares, rtol=1e-4
    )
    assert not np.allclose(predict(fresh, images, batch_size=8), shares, rtol=1e-4)


def test_an_epoch_trains_on_what_is_drawn_for_it(data, still):
    images, targets = data
    drawn = []

    def draw(rng):
        drawn.append(rng.choice(np.arange(20), 8, replace=False))
        return drawn[-1]

    options = FOLD | {"learning_rates": [0.0] * 3}
    history = fit(still, images, targets, **options, stage={"draw": draw})
    for rows, loss in zip(drawn[-3:], history["loss"], strict=True):
        shares = still(np.asarray(images[rows], np.float32), training=True)
        assert loss == pytest.approx(divergence(targets[rows], shares), rel=1e-4)
    assert history["loss"].nunique() == 3
    with pytest.raises(ValueError, match="draw must choose among rows, received 20"):
        fit(still, images, targets, **FOLD, stage={"draw": lambda rng: np.array([3, 20])})


def test_weights_change_with_the_epoch(data, still):
    seen = []

    def weigh(epoch):
        seen.append(epoch)
        return np.full(30, float(epoch + 1))

    options = FOLD | {"learning_rates": [0.0, 0.0], "batch_size": 20}
    history = fit(still, *data, **options, stage={"weigh": weigh})
    assert seen == [0, 1]
    assert history["loss"][1] == pytest.approx(2 * history["loss"][0], rel=1e-5)


def test_nothing_is_validated_where_nothing_is_held_out(data, fresh):
    options = FOLD | {"train_rows": range(30), "validation_rows": []}
    history = fit(fresh, *data, **options, keep="last")
    assert history["val_loss"].isna().all()
    assert history["kept"].tolist() == [False, True]
    reset(fresh, 0)
    with pytest.raises(ValueError, match=r"^loss was never finite"):
        fit(fresh, *data, **options | {"learning_rates": [float("inf")] * 2}, keep="last")

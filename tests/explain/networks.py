"""Small networks whose maps are known or quickly made."""

import keras
import numpy as np
from keras import layers

SIZE = (12, 16)
BRIGHT, DARK = (slice(2, 5), slice(3, 7)), (slice(7, 10), slice(9, 14))


def _classify(image, features, name):
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features)
    logits = layers.Dense(6, name="logits")(pooled)
    return keras.Model(image, layers.Softmax()(logits), name=name)


def counting_network():
    """Class 0 counts bright pixels and class 1 dark ones; four more are random."""
    rng = np.random.default_rng(0)
    image = keras.Input(SIZE, name="image")
    features = layers.Reshape((*SIZE, 1))(image)
    features = layers.Conv2D(2, 1, activation="relu", use_bias=False, name="features")(features)
    model = _classify(image, features, "counting")
    model.get_layer("features").set_weights([np.array([[[[1.0, -1.0]]]])])
    kernel = np.hstack([np.eye(2), rng.normal(size=(2, 4))])
    model.get_layer("logits").set_weights([kernel, rng.normal(size=6)])
    return model


def branching_network():
    """Two resolutions, with a path around the layer ``branch``."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    features = layers.Reshape((*SIZE, 1), name="picture")(image)
    features = layers.Conv2D(4, 3, strides=2, padding="same", name="early")(features)
    branch = layers.Conv2D(4, 3, padding="same", activation="tanh", name="branch")(features)
    features = layers.Add(name="sum")([features, branch])
    features = layers.Conv2D(5, 3, strides=2, padding="same", name="late")(features)
    return _classify(image, features, "branching")


def planted_pictures(n=3):
    """A bright and a dark square on nothing."""
    pictures = np.zeros((n, *SIZE), np.float16)
    pictures[:, *BRIGHT] = 1
    pictures[:, *DARK] = -2
    return pictures

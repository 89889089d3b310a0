"""The networks: layer by layer those of the paper, compiled as its section 3 says."""

import random
import re

import numpy as np
import pytest
import yaml

from reluclf import Spec, losses, networks, paths

pytestmark = pytest.mark.usefixtures("keras")

TABLES = yaml.safe_load(paths.PAPER.read_text(encoding="utf-8"))["tables"]


def build(seed=1, **fields):
    return networks.build(
        Spec(
            **{
                "dataset": "mnist",
                "architecture": "ffnn",
                "head": "relu",
                "protocol": "fresh",
                "seed": 1,
            }
            | fields
        ),
        seed,
    )


def rows(model):
    """The layers of a model as the paper's tables list them: kind, output shape, parameters."""
    return [
        (type(layer).__name__.lower(), list(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    ]


def rows_of_the_paper(number):
    """The same of a published table; ``max_pooling2d_1`` there is ``MaxPooling2D`` here."""
    return [
        (re.sub(r"_\d+( .*)?$", "", name).replace("_", ""), shape, n)
        for name, shape, n in TABLES[number]["layers"]
    ]


def dropout_rates_of_the_paper(number):
    return [
        float(found[1])
        for name, _, _ in TABLES[number]["layers"]
        if (found := re.search(r"\((.*)\)", name))
    ]


def dropout_rates(model):
    return [layer.rate for layer in model.layers if type(layer).__name__ == "Dropout"]


@pytest.mark.parametrize("head", ["softmax", "relu"])
@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_the_cnn_is_table_1_after_components_are_laid_out_as_an_image(dataset, head):
    model = build(dataset=dataset, architecture="cnn", head=head)
    assert rows(model)[0] == ("reshape", [16, 16, 1], 0)
    assert rows(model)[1:] == rows_of_the_paper(1)
    assert dropout_rates(model) == dropout_rates_of_the_paper(1) == [0.25, 0.25, 0.5]
    assert model.count_params() == 84_202


@pytest.mark.parametrize("head", ["softmax", "relu"])
@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_the_ffnn_is_table_2(dataset, head):
    model = build(dataset=dataset, head=head)
    assert rows(model) == rows_of_the_paper(2)
    assert dropout_rates(model) == dropout_rates_of_the_paper(2) == [0.1, 0.1, 0.1]
    assert model.count_params() == 662_026


def test_the_ffnn_of_wdbc_has_128_64_and_32_hidden_units_and_two_outputs():
    model = build(dataset="wdbc")
    assert [row[1] for row in rows(model) if row[0] == "dense"] == [[128], [64], [32], [2]]
    assert model.count_params() == 31 * 128 + 129 * 64 + 65 * 32 + 33 * 2
    assert dropout_rates(model) == [0.1, 0.1, 0.1]


@pytest.mark.parametrize("architecture", ["ffnn", "cnn"])
@pytest.mark.parametrize("head", ["softmax", "relu"])
def test_hidden_layers_are_relu_and_the_last_one_is_the_head(keras, architecture, head):
    model = build(architecture=architecture, head=head)
    *hidden, last = [layer for layer in model.layers if hasattr(layer, "activation")]
    assert {layer.activation.__name__ for layer in hidden} == {"relu"}
    z = np.random.default_rng(0).normal(size=(9, 10)).astype(np.float32)
    np.testing.assert_allclose(
        last.activation(keras.ops.convert_to_tensor(z)), getattr(keras.ops, head)(z), rtol=1e-6
    )


def test_components_fill_the_cnns_image_row_by_row():
    x = np.arange(256, dtype=np.float32)[None]
    assert np.array_equal(build(architecture="cnn").layers[0](x)[0, :, :, 0], x.reshape(16, 16))


def test_the_optimiser_is_adam_at_kerass_defaults(keras):
    ours, default = build().optimizer, keras.optimizers.Adam()
    assert type(ours) is type(default)
    assert ours.get_config() | {"name": ""} == default.get_config() | {
        "name": ""
    }  # names are numbered


@pytest.mark.parametrize("loss", ["guarded", "verbatim"])
def test_a_model_is_trained_with_the_loss_of_its_spec(loss):
    assert build(loss=loss).loss is getattr(losses, loss)


@pytest.mark.parametrize(
    ("name", "value"), [("floatx", "float64"), ("dtype_policy", "mixed_bfloat16")]
)
def test_a_network_of_another_precision_is_refused_with_the_remedy(keras, name, value):
    setting = getattr(keras.config, f"set_{name}")
    setting(value)
    try:
        with pytest.raises(RuntimeError, match=f"set to {value} here.* call keras.config.set_flo"):
            build()
    finally:
        setting("float32")
    build()


def test_the_same_seed_gives_the_same_weights_and_dropout_and_another_seed_others(keras):
    x = np.ones((4, 256), np.float32)
    one, same, other = (build(seed=seed) for seed in (7, 7, 8))
    assert all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True)
    )
    assert np.array_equal(one(x, training=True), same(x, training=True))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("architecture", ["ffnn", "cnn"])
def test_the_weights_and_dropout_of_a_seed_are_those_that_keras_gives_after_its_global_seed_is_set(
    keras, architecture
):
    ours = build(seed=7, architecture=architecture)
    keras.utils.set_random_seed(7)
    layers = keras.layers
    if architecture == "cnn":
        below = [
            layers.Reshape((16, 16, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
        ]
        below += [layers.MaxPooling2D(), layers.Dropout(0.25)]
        below += [layers.Conv2D(64, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu")]
        below += [
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dropout(0.5),
        ]
    else:
        below = [
            layer
            for _ in range(3)
            for layer in (layers.Dense(512, activation="relu"), layers.Dropout(0.1))
        ]
    theirs = keras.Sequential([keras.Input((256,)), *below, layers.Dense(10, activation="relu")])
    assert all(
        np.array_equal(a, b) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True)
    )
    x = np.ones((4, 256), np.float32)
    assert np.array_equal(ours(x, training=True), theirs(x, training=True))


@pytest.mark.parametrize("architecture", ["ffnn", "cnn"])
def test_building_a_model_neither_uses_nor_changes_random_numbers_that_others_in_the_process_draw(
    architecture,
):
    random.seed(1)
    before = random.getstate()
    one = build(architecture=architecture)
    assert random.getstate() == before
    random.seed(2)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(
            one.get_weights(), build(architecture=architecture).get_weights(), strict=True
        )
    )


def test_two_models_with_the_same_weights_differ_in_dropout_if_their_seeds_do():
    x = np.ones((4, 256), np.float32)
    one, other = build(seed=7, head="softmax"), build(seed=8, head="softmax")
    other.set_weights(one.get_weights())
    assert np.array_equal(one(x), other(x))
    assert not np.array_equal(one(x, training=True), other(x, training=True))


def test_a_convolution_that_is_a_product_puts_out_and_learns_what_keras_own_does(jax, monkeypatch):
    spec = Spec(dataset="mnist", architecture="cnn", head="softmax", protocol="fresh", seed=1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 256)).astype(np.float32)
    targets = np.eye(10, dtype=np.float32)[np.arange(20) % 10]
    own = networks.build(spec, 1)
    monkeypatch.setattr(networks.epochs, "on_accelerator", lambda: True)
    product = networks.build(spec, 1)
    kinds = [type(layer).__name__ for layer in product.layers]
    assert kinds.count("Product") == 4 and "Conv2D" not in kinds
    np.testing.assert_allclose(product(x), own(x), atol=1e-5)
    for model in (own, product):
        model.train_on_batch(x, targets)
    # Adam's first step has the length of the learning rate, and the sign of the gradient.
    for ours, expected in zip(product.get_weights(), own.get_weights(), strict=True):
        assert np.mean(np.abs(ours - expected) > 1e-5) < 0.01

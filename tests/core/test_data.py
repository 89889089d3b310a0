"""What the networks are fed: the splits, the folds, and the preparation that learns from the training rows alone."""

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from reluclf import Spec, data, protocols, sources
from reluclf.judging import paper
from reluclf.showing import original

MNIST_SUPPORTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

WDBC = Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="fresh", seed=1)
MNIST = Spec(dataset="mnist", architecture="ffnn", head="relu", protocol="fresh", seed=1)


def like(spec, **changes):
    return Spec(**spec.model_dump() | changes)


# The splits


@pytest.mark.parametrize("features", ["paper", "pixels", "shuffled"])
def test_prepared_images_are_kept_for_runs_that_see_the_same_and_for_no_others(
    few_images, features
):
    spec = like(MNIST, features=features)
    kept = data.prepared(spec)
    split = data.load_split(spec)
    x_train, x_test = data.prepare(spec, split.x_train, split.x_test)
    for ours, expected in (
        (kept.x_train, x_train),
        (kept.x_test, x_test),
        (kept.y_train, split.y_train),
        (kept.y_test, split.y_test),
    ):
        assert ours.dtype == expected.dtype and np.array_equal(ours, expected)
    assert (
        data.prepared(like(spec, head="softmax", protocol="carried", epochs=3, clipnorm=1.0))
        is kept
    )
    another = data.prepared(like(spec, seed=2))
    assert (another is kept) == (features != "shuffled") and np.array_equal(
        another.x_train, kept.x_train
    ) == (features != "shuffled")
    fewer = data.prepared(like(spec, samples=300))
    assert len(fewer.x_train) == 300 and data.prepared(spec) is not kept  # only the last is kept
    other = {"paper": "pixels", "pixels": "shuffled", "shuffled": "paper"}[features]
    assert not np.array_equal(data.prepared(like(spec, features=other)).x_train, kept.x_train)


@pytest.mark.slow
def test_a_run_leaves_what_is_kept_for_the_next_as_it_was(few_images, keras):
    spec = like(MNIST, epochs=1, folds=1, batch_size=64)
    kept = data.prepared(spec)
    before = kept.x_train.copy(), kept.x_test.copy()
    first = protocols.run(spec)
    protocols.run(like(spec, protocol="carried"))
    assert data.prepared(spec) is kept
    assert np.array_equal(kept.x_train, before[0]) and np.array_equal(kept.x_test, before[1])
    assert protocols.run(spec).test == first.test


def test_wdbc_is_split_anew_for_every_seed():
    one, two = data.prepared(WDBC), data.prepared(like(WDBC, seed=2))
    assert not np.array_equal(one.y_train, two.y_train)


@pytest.mark.parametrize(
    "dataset, supports", [("mnist", MNIST_SUPPORTS), ("fashion_mnist", [1000] * 10)]
)
def test_the_published_images_split_into_55000_to_train_on_and_10000_to_test_on_with_the_papers_supports(
    images, dataset, supports
):
    split = data.load_split(like(MNIST, dataset=dataset))
    assert split.x_train.shape == (55_000, 784)
    assert split.x_test.shape == (10_000, 784)
    assert np.bincount(split.y_test).tolist() == supports
    assert (split.x_train.min(), split.x_train.max(), split.x_test.min(), split.x_test.max()) == (
        0,
        1,
        0,
        1,
    )


def test_the_first_5000_images_are_set_aside_and_pixels_become_shares_of_255(few_images):
    split = data.load_split(MNIST)
    assert np.array_equal(split.x_train * 255, few_images.train_images[5000:].reshape(400, 784))
    assert np.array_equal(split.y_train, few_images.train_labels[5000:])
    assert np.array_equal(split.x_test * 255, few_images.test_images.reshape(100, 784))
    assert split.n_classes == 10


def test_samples_keeps_the_first_rows_of_both_sets(few_images):
    whole, part = data.load_split(MNIST), data.load_split(like(MNIST, samples=300))
    assert np.array_equal(part.x_train, whole.x_train[:300])
    assert np.array_equal(part.y_train, whole.y_train[:300])
    assert len(part.x_test) == len(part.y_test) == 100  # there are no more


@pytest.mark.parametrize("seed", [0, 1, 2, 17, 30])
def test_wdbc_splits_into_398_and_171_with_64_malignant_and_107_benign_to_test_on(seed):
    split = data.load_split(like(WDBC, seed=seed))
    assert split.x_train.shape == (398, 30)
    assert split.x_test.shape == (171, 30)
    assert np.bincount(split.y_train).tolist() == [148, 250]
    assert np.bincount(split.y_test).tolist() == [64, 107]


def test_a_wdbc_split_uses_every_data_point_once():
    split = data.load_split(WDBC)
    x, y = load_breast_cancer(return_X_y=True)
    ours = np.column_stack(
        [
            np.concatenate([split.x_train, split.x_test]),
            np.concatenate([split.y_train, split.y_test]),
        ]
    )
    theirs = np.column_stack([x, y])
    assert np.array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_every_seed_has_its_own_wdbc_split_and_always_the_same_one():
    assert np.array_equal(
        data.load_split(WDBC).x_test, data.load_split(like(WDBC, head="softmax")).x_test
    )
    assert not np.array_equal(
        data.load_split(WDBC).x_test, data.load_split(like(WDBC, seed=2)).x_test
    )


def test_what_is_kept_for_the_next_run_cannot_be_changed():
    fold = data.prepared_fold(WDBC, 1)
    kept = data.prepared(WDBC)
    arrays = [kept.x_train, kept.y_train, kept.x_test, kept.y_test]
    for array in (*arrays, *fold.train, *fold.held_out, *fold.test):
        with pytest.raises(ValueError, match="read-only"):
            array /= 2


# The folds


@pytest.fixture(params=["wdbc", "images"])
def labels(request):
    return (
        data.load_split(WDBC).y_train
        if request.param == "wdbc"
        else np.random.default_rng(0).integers(0, 10, 997)
    )


def test_there_are_ten_folds_that_hold_every_row_out_once(labels):
    folds = data.folds(labels)
    assert len(folds) == 10
    assert np.array_equal(
        np.sort(np.concatenate([held_out for _, held_out in folds])), np.arange(len(labels))
    )


def test_no_fold_trains_on_what_it_holds_out_and_all_the_rest_is_trained_on(labels):
    for train, held_out in data.folds(labels):
        assert np.array_equal(np.union1d(train, held_out), np.arange(len(labels)))
        assert len(np.intersect1d(train, held_out)) == 0


def test_every_fold_has_its_share_of_every_class(labels):
    counts = np.array([np.bincount(labels[held_out]) for _, held_out in data.folds(labels)])
    assert (np.abs(counts - np.bincount(labels) / 10) < 1).all()


def folds_of_2018(labels):
    """The fold of every row by scikit-learn 0.19.1: each class is split for itself, by a KFold with the seed. Ours is of a later algorithm."""
    found = np.empty(len(labels), int)
    for of in np.unique(labels):
        rows = np.flatnonzero(labels == of)
        for fold, (_, held_out) in enumerate(
            KFold(10, shuffle=True, random_state=data.FOLD_SEED).split(rows)
        ):
            found[rows[held_out]] = fold
    return found


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_the_algorithm_of_2018_gives_the_sizes_of_the_authors_folds_and_ours_is_another(
    images, dataset
):
    labels = data.load_split(like(MNIST, dataset=dataset)).y_train
    theirs = folds_of_2018(labels)
    assert np.bincount(theirs).tolist() == original.fold_sizes(dataset)
    ours = np.empty(len(labels), int)
    for fold, (_, held_out) in enumerate(data.folds(labels)):
        ours[held_out] = fold
    assert set(np.bincount(ours)) == {5_500}
    assert np.mean(ours == theirs) == pytest.approx(0.1, abs=0.01)  # as many rows as by chance


def test_the_accuracies_of_wdbc_are_whole_rows_of_the_folds_of_2018_whatever_the_split():
    sizes = np.bincount(folds_of_2018(data.load_split(WDBC).y_train))
    for head in ("relu", "softmax"):
        hits = paper.fold_accuracy("wdbc", "ffnn", head) * sizes
        np.testing.assert_allclose(hits, np.round(hits), atol=1e-4)


def test_ours_have_the_number_the_stratification_and_the_seed_of_the_authors(labels):
    x = np.random.default_rng(1).random((len(labels), 7))  # what the rows hold does not matter
    today = StratifiedKFold(n_splits=10, shuffle=True, random_state=10).split(x, labels)
    for ours, theirs in zip(data.folds(labels), today, strict=True):
        assert np.array_equal(ours[0], theirs[0])
        assert np.array_equal(ours[1], theirs[1])


# The preparation


@pytest.fixture
def rows():
    """400 rows to learn from and 50 others, of 784 pixels; some pixels are always black, as in MNIST."""
    rng = np.random.default_rng(5)
    x = rng.random((450, 20)) @ rng.random((20, 784)) + rng.random((450, 784))
    x[:, :30] = 0
    return x[:400], x[400:]


EVERY_WAY = [
    MNIST,
    like(MNIST, features="pixels"),
    like(MNIST, features="shuffled"),
    WDBC,
    like(WDBC, features="raw"),
]


@pytest.fixture(params=EVERY_WAY, ids=lambda spec: f"{spec.dataset}-{spec.features}")
def case(request, rows):
    """A spec, rows to learn from, and other rows."""
    if request.param.dataset != "wdbc":
        return request.param, *rows
    split = data.load_split(WDBC)
    return request.param, split.x_train, split.x_test


def test_a_network_sees_float32_of_the_width_it_has_inputs(case):
    spec, fit_on, others = case
    width = 30 if spec.dataset == "wdbc" else 256
    for x, prepared in zip((fit_on, others), data.prepare(spec, fit_on, others), strict=True):
        assert prepared.dtype == np.float32
        assert prepared.shape == (len(x), width)


def test_nothing_is_learnt_from_rows_that_are_only_transformed(case):
    spec, fit_on, others = case
    fitted, transformed = data.prepare(spec, fit_on, others)
    (alone,) = data.prepare(spec, fit_on)
    same, changed = data.prepare(spec, fit_on, np.concatenate([others[:1], 1000 * others[1:]]))
    assert np.array_equal(fitted, alone)
    assert np.array_equal(fitted, same)
    np.testing.assert_allclose(
        changed[0], transformed[0], rtol=1e-4, atol=1e-4
    )  # sums of another shape may be done in another order


def test_the_same_rows_give_the_same_bits(case):
    spec, fit_on, others = case
    once, again = (
        data.prepare(spec, fit_on, others),
        data.prepare(spec, fit_on.copy(), others.copy()),
    )
    assert all(a.tobytes() == b.tobytes() for a, b in zip(once, again, strict=True))


def test_preparation_leaves_the_raw_rows_alone(case):
    spec, fit_on, others = case
    before = fit_on.copy(), others.copy()
    data.prepare(spec, fit_on, others)
    assert np.array_equal(fit_on, before[0])
    assert np.array_equal(others, before[1])


@pytest.mark.parametrize("spec", [WDBC, like(MNIST, features="pixels")], ids=["wdbc", "pixels"])
def test_what_is_learnt_from_gets_mean_0_and_standard_deviation_1_and_the_others_the_same_shift_and_scale(
    spec, rows
):
    fit_on, others = (
        rows
        if spec.dataset == "mnist"
        else (data.load_split(spec).x_train, data.load_split(spec).x_test)
    )
    fitted, transformed = data.prepare(spec, fit_on, others)
    raw, raw_others = (
        (data.shrink(fit_on), data.shrink(others)) if spec.dataset == "mnist" else (fit_on, others)
    )
    varied = raw.std(axis=0) > 0
    assert varied.sum() > 20
    np.testing.assert_allclose(fitted.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(fitted.std(axis=0)[varied], 1, atol=1e-5)
    np.testing.assert_allclose(
        transformed[:, varied],
        ((raw_others - raw.mean(axis=0)) / np.where(varied, raw.std(axis=0), 1))[:, varied],
        atol=1e-4,
    )


def test_the_components_are_those_of_sklearns_full_svd_up_to_their_signs(rows):
    fit_on, others = rows
    scaler = StandardScaler().fit(fit_on)
    reference = PCA(256, svd_solver="full").fit(scaler.transform(fit_on))
    for x, ours in zip(rows, data.prepare(MNIST, fit_on, others), strict=True):
        theirs = reference.transform(scaler.transform(x))
        signs = np.sign((ours * theirs).sum(axis=0))
        np.testing.assert_allclose(ours * signs, theirs, atol=1e-3)


@pytest.mark.slow
def test_the_solver_of_2018_gives_the_first_components_as_ours_and_the_last_otherwise(images):
    split = data.load_split(MNIST)
    scaled = StandardScaler().fit_transform(split.x_train[::5])  # a fifth of the rows, to be quick
    ours = np.linalg.eigh(np.cov(scaled, rowvar=False))[1][:, ::-1][:, :256].T
    randomised = (
        PCA(256, svd_solver="randomized", iterated_power=4, random_state=1).fit(scaled).components_
    )
    alike = np.abs((ours * randomised).sum(axis=1))
    assert alike[:100].min() > 0.99 and alike[200:].mean() < 0.8


def test_the_components_are_not_whitened_and_come_largest_first(rows):
    fitted, _ = data.prepare(MNIST, *rows)
    variances = fitted.var(axis=0, ddof=1)
    eigenvalues = np.linalg.eigvalsh(np.cov(StandardScaler().fit_transform(rows[0]), rowvar=False))[
        ::-1
    ][:256]
    np.testing.assert_allclose(variances, eigenvalues, rtol=1e-3)
    assert variances[0] > 10 * variances[-1]


def test_shuffled_components_are_the_papers_in_another_order_the_same_for_all_rows(rows):
    paper, paper_others = data.prepare(MNIST, *rows)
    shuffled, shuffled_others = data.prepare(like(MNIST, features="shuffled"), *rows)
    # every component is unlike every other, so each of the shuffled ones can be recognised
    order = [
        int(np.flatnonzero((paper == column[:, None]).all(axis=0)).item()) for column in shuffled.T
    ]
    assert sorted(order) == list(range(256))
    assert order != list(range(256))
    assert np.array_equal(shuffled_others, paper_others[:, order])


def test_another_seed_shuffles_the_components_otherwise(rows):
    one, other = (
        data.prepare(like(MNIST, features="shuffled", seed=seed), *rows)[0] for seed in (1, 2)
    )
    assert not np.array_equal(one, other)


def test_raw_measurements_stay_in_their_own_units():
    split = data.load_split(WDBC)
    for x, prepared in zip(
        (split.x_train, split.x_test),
        data.prepare(like(WDBC, features="raw"), split.x_train, split.x_test),
        strict=True,
    ):
        assert np.array_equal(prepared, x.astype(np.float32))


# The 16 x 16 pixels


def slowly_shrunk(image):
    """28 x 28 to 16 x 16 by cutting every pixel into 4 x 4 equal pieces, and averaging blocks of 7 x 7 pieces: 28 x 4 = 16 x 7."""
    pieces = image.reshape(28, 28).repeat(4, axis=0).repeat(4, axis=1)
    return np.array(
        [
            [pieces[7 * i : 7 * i + 7, 7 * j : 7 * j + 7].mean() for j in range(16)]
            for i in range(16)
        ]
    ).ravel()


def test_shrinking_agrees_with_averaging_pixel_by_pixel():
    images = np.random.default_rng(2).random((5, 784))
    np.testing.assert_allclose(
        data.shrink(images), [slowly_shrunk(image) for image in images], atol=1e-12
    )


def test_shrinking_keeps_the_mean_of_every_image():
    images = np.random.default_rng(3).random((5, 784))
    np.testing.assert_allclose(data.shrink(images).mean(axis=1), images.mean(axis=1))


def test_an_image_of_one_grey_stays_of_that_grey():
    np.testing.assert_allclose(data.shrink(np.full((1, 784), 0.3)), np.full((1, 256), 0.3))


def test_pixels_are_standardised_after_shrinking(rows):
    fitted, _ = data.prepare(like(MNIST, features="pixels"), *rows)
    np.testing.assert_allclose(
        fitted, StandardScaler().fit_transform(data.shrink(rows[0])), atol=1e-4
    )


# What a record says of the data


def test_the_checksums_of_wdbc_change_with_a_single_value(monkeypatch):
    checksums = data.checksums.__wrapped__  # not what is remembered
    before = checksums("wdbc")
    x, y = load_breast_cancer(return_X_y=True)
    x[0, 0] = np.nextafter(x[0, 0], 100)
    monkeypatch.setattr("sklearn.datasets.load_breast_cancer", lambda return_X_y: (x, y))
    after = checksums("wdbc")
    assert after["measurements"] != before["measurements"]
    assert after["labels"] == before["labels"]


def test_the_checksums_of_images_are_those_their_bytes_are_held_to():
    assert data.checksums("mnist") == sources.SHA256["mnist"]


@pytest.mark.parametrize("features", ["paper", "raw"])
def test_data_frames_that_a_caller_asks_of_scikit_learn_change_nothing(features):
    spec, rows = like(WDBC, features=features), data.load_split(WDBC)
    plain = data.prepare(spec, rows.x_train, rows.x_test)
    with sklearn.config_context(transform_output="pandas"):
        asked = data.prepare(spec, rows.x_train, rows.x_test)
    for one, other in zip(asked, plain, strict=True):
        assert type(one) is np.ndarray and np.array_equal(one, other)

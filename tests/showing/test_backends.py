"""What the appendix says of the same runs on Keras's backends."""

from factory import record

from reluclf import Spec, formats
from reluclf.showing import backends, origins

TINY = {"dataset": "wdbc", "architecture": "ffnn", "head": "relu", "epochs": 2}


def test_backends_are_compared_seed_by_seed_with_the_first_and_told_apart_only_where_they_differ():
    def runs(of, shift, **fields):
        spec = Spec(**TINY | {"head": of}, protocol="fresh", folds=0, seed=1)
        hits = {1: 0.90, 2: 0.91, 3: 0.92, 4: 0.93}
        return [
            record(spec.model_copy(update={"seed": seed}), [], share + shift, **fields)
            for seed, share in hits.items()
        ]

    compared = backends.comparisons(
        {
            "tensorflow": [*runs("relu", 0), *runs("softmax", 0)],
            "jax": [*runs("relu", -0.1), *runs("softmax", 0, diverged_at=1)],
            "torch": runs("relu", 0)[:1],
        }
    )
    table = backends.table(compared)
    assert list(zip(table["network"], table["backend"], strict=True)) == [
        *(("WDBC FFNN-ReLU", backend) for backend in ("tensorflow", "jax", "torch")),
        *(("WDBC FFNN-Softmax", backend) for backend in ("tensorflow", "jax")),
    ]
    assert list(table["equivalent"]) == [
        formats.NONE,
        "they differ",
        formats.NONE,
        formats.NONE,
        "shown",
    ]
    assert table["minus tensorflow, points"][1].startswith("−") and table[
        "minus tensorflow, points"
    ][1].endswith("(n = 4)")
    rests = origins.of(table)
    assert [group["runs"].split("/")[1] for group in rests] == [
        *["tensorflow"] * 2,
        *["jax"] * 2,
        "torch",
    ]
    noisy = [
        run.model_copy(update={"test": record(run.spec, [], 0.8 + 0.05 * run.spec.seed).test})
        for run in runs("relu", 0)
    ]
    assert list(
        backends.table(backends.comparisons({"tensorflow": runs("relu", 0), "jax": noisy}))[
            "equivalent"
        ]
    ) == [formats.NONE, "not shown"]
    facts = backends.facts(compared)
    assert [
        facts[f"appendices_{name}"]
        for name in ("compared", "equivalent", "different", "own", "own_different")
    ] == [2, 1, 1, 0, 0]
    assert list(table["loss not finite"]) == ["0 of 4", "0 of 4", "0 of 1", "0 of 4", "4 of 4"]


def test_a_comparison_without_runs_is_a_table_without_rows():
    table = backends.table(backends.comparisons({"tensorflow": [], "jax": []}))
    assert table.empty


def test_runs_with_kerass_own_loss_are_counted_by_themselves():
    def runs(loss, shift):
        specs = [
            Spec(**TINY, protocol="fresh", folds=0, seed=seed, loss=loss) for seed in (1, 2, 3)
        ]
        return [record(spec, [], 0.9 + shift + 0.001 * spec.seed) for spec in specs]

    jax = [*runs("guarded", 0), *runs("verbatim", -0.3)]
    facts = backends.facts(
        backends.comparisons(
            {"tensorflow": [*runs("guarded", 0), *runs("verbatim", 0)], "jax": jax}
        )
    )
    assert facts == {
        "appendices_compared": 1,
        "appendices_equivalent": 1,
        "appendices_different": "none",
        "appendices_own": 1,
        "appendices_own_different": 1,
    }

"""The command line: ``python -m original`` trains what the plan has and the store has not.

``python -m original plan`` lists what is planned and what is there, and ``python -m original
zero-rows`` asks what the libraries make of 0/0.
"""

import os
import sys
import time

# One thread, also in scikit-learn's linear algebra: the same machine then gives the same bits.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

from original import data, plan, records, training, zero_rows  # noqa: E402

USAGE = "usage: python -m original [train|plan|zero-rows]"


def main(arguments):
    """Run a command; return its exit status."""
    command = arguments[0] if arguments else "train"
    if len(arguments) > 1 or command not in COMMANDS:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        COMMANDS[command]()
    except (data.DataError, plan.PlanError) as error:
        print("error: {}".format(error), file=sys.stderr)
        return 1
    return 0


def train():
    """Train what has no record, one run after the other, and write each record as it comes."""
    store = results()
    for spec in plan.runs(plan.read()):
        file = os.path.join(store, plan.path(spec))
        if os.path.exists(file):
            continue
        started, clock = records.now(), time.time()
        outcome = training.run(spec)
        record = records.make(spec, outcome, started, time.time() - clock)
        records.write_atomically(file, records.to_json(record))
        dead = outcome["diverged_at"]
        what = "dead at batch {}".format(dead) if dead else "alive"
        accuracy = record["test"]["accuracy"]
        form = "{}: {}, test accuracy {:.4f} ({:.0f} s)"
        print(form.format(plan.path(spec), what, accuracy, time.time() - clock), flush=True)


def show():
    """List the experiments of the plan, and how many of their runs have a record."""
    store, planned = results(), plan.read()
    for name, experiment in planned["experiments"].items():
        specs = [s for i in range(experiment["seeds"]) for s in plan.one_round(experiment, i + 1)]
        there = sum(os.path.exists(os.path.join(store, plan.path(spec))) for spec in specs)
        print("{}: {} of {} runs; {}".format(name, there, len(specs), experiment["what"]))


def results():
    """Name the store: ``$ORIGINAL_RESULTS``, else ``results/original/``."""
    return os.environ.get("ORIGINAL_RESULTS") or plan.STORE


COMMANDS = {"train": train, "plan": show, "zero-rows": zero_rows.measure}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

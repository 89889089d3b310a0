"""What is run: the plan, which was fixed before the first run, and the specs that follow from it.

A spec is a plain dictionary with the fields of ``reluclf``'s ``Spec``; its path is the same, too.
"""

import collections
import itertools
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))

#: The folder that holds the original's records, within the project's ``results/``.
STORE = os.path.join(os.path.dirname(HERE), "results", "original")

REQUIRED = ("dataset", "architecture", "head", "protocol", "seed")

#: The other fields of a spec, in order, with the values that its path leaves out.
DEFAULTS = collections.OrderedDict(
    [
        ("loss", "guarded"),
        ("features", "paper"),
        ("epochs", 32),
        ("folds", 10),
        ("batch_size", 256),
        ("optimizer", "adam"),
        ("learning_rate", None),
        ("clipnorm", None),
        ("beta_2", 0.999),
        ("bias", 0.0),
        ("floor", 0.0),
        ("hidden", "relu"),
        ("samples", None),
    ]
)

#: The fields that this program can vary; all others have the author's values.
VARIED = ("loss", "features", "epochs", "folds")


class PlanError(ValueError):
    """A plan or spec that cannot be run; the message names what is wrong, and the remedy."""


def spec(dataset, architecture, head, seed, **departures):
    """Make the spec of one run of the protocol ``carried``, the author's.

    Parameters
    ----------
    dataset : {"mnist", "fashion_mnist", "wdbc"}
    architecture : {"ffnn", "cnn"}
    head : {"softmax", "relu"}
    seed : int
    **departures
        Values of the fields in :data:`VARIED`.

    Returns
    -------
    OrderedDict
    """
    unknown = sorted(set(departures) - set(VARIED))
    if unknown:
        raise PlanError(
            "{} cannot be varied in the original; only {} can.".format(
                ", ".join(unknown), ", ".join(VARIED)
            )
        )
    values = (dataset, architecture, head, "carried", seed)
    made = collections.OrderedDict(zip(REQUIRED, values))
    made.update(DEFAULTS)
    made.update(departures)
    return made


def path(spec):
    """Name the file of a spec's record, relative to its store."""
    special = [name for name in DEFAULTS if spec[name] != DEFAULTS[name]]
    setting = spec["protocol"] + "".join(",{}={}".format(name, spec[name]) for name in special)
    network = "{}-{}".format(spec["architecture"], spec["head"])
    return "/".join([spec["dataset"], network, setting, "seed-{}.json".format(spec["seed"])])


FILE = os.path.join(HERE, "plan.json")


def read(file=FILE):
    """Read a plan: its experiments by name, and the order in which their seeds are run."""
    with open(file, encoding="utf-8") as stream:
        plan = json.load(stream, object_pairs_hook=collections.OrderedDict)
    for name, upto in plan["order"]:
        if upto > plan["experiments"][name]["seeds"]:
            raise PlanError(
                "{} orders {} seeds of {}, but the design has {}; raise the design.".format(
                    file, upto, name, plan["experiments"][name]["seeds"]
                )
            )
    return plan


def one_round(experiment, seed):
    """List the specs of an experiment's networks and settings for one seed."""
    departures = experiment["spec"]
    values = [value if isinstance(value, list) else [value] for value in departures.values()]
    return [
        spec(dataset, architecture, head, seed, **dict(zip(departures, chosen)))
        for dataset, architecture, head in experiment["networks"]
        for chosen in itertools.product(*values)
    ]


def runs(plan):
    """List all the specs of a plan in the order in which they are run, seed by seed, each once."""
    listed = collections.OrderedDict()
    design = [(name, experiment["seeds"]) for name, experiment in plan["experiments"].items()]
    for name, upto in plan["order"] + design:
        for seed in range(1, upto + 1):
            for made in one_round(plan["experiments"][name], seed):
                listed.setdefault(path(made), made)
    return list(listed.values())

#!/usr/bin/env python3
"""Splink 5 on one of the judge's sets, tuned by hand: the figure that `isthmus link` has to beat.

    splink_baseline.py SET_FOLDER [--clusters CLUSTERS.csv] [--json] [--seed N]

Each kind of set has a model made for it (`splink_models.py`): cleaned columns, comparisons of Splink's library with term frequencies, several
blocking rules, u from random pairs, m by expectation maximisation, the prior from deterministic rules. The model is trained without the truth; then every
threshold is tried *with* the truth and the best one kept, which no user can do: an upper bound. 0.95 is the threshold that a user takes.

The seconds count from the start of the process to the clusters of the user's threshold on disk; the memory is the peak of the process
by then. The seconds of processor are there for machines that do other things as well. Trying the thresholds comes afterwards and counts for nothing.
"""

import argparse
import json
import logging
import resource
import sys
import time
import warnings
from pathlib import Path

START = time.perf_counter()
USERS_THRESHOLD = 0.95
USERS_WEIGHT = 4.2479  # log2(0.95 / 0.05)
LOWEST_WEIGHT = -6.0


def train(linker, model, seed):
    """The parameters, each column's m from those sessions whose blocking rule leaves the column free."""
    from splink import block_on

    training = linker.training
    training.estimate_probability_two_random_records_match([block_on(*rule) if isinstance(rule, tuple) else rule for rule in model.certain], recall=model.certain_recall)
    training.estimate_u_using_random_sampling(max_pairs=5e6, seed=seed)
    for rule in model.sessions:
        training.estimate_parameters_using_expectation_maximisation(block_on(*rule), max_pairs=2e6)


def run(folder, clusters_path, seed):
    import duckdb

    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    import splink_models

    model = splink_models.for_set(folder.name)
    connection = duckdb.connect()
    inputs = [path for path in (folder / "a.csv", folder / "b.csv") if path.exists()]
    tables = [model.prepare(connection, path, f"input_{path.stem}") for path in inputs]
    if model.link_type == "dedupe_only" and len(tables) > 1:
        connection.execute("create table input_all as " + " union all by name ".join(f"select * from {table}" for table in tables))
        tables = ["input_all"]
    database = DuckDBAPI(connection)
    registered = [database.register(table) for table in tables]
    settings = SettingsCreator(
        link_type=model.link_type,
        unique_id_column_name="record_id",
        comparisons=model.comparisons,
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in model.blocking],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )
    linker = Linker(registered if len(registered) > 1 else registered[0], settings, log_level=logging.ERROR)
    train(linker, model, seed)
    trained = time.perf_counter() - START
    predictions = linker.inference.predict(threshold_match_weight=LOWEST_WEIGHT)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, threshold_match_weight=USERS_WEIGHT)
    connection.execute(f"copy (select record_id, cluster_id from {clusters.physical_name}) to '{clusters_path}' (header)")
    seconds = time.perf_counter() - START
    usage = resource.getrusage(resource.RUSAGE_SELF)
    edges = connection.execute(f"select record_id_l, record_id_r, match_weight from {predictions.physical_name}").df()
    return {"seconds": seconds, "seconds_training": trained, "cpu_seconds": usage.ru_utime + usage.ru_stime, "mebibytes": usage.ru_maxrss / 1024, "pairs_scored": len(edges)}, edges


def sweep(edges, truth_path):
    """Every threshold: connected components of the pairs above it, measured against the truth."""
    import numpy
    import pandas
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    from score import measure

    truth = pandas.read_csv(truth_path, dtype=str, keep_default_na=False)
    index = pandas.Index(truth.record_id)
    left, right = index.get_indexer(edges.record_id_l), index.get_indexer(edges.record_id_r)
    weights = edges.match_weight.to_numpy()
    results = {}
    steps = [float(step) for step in numpy.arange(LOWEST_WEIGHT, 60, 0.5 if len(truth) < 300_000 else 2.0)]
    for step in [USERS_WEIGHT, *steps]:
        kept = weights >= step
        graph = coo_matrix((numpy.ones(int(kept.sum()), dtype="int8"), (left[kept], right[kept])), shape=(len(truth), len(truth)))
        truth["cluster_id"] = connected_components(graph, directed=False)[1]
        results[step] = measure(truth)
        if step > USERS_WEIGHT and not kept.any():
            break
    best = max(results, key=lambda step: (results[step]["f1"], -results[step]["claimed_pairs"]))
    return best, results[best], results[USERS_WEIGHT]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clusters", type=Path, help="where the clusters at the user's threshold go (default: beside the set)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--seed", type=int, default=None, help="seed of the sampling of random pairs (slower)")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    clusters = options.clusters or options.folder / "splink_clusters.out"
    try:
        cost, edges = run(options.folder, clusters, options.seed)
    except ValueError as error:
        # With nothing to find the prior becomes zero, and Splink takes its logarithm.
        sys.exit(f"Splink could not be trained on {options.folder.name}: {error}")
    best_weight, best, usual = sweep(edges, options.folder / "truth.csv")
    result = {"set": options.folder.name, **cost, "best_weight": best_weight, "best": best, "usual": usual}
    if options.json:
        print(json.dumps(result))
        return
    for title, figures in ((f"best threshold (weight {best_weight:+.1f})", best), ("probability 0.95", usual)):
        print(f"{title}: precision {figures['precision']:.5f} recall {figures['recall']:.5f} F1 {figures['f1']:.5f} ({figures['claimed_pairs']} pairs claimed)")
    print(f"{cost['seconds']:.1f} s ({cost['seconds_training']:.1f} until trained; {cost['cpu_seconds']:.1f} s of processor), {cost['mebibytes']:.0f} MiB, {cost['pairs_scored']} pairs kept")


if __name__ == "__main__":
    main()

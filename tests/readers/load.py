"""Load a release with the `datasets` of this environment and print what came, as JSON.

Run by test_readers.py with the Python of each environment; needs nothing of gonerd.
    load.py NAME CONFIG             load_dataset(NAME, CONFIG) in the current folder
    load.py SCRIPT CONFIG DATA_DIR  the legacy script, with datasets before 4.0
"""

import hashlib
import json
import sys

import datasets


def main() -> None:
    """Load, and describe every row by hashes, so that versions can be compared."""
    path, config = sys.argv[1:3]
    options = {}
    if len(sys.argv) > 3:
        options = {"data_dir": sys.argv[3], "trust_remote_code": True}
    loaded = datasets.load_dataset(path, config, **options)
    described = {"version": datasets.__version__, "splits": {}}
    for split, rows in loaded.items():
        described["splits"][split] = [
            hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest() for row in rows
        ]
    first = next(iter(loaded.values()))
    described["columns"] = first.column_names
    if config == "default":
        feature = first.features["ner_tags"]
        described["tags"] = feature.feature.names
        described["row"] = first[0]
    print("DESCRIBED " + json.dumps(described))


main()

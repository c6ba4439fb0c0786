"""Labels and columns into a loading script for readers whose `datasets` is older than 4.0.

Newer versions refuse scripts, and refuse a folder that holds one under its own name; so it stands
in `legacy/`, where they do not look. It needs nothing but datasets and pyarrow.
"""

from collections.abc import Mapping, Sequence

_SCRIPT = '''"""Load {name} with datasets 2.x or 3.x: see the README.md of the release."""

import datasets
import pyarrow.parquet

TAGS = {tags!r}
FILES = {files!r}
SPANS = [
    {{
        "start": datasets.Value("int32"),
        "end": datasets.Value("int32"),
        "label": datasets.Value("string"),
        "confidence": datasets.Value("float32"),
        "support": datasets.Value("int32"),
    }}
]
FEATURES = {{
    "default": datasets.Features(
        {{
            "id": datasets.Value("string"),
            "text": datasets.Value("string"),
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=TAGS)),
            "token_starts": datasets.Sequence(datasets.Value("int32")),
            "token_ends": datasets.Sequence(datasets.Value("int32")),
            "spans": SPANS,
            "source": datasets.Value("string"),
            "url": datasets.Value("string"),
            "license": datasets.Value("string"),
            "language": datasets.Value("string"),
            "num_tokens": datasets.Value("int32"),
        }}
    ),
    "annotations": datasets.Features(
        {{
            "document_id": datasets.Value("string"),
            "text_sha256": datasets.Value("string"),
            "annotator": datasets.Value("string"),
            "guide": datasets.Value("string"),
            "coverage": [{{"start": datasets.Value("int32"), "end": datasets.Value("int32")}}],
            "spans": SPANS,
        }}
    ),
}}


class LongDocuments(datasets.ArrowBasedBuilder):
    """The release, whole documents one a row; `annotations` holds every annotator's layer."""

    BUILDER_CONFIGS = [datasets.BuilderConfig(name=name) for name in FILES]
    DEFAULT_CONFIG_NAME = "default"

    def _info(self):
        return datasets.DatasetInfo(features=FEATURES[self.config.name])

    def _split_generators(self, dl_manager):
        folder = self.config.data_dir or ".."
        files = {{
            split: [folder + "/" + name for name in names]
            for split, names in FILES[self.config.name].items()
        }}
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={{"files": paths}})
            for split, paths in dl_manager.download(files).items()
        ]

    def _generate_tables(self, files):
        for file_number, path in enumerate(files):
            parquet = pyarrow.parquet.ParquetFile(path)
            for number, batch in enumerate(parquet.iter_batches(batch_size=64)):
                table = pyarrow.Table.from_batches([batch])
                yield (file_number, number), table.cast(self.info.features.arrow_schema)
'''


def loading_script(
    name: str, tags: Sequence[str], files: Mapping[str, Mapping[str, Sequence[str]]]
) -> str:
    """Write the script; `files` maps config to split to the paths of its files in the release."""
    plain = {
        config: {split: list(paths) for split, paths in splits.items()}
        for config, splits in files.items()
    }
    return _SCRIPT.format(name=name, tags=list(tags), files=plain)

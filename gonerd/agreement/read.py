"""Files, a work folder or a release into annotations, and the texts they speak of."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gonerd.errors import ConfigError, RecordError, located
from gonerd.files import load_annotations, load_documents, numbered_lines, parse_json_line
from gonerd.gather import annotation_files, documents_by_id, none_at_all
from gonerd.records import Annotation, Document, annotation_from_json, check_fit
from gonerd.release import ANNOTATIONS, DEFAULT, is_release, open_release, read_rows
from gonerd.store import part_paths


def read(
    paths: Sequence[Path], documents: Path | None = None, *, only: Sequence[str] = ()
) -> tuple[Iterator[Annotation], dict[str, str]]:
    """Read annotations one by one, and the texts by document.

    A path is a .jsonl or .parquet file, `-`, a folder of such files, a work folder with its
    annotators, or a release. Texts come from `documents`, or with the annotations: the texts are
    all there when the annotations have been read. `only` names annotators to keep; one that does
    not occur is a ConfigError.
    """
    given = documents_by_id(documents) if documents else {}
    texts = {name: document.text for name, document in given.items()}
    annotations = _annotations(paths, given, texts)
    return (_chosen(annotations, only) if only else annotations), texts


def _annotations(
    paths: Sequence[Path], given: dict[str, Document], texts: dict[str, str]
) -> Iterator[Annotation]:
    empty = True
    for path in paths:
        for file in _files(path, texts):
            for where, annotation, text in _one_by_one(file):
                document = given.get(annotation.document_id)
                if document is not None:
                    located(where, check_fit, annotation, document)
                elif text is not None:
                    texts.setdefault(annotation.document_id, text)
                empty = False
                yield annotation
    if empty:
        raise none_at_all()


def _one_by_one(file: Path) -> Iterator[tuple[str, Annotation, str | None]]:
    """Read a file without holding all of it, where it has lines."""
    if str(file) == "-" or file.suffix == ".parquet":
        yield from load_annotations(file)
        return
    for where, raw in numbered_lines(file):
        try:
            yield (where, *annotation_from_json(parse_json_line(raw, where), where))
        except RecordError:
            load_annotations(file)  # names all that is wrong in the file, not the first alone
            raise


def _chosen(annotations: Iterable[Annotation], only: Sequence[str]) -> Iterator[Annotation]:
    met: set[str] = set()
    for annotation in annotations:
        met.add(annotation.annotator)
        if annotation.annotator in only:
            yield annotation
    if unknown := sorted(set(only) - met):
        raise ConfigError(
            f"--annotator {unknown[0]!r}: no such annotator; expected one of "
            f"{', '.join(map(repr, sorted(met)))}."
        )


def _files(path: Path, texts: dict[str, str]) -> list[Path]:
    """List the files that a path stands for; take in the texts that lie beside them."""
    if str(path) != "-" and path.is_dir():
        if is_release(path):
            return _of_release(path, texts)
        if found := _of_work(path, texts):
            return found
    return annotation_files([path])


def _of_release(folder: Path, texts: dict[str, str]) -> list[Path]:
    """List the layers of a release, and take in its texts."""
    release = open_release(folder)
    for _, row in read_rows(release, DEFAULT, ("id", "text")):
        texts.setdefault(row["id"], row["text"])
    splits = release.configs.get(ANNOTATIONS, {}).values()
    return [folder / name for names in splits for name in names]


def _of_work(folder: Path, texts: dict[str, str]) -> list[Path]:
    """List the parts of every annotator in a work folder, and take in the texts."""
    files = [part for of in sorted(folder.glob("annotations/*")) for part in part_paths(of)]
    for part in part_paths(folder / "documents") if files else []:
        for document in load_documents(part):
            texts.setdefault(document.id, document.text)
    return files

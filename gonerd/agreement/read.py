"""Files, a work folder or a release into annotations, and the texts they speak of."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gonerd.errors import RecordError, SourceError
from gonerd.files import load_annotations, load_documents, parquet_files
from gonerd.records import Annotation, Document, check_fit
from gonerd.release import ANNOTATIONS, DEFAULT, is_release, open_release, read_rows
from gonerd.store import part_paths


def read(
    paths: Sequence[Path], documents: Path | None = None
) -> tuple[Iterator[Annotation], dict[str, str]]:
    """Read annotations one by one, and the texts by document.

    A path is a .jsonl or .parquet file, `-`, a folder of such files, a work folder with its
    annotators, or a release. Texts come from `documents`, or with the annotations: the texts are
    all there when the annotations have been read.
    """
    given = _documents(load_documents(documents)) if documents else {}
    texts = {name: document.text for name, document in given.items()}
    return _annotations(paths, given, texts), texts


def _annotations(
    paths: Sequence[Path], given: dict[str, Document], texts: dict[str, str]
) -> Iterator[Annotation]:
    for path in paths:
        for where, annotation, text in _inside(path, texts):
            document = given.get(annotation.document_id)
            if document is not None:
                try:
                    check_fit(annotation, document)
                except RecordError as error:
                    raise type(error)(f"{where}: {error}") from None
            elif text is not None:
                texts.setdefault(annotation.document_id, text)
            yield annotation


def _inside(path: Path, texts: dict[str, str]) -> Iterator[tuple[str, Annotation, str | None]]:
    """Read what a path stands for, with where it stood and the text that came along."""
    if str(path) == "-" or path.is_file():
        files = [path]
    elif is_release(path):
        files = _of_release(path, texts)
    else:
        files = _of_work(path, texts) or [*sorted(path.glob("*.jsonl")), *parquet_files(path)]
    if not files:
        raise SourceError(
            f"{path}: no annotations there; expected a .jsonl or .parquet file, a folder of such, "
            "a work folder, or a release."
        )
    for file in files:
        yield from load_annotations(file)


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


def _documents(documents: Sequence[Document]) -> dict[str, Document]:
    by_id: dict[str, Document] = {}
    for document in documents:
        other = by_id.setdefault(document.id, document)
        if other.text_sha256 != document.text_sha256:
            raise RecordError(
                f"{document.id}: two documents of this name with different texts; expected one."
            )
    return by_id

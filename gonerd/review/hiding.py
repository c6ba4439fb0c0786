"""A desk into what one annotator is to see of it: their own documents, some suggestions hidden.

What is hidden is drawn by the seed of the queue for each annotator, so that page, terminal and
report draw the same. An annotator who never saw a suggestion cannot have followed it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gonerd.review.desk import Desk, Paper
from gonerd.review.queues import Queue, QueueConfig, chance, tasks_of


def shown_to(desk: Desk, queue: Queue | None, annotator: str) -> Desk:
    """Give a desk as an annotator of a queue is to see it; to others it is as it is.

    It holds the annotator's documents alone, in order, without the suggestions that are hidden.
    """
    tasks = [] if queue is None else tasks_of(queue, annotator)
    if queue is None or not tasks:
        return desk
    names = dict.fromkeys(one.document_id for one in tasks)
    papers: Mapping[str, Paper] = {name: desk.papers[name] for name in names}
    if queue.config.hidden_spans or queue.config.hidden_documents:
        papers = _Shown(papers, queue.config, annotator)
    disputes = tuple(one for one in desk.disputes if one.document_id in names)
    return replace(desk, papers=papers, disputes=disputes)


def is_hidden(config: QueueConfig, annotator: str, document_id: str) -> bool:
    """Say whether an annotator is shown no suggestion in a document."""
    drawn = chance(config.seed, "document", document_id, annotator)
    return drawn < config.hidden_documents


def shown(paper: Paper, config: QueueConfig, annotator: str) -> Paper:
    """Take the suggestions off a document that an annotator is not to see."""
    name = paper.document.id
    if is_hidden(config, annotator, name):
        return replace(paper, suggestions=())
    kept = [
        one
        for one in paper.suggestions
        if chance(config.seed, "span", name, one.start, one.end, one.label, annotator)
        >= config.hidden_spans
    ]
    return replace(paper, suggestions=tuple(kept))


class _Shown(Mapping[str, Paper]):
    """Documents as one annotator sees them, each worked out when it is looked at."""

    def __init__(self, papers: Mapping[str, Paper], config: QueueConfig, annotator: str) -> None:
        self._papers, self._config, self._annotator = papers, config, annotator
        self._seen: dict[str, Paper] = {}

    def __getitem__(self, name: str) -> Paper:
        if name not in self._seen:
            self._seen[name] = shown(self._papers[name], self._config, self._annotator)
        return self._seen[name]

    def __contains__(self, name: object) -> bool:
        return name in self._papers

    def __iter__(self) -> Iterator[str]:
        return iter(self._papers)

    def __len__(self) -> int:
        return len(self._papers)

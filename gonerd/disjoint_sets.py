"""Pairs that belong together into groups: the smallest member of a group stands for it."""

from collections.abc import Iterable


class DisjointSets:
    """Indices 0 to size, each alone until it is joined to others (Galler and Fischer 1964)."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, index: int) -> int:
        """Find what stands for the group of an index."""
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, members: Iterable[int]) -> None:
        """Make one group of the groups of some indices."""
        roots = sorted({self.find(member) for member in members})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def groups(self) -> list[list[int]]:
        """List the groups, in the order of their first members."""
        grouped: dict[int, list[int]] = {}
        for index in range(len(self._parent)):
            grouped.setdefault(self.find(index), []).append(index)
        return list(grouped.values())

"""Boosted regression trees over the amounts of one slip: a score for each, and of the scores a probability (softmax)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trees:
    """Complete binary trees of one depth. A node sends what is at most its threshold to the left."""

    features: Ints  # tree × node
    thresholds: Floats  # tree × node
    leaves: Floats  # tree × leaf
    scale: float = 1.0  # what makes the probabilities as sure as they are right

    def scores(self, rows: Floats) -> Floats:
        """The sum of the trees' leaves for each row of features."""
        count, (trees, nodes) = len(rows), self.features.shape
        if not trees or not count:
            return np.zeros(count)
        depth = (nodes + 1).bit_length() - 1
        tree, at = np.arange(trees)[None, :], np.zeros((count, trees), dtype=np.int64)
        place = np.arange(count)[:, None]
        for _ in range(depth):
            right = rows[place, self.features[tree, at]] > self.thresholds[tree, at]
            at = 2 * at + 1 + right
        scores: Floats = self.leaves[tree, at - nodes].sum(axis=1)
        return scores

    def probabilities(self, rows: Floats) -> Floats:
        """How likely each of the amounts of one slip is the one that was paid; together one."""
        return softmax(self.scores(rows) * self.scale)

    def to_json(self) -> dict[str, Any]:
        """Plain lists."""
        return {
            "features": self.features.tolist(), "thresholds": self.thresholds.tolist(), "leaves": self.leaves.tolist(),
            "scale": self.scale,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Trees:
        """The trees that `to_json` wrote."""
        return cls(
            np.array(data["features"], dtype=np.int64), np.array(data["thresholds"], dtype=np.float64),
            np.array(data["leaves"], dtype=np.float64), float(data["scale"]),
        )  # fmt: skip


def softmax(scores: Floats) -> Floats:
    """Shares of one that grow with the scores."""
    powers = np.exp(scores - scores.max()) if len(scores) else scores
    return powers / powers.sum() if len(scores) else powers


@dataclass(frozen=True)
class Plan:
    """How trees are grown."""

    trees: int = 160
    depth: int = 4
    rate: float = 0.06
    ridge: float = 6.0
    least: float = 2.0  # weight that a leaf must hold
    bins: int = 32
    columns: float = 0.3  # share of the features that one tree may use
    seed: int = 7


def grow(rows: Floats, right: npt.NDArray[np.bool_], groups: Ints, weights: Floats, plan: Plan = Plan()) -> Trees:
    """Trees that rank the right row of each group first; the same input, the same trees.

    `groups`: the number of the slip of each row, ascending. Each tree follows the gradient of the groups' softmax (listwise), its leaves
    are Newton's steps (Friedman 2001).
    """
    chance = np.random.default_rng(plan.seed)
    edges = [_edges(rows[:, column], plan.bins) for column in range(rows.shape[1])]
    binned = np.stack([np.searchsorted(edge, rows[:, column], side="left") for column, edge in enumerate(edges)], axis=1)
    scores = np.zeros(len(rows))
    features, thresholds, leaves = [], [], []
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    for _ in range(plan.trees):
        likely = _group_softmax(scores, groups, starts)
        gradient, curve = weights * (likely - right), weights * np.maximum(likely * (1 - likely), 1e-6)
        usable = np.sort(chance.permutation(rows.shape[1])[: max(1, int(plan.columns * rows.shape[1]))])
        tree_features, tree_bins, tree_leaves, homes = _tree(binned, gradient, curve, usable, plan)
        scores = scores + tree_leaves[homes]
        features.append(tree_features)
        thresholds.append([_threshold(edges, feature, cut) for feature, cut in zip(tree_features, tree_bins, strict=True)])
        leaves.append(tree_leaves)
    cuts, sums = (np.array(values, dtype=np.float64).round(6) for values in (thresholds, leaves))
    return Trees(np.array(features, dtype=np.int64), cuts, sums)


def _edges(values: Floats, bins: int) -> Floats:
    distinct = np.unique(values)
    if len(distinct) <= bins:
        return (distinct[1:] + distinct[:-1]) / 2
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))


def _threshold(edges: Sequence[Floats], feature: int, cut: int) -> float:
    edge = edges[feature]
    return float(edge[cut]) if cut < len(edge) else 1e18


def _group_softmax(scores: Floats, groups: Ints, starts: Ints) -> Floats:
    most = np.maximum.reduceat(scores, starts)
    number = np.cumsum(np.r_[True, groups[1:] != groups[:-1]]) - 1
    powers = np.exp(scores - most[number])
    shares: Floats = powers / np.add.reduceat(powers, starts)[number]
    return shares


def _tree(
    binned: Ints, gradient: Floats, curve: Floats, usable: Ints, plan: Plan
) -> tuple[list[int], list[int], Floats, Ints]:  # fmt: skip
    """One tree, level by level: for each node the feature, its bin, the leaves, and in which leaf each row ends."""
    features, cuts, homes = [], [], np.zeros(len(binned), dtype=np.int64)
    bins = plan.bins + 1
    for level in range(plan.depth):
        nodes = 1 << level
        best_feature, best_cut = np.full(nodes, int(usable[0])), np.full(nodes, 10**6)
        best_gain = np.full(nodes, 1e-9)
        whole_gradient, whole_curve = (np.bincount(homes, part, nodes) for part in (gradient, curve))
        for feature in usable:
            place = homes * bins + binned[:, feature]
            left_gradient, left_curve = (
                np.bincount(place, part, nodes * bins).reshape(nodes, bins).cumsum(axis=1)[:, :-1] for part in (gradient, curve)
            )
            right_gradient, right_curve = whole_gradient[:, None] - left_gradient, whole_curve[:, None] - left_curve
            gain = left_gradient**2 / (left_curve + plan.ridge) + right_gradient**2 / (right_curve + plan.ridge)
            gain -= (whole_gradient**2 / (whole_curve + plan.ridge))[:, None]
            gain[(left_curve < plan.least) | (right_curve < plan.least)] = 0
            cut = gain.argmax(axis=1)
            top = gain[np.arange(nodes), cut]
            better = top > best_gain
            best_gain[better], best_feature[better], best_cut[better] = top[better], feature, cut[better]
        features += best_feature.tolist()
        cuts += best_cut.tolist()
        homes = 2 * homes + (binned[np.arange(len(binned)), best_feature[homes]] > best_cut[homes])
    leaves = 1 << plan.depth
    sums = np.bincount(homes, gradient, leaves) / (np.bincount(homes, curve, leaves) + plan.ridge)
    return features, cuts, np.round(-plan.rate * sums, 6), homes

"""One change at a time: what could be wrong in a file, of its Python and of the SQL in its texts."""

from __future__ import annotations

import ast
import copy
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = 24  # characters of a change's neighbourhood in its description
IS_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\s")


@dataclass(frozen=True, eq=False)
class Change:
    """One node in another's place. `place` is the function, the module's name or the field that it stands in."""

    file: str
    line: int
    place: str
    text: str
    lines: range
    owner: ast.stmt
    holder: ast.AST
    field: str
    index: int | None
    node: ast.AST | list[Any]

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the change as long as its code stays the same, wherever it stands."""
        return self.file, self.place, self.text

    @property
    def of_module(self) -> bool:
        """Whether it stands in what the module is made of: every test that passes the module or names the value may see it."""
        return not isinstance(self.owner, ast.FunctionDef)


class Source:
    """A file of ours and everything that may be changed in it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.path = ROOT / file
        self.module = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        self.tree = ast.parse(self.path.read_text(), str(self.path))

    @cached_property
    def changes(self) -> list[Change]:
        """In the order of the file, each once."""
        found = (change for owner, place, node in self._places() for change in self._of(owner, place, node))
        each = {(id(change.holder), change.field, change.index, change.text): change for change in found}
        return sorted(each.values(), key=lambda change: change.line)

    @cached_property
    def naming(self) -> dict[str, set[int]]:
        """By name: the statements, as their lines, that read a value of this name, here or of another module."""
        lines: dict[str, set[int]] = defaultdict(set)
        for name, line in _names(self.tree, 0):
            lines[name].add(line)
        return lines

    def _places(self) -> Iterator[tuple[ast.stmt, str, ast.AST]]:
        """What can be changed in a running program: functions, their defaults, values of the module, defaults of fields."""
        for stmt in self.tree.body:
            if isinstance(stmt, ast.FunctionDef):
                yield stmt, stmt.name, stmt
            elif (name := assigned(stmt)) and not _is_type(stmt):
                yield stmt, name, stmt
            elif isinstance(stmt, ast.ClassDef):
                for inner in stmt.body:
                    if isinstance(inner, ast.FunctionDef):
                        yield inner, f"{stmt.name}.{inner.name}", inner
                    elif isinstance(inner, ast.AnnAssign) and inner.value and has_fields(stmt):
                        yield stmt, f"{stmt.name}.{ast.unparse(inner.target)}", inner

    def _of(self, owner: ast.stmt, place: str, node: ast.AST) -> Iterator[Change]:
        for holder, field, index, old, stmt in _sites(node, node):
            for new in _alternatives(old, holder, field, isinstance(owner, ast.Assign | ast.AnnAssign)):
                # The default of an argument counts wherever the function runs.
                last = stmt.end_lineno if isinstance(stmt, ast.FunctionDef) else old.end_lineno
                lines = range(min(stmt.lineno, old.lineno), (last or old.lineno) + 1)
                line, text = _described(old, new)
                yield Change(self.file, line, place, text, lines, owner, holder, field, index, new)

    def changed(self, change: Change) -> ast.Module:
        """The tree with the change in it."""
        held = getattr(change.holder, change.field)
        if change.index is None:
            setattr(change.holder, change.field, change.node)
        else:
            setattr(change.holder, change.field, [*held[: change.index], change.node, *held[change.index + 1 :]])
        try:
            return ast.fix_missing_locations(copy.deepcopy(self.tree))
        finally:
            setattr(change.holder, change.field, held)


def _names(node: ast.AST, line: int) -> Iterator[tuple[str, int]]:
    """Every name that is read under a node, and the line of the statement that reads it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name | ast.Attribute) and isinstance(child.ctx, ast.Load):
            yield child.id if isinstance(child, ast.Name) else child.attr, line
        yield from _names(child, child.lineno if isinstance(child, ast.stmt) else line)


def assigned(stmt: ast.stmt) -> str | None:
    """The one name of the module that a statement gives a value."""
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target if isinstance(stmt, ast.AnnAssign) and stmt.value else None
    return target.id if isinstance(target, ast.Name) else None


def _is_type(stmt: ast.stmt) -> bool:
    """`Sentence = dict[str, str]`: read by the type checker only."""
    value = stmt.value if isinstance(stmt, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Subscript) or (isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar")


def has_fields(stmt: ast.ClassDef) -> bool:
    """Whether a class is made from its fields, so that their defaults are arguments."""
    makers = [*stmt.decorator_list, *stmt.bases]
    return any(ast.unparse(maker).startswith(("dataclass", "NamedTuple")) for maker in makers)


Site = tuple[ast.AST, str, int | None, Any, Any]
NEVER = {"annotation", "returns", "decorator_list", "format_spec", "ctx", "ops", "op", "target", "targets"}


def _sites(node: ast.AST, stmt: ast.AST) -> Iterator[Site]:
    """Every expression and statement under a node, and the statement that holds it."""
    for field, value in ast.iter_fields(node):
        if field in NEVER and not (field == "target" and isinstance(node, ast.NamedExpr)):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_docstring(child) and not _is_assertion(child):
                inside = child if isinstance(child, ast.stmt) else stmt
                if hasattr(child, "lineno"):
                    yield node, field, index, child, inside
                if not (isinstance(child, ast.Call) and _is_bug(child)):
                    yield from _sites(child, inside)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_assertion(node: ast.AST) -> bool:
    """What holds anyway, said for the reader: `assert`, and `strict` where two lists are as long."""
    return isinstance(node, ast.Assert) or (isinstance(node, ast.keyword) and node.arg == "strict")


COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Pow: ast.Mult,
}  # fmt: skip
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list", "abs": "int"}
METHODS = {"startswith": "endswith", "endswith": "startswith", "upper": "lower", "lower": "upper", "rstrip": "lstrip", "strip": "lstrip"}


def _alternatives(old: Any, holder: ast.AST, field: str, of_module: bool) -> Iterator[Any]:
    """What may stand in a node's place. In place of a statement: nothing."""
    if isinstance(old, ast.expr):
        yield from _expressions(old, holder, field, of_module)
    if isinstance(holder, ast.If | ast.While | ast.IfExp) and field == "test":
        yield ast.Constant(False)
        if not isinstance(holder, ast.While):
            yield ast.Constant(True)
    if isinstance(holder, ast.comprehension) and field == "ifs":
        yield ast.Constant(True)
    match old:
        case ast.Return(value=ast.expr()) if not (isinstance(old.value, ast.Constant) and old.value.value in {None, True, False}):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
    if isinstance(old, ast.AugAssign) and type(old.op) in RECKONED:
        yield ast.AugAssign(old.target, RECKONED[type(old.op)](), old.value)


def _expressions(old: ast.expr, holder: ast.AST, field: str, of_module: bool) -> Iterator[ast.expr]:
    match old:
        case ast.Compare():
            for index, op in enumerate(old.ops):
                for other in COMPARED[type(op)]:
                    yield ast.Compare(old.left, [*old.ops[:index], other(), *old.ops[index + 1 :]], old.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(old.op, ast.And) else ast.And(), old.values)
            for rest in _without_each(old.values):
                yield ast.BoolOp(old.op, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield old.operand
        case ast.BinOp() if type(old.op) in RECKONED:
            yield ast.BinOp(old.left, RECKONED[type(old.op)](), old.right)
        case ast.Constant():
            yield from _constants(old, holder, field)
        case ast.Call():
            yield from _calls(old)
        case ast.List() | ast.Set() | ast.Tuple() if len(old.elts) > 1 and (of_module or not isinstance(old, ast.Tuple)):
            for elements in _without_each(old.elts):
                yield ast.Set(elements) if isinstance(old, ast.Set) else type(old)(elements, ast.Load())
        case ast.Dict() if len(old.keys) > 1:
            for keys, values in zip(_without_each(old.keys), _without_each(old.values), strict=True):
                yield ast.Dict(keys, values)
        case ast.Slice() if old.lower or old.upper:
            yield ast.Slice(None, None, old.step)


def _without_each(elements: list[Any]) -> Iterator[list[Any]]:
    for index in range(len(elements)):
        yield [*elements[:index], *elements[index + 1 :]]


def _constants(old: ast.Constant, holder: ast.AST, field: str) -> Iterator[ast.expr]:
    value = old.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 or 1.0)
    elif isinstance(value, str) and IS_SQL.search(value):
        yield from (ast.Constant(changed) for changed in sql_changes(value))
    elif isinstance(value, str) and not isinstance(holder, ast.Subscript):  # where it is only the name of what is taken out
        yield ast.Constant(value + "!")


def _is_bug(call: ast.Call) -> bool:
    """What only developers read."""
    return ast.unparse(call.func) in {"ValueError", "TypeError", "RuntimeError", "KeyError", "AssertionError", "cast"}


def _calls(old: ast.Call) -> Iterator[ast.expr]:
    arguments, starred = old.args, any(isinstance(argument, ast.Starred) for argument in old.args)
    if ast.unparse(old.func) in {"cast", "isinstance"}:
        return
    if len(arguments) > 1 and not starred and ast.unparse(old.func).rpartition(".")[2] not in {"min", "max", "where"}:
        yield ast.Call(old.func, [arguments[1], arguments[0], *arguments[2:]], old.keywords)
    for keyword in old.keywords:
        if not _is_assertion(keyword):
            yield ast.Call(old.func, arguments, [other for other in old.keywords if other is not keyword])
    if isinstance(old.func, ast.Name) and old.func.id in CALLED:
        other = CALLED[old.func.id]
        yield ast.Call(ast.Name(other, ast.Load()), arguments, old.keywords if other in {"min", "max"} else [])
    if isinstance(old.func, ast.Attribute) and old.func.attr in METHODS:
        yield ast.Call(ast.Attribute(old.func.value, METHODS[old.func.attr], ast.Load()), arguments, old.keywords)


#: What may stand in the place of a piece of SQL.
SQL: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"(?<=\s)>=(?=\s)", ">"), (r"(?<=\s)<=(?=\s)", "<"), (r"(?<=\s)>(?=\s)", ">="), (r"(?<=\s)<(?=\s)", "<="),
    (r"(?<=\s)=(?=\s)", "<>"), (r"(?<=\s)<>(?=\s)", "="), (r"(?<=\s)\+(?=\s)", "-"), (r"(?<=\s)-(?=\s)", "+"), (r"-(?=sum\()", ""),
    (r"\bAND\b", "OR"), (r"\bOR\b", "AND"), (r"\bIS NOT NULL\b", "IS NULL"), (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bNOT EXISTS\b", "EXISTS"), (r"\bNOT IN\b", "IN"), (r"(?<!NOT )\bIN \(", "NOT IN ("), (r"\bLEFT JOIN\b", "JOIN"),
    (r"\bmin\(", "max("), (r"\bmax\(", "min("), (r"\bbool_and\(", "bool_or("), (r"\btrue\b", "false"), (r"\bDESC\b", ""),
    (r" FOR UPDATE( OF \w+)?", ""), (r"ORDER BY [\w., ]+?(?= FOR UPDATE|\)|\n|$)", ""), (r"ON CONFLICT DO NOTHING", ""),
    (r" FILTER \(WHERE [^()]*\)", ""), (r"(?<=[ ,(])\d+(?=[,)\s])", lambda found: str(int(found.group()) + 1)),
    (r"'(\w+)'", r"'\1!'"),
]  # fmt: skip


def sql_changes(statement: str) -> Iterator[str]:
    """A statement with one piece of it changed, for each piece that may be."""
    for pattern, other in SQL:
        for found in re.finditer(pattern, statement):
            if found.group() == "=" and re.search(r"\bSET [^\n]*$", statement[: found.start()]):
                continue  # gives a column its value
            changed = found.expand(other) if isinstance(other, str) else other(found)
            yield statement[: found.start()] + changed + statement[found.end() :]


def _described(old: Any, new: Any) -> tuple[int, str]:
    """The line of a change, and its text before and after."""
    if isinstance(new, ast.Pass):
        return old.lineno, f"{_short(ast.unparse(old))} → nothing"
    is_sql = isinstance(old, ast.Constant) and isinstance(old.value, str) and IS_SQL.search(old.value)
    before, after = (old.value, new.value) if is_sql else (ast.unparse(old), ast.unparse(new))
    start = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), min(len(before), len(after)))
    tail = 0
    while tail < min(len(before), len(after)) - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    ends = [text[max(0, start - CONTEXT) : len(text) - max(0, tail - CONTEXT)] for text in (before, after)]
    line = old.lineno + before.count("\n", 0, start) if is_sql else old.lineno
    return line, " → ".join(" ".join(text.split()) for text in ends)


def _short(text: str) -> str:
    first = text.partition("\n")[0]
    return first if len(first) <= 3 * CONTEXT else first[: 3 * CONTEXT] + "…"

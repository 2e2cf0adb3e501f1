"""Put a change into the running program: new code for the function, a new value for the name. Nothing is imported anew."""

from __future__ import annotations
import __future__ as future

import ast
import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutants.changes import ROOT, Change, Source, assigned


def place(source: Source, change: Change) -> None:
    """Change the program for good: only in a process that ends with it."""
    module, tree = sys.modules[source.module], source.changed(change)
    _forget(module)
    name, _, inner = change.place.partition(".")
    if isinstance(change.owner, ast.FunctionDef):
        _place_function(module, tree, change)
    elif inner:
        _place_field(module, tree, name)
    else:
        _place_value(module, tree, name)


def watch(source: Source, passed: Callable[[int], None]) -> None:
    """Have every statement of a file's functions say its line when it is passed."""
    module, tree = sys.modules[source.module], copy.deepcopy(source.tree)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and not isinstance(node, ast.Module | ast.ClassDef):
                setattr(node, name, [step for stmt in block for step in (_saying(stmt), stmt)])
    vars(module)["__passed__"] = passed
    _forget(module)
    codes = _codes_by_place(compile(ast.fix_missing_locations(tree), module.__file__ or "", "exec", dont_inherit=True))
    for function in _functions(module):
        if code := codes.get(_place_of(function.__code__)):
            function.__code__ = code


def _saying(stmt: ast.stmt) -> ast.stmt:
    said = ast.Expr(ast.Call(ast.Name("__passed__", ast.Load()), [ast.Constant(stmt.lineno)], []))
    return ast.copy_location(said, stmt)


def _place_function(module: ModuleType, tree: ast.Module, change: Change) -> None:
    assert isinstance(change.owner, ast.FunctionDef)
    # Two functions of one name (a property and its setter) stand on different lines.
    place = change.place, min([change.owner.lineno, *(decorator.lineno for decorator in change.owner.decorator_list)])
    running = [function for function in _functions(module) if _place_of(function.__code__) == place]
    if not running:
        raise LookupError(f"{change.place} of {change.file} is not to be found in the running program")
    definition = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.lineno == change.owner.lineno)
    if any("__class__" in function.__code__.co_freevars for function in running):
        # Its `super()` may be gone with the change, but code is only exchanged for code that reads the class just the same.
        definition.body.append(ast.fix_missing_locations(ast.copy_location(ast.Expr(ast.Name("__class__", ast.Load())), definition)))
    codes = _codes_by_place(compile(tree, module.__file__ or "", "exec", dont_inherit=True))
    for function in running:
        function.__code__ = codes[place]
        if definition.args.defaults:
            function.__defaults__ = tuple(_value(module, node) for node in definition.args.defaults)
        for argument, node in zip(definition.args.kwonlyargs, definition.args.kw_defaults, strict=True):
            if node is not None:
                function.__kwdefaults__ = {**(function.__kwdefaults__ or {}), argument.arg: _value(module, node)}


def _place_of(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _codes_by_place(code: CodeType) -> dict[tuple[str, int], CodeType]:
    return {_place_of(each): each for each in _codes(code)}


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods that a module defines, without their decorators."""
    for value in vars(module).values():
        held = vars(value).values() if isinstance(value, type) and value.__module__ == module.__name__ else [value]
        for each in held:
            function = getattr(each, "fget", None) or getattr(each, "__func__", None) or each
            while hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield function


def _forget(module: ModuleType) -> None:
    """What a function remembered of its calls it was told unchanged."""
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def _value(module: ModuleType, node: ast.expr) -> Any:
    return eval(compile(ast.Expression(node), module.__file__ or "", "eval", dont_inherit=True), vars(module))


def _place_value(module: ModuleType, tree: ast.Module, name: str) -> None:
    """The new value, wherever the old one was imported, and what is made from it when a module is."""
    renewed = {name}
    importers: dict[str, ModuleType] = {}
    for stmt in tree.body:
        made = assigned(stmt)
        value = stmt.value if isinstance(stmt, ast.Assign | ast.AnnAssign) else None
        if not made or value is None:
            continue
        if made == name or renewed & {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}:
            renewed.add(made)
            old, new = getattr(module, made), _value(module, value)
            for key, other in list(sys.modules.items()):
                if getattr(other, "__dict__", {}).get(made) is old:
                    vars(other)[made] = new
                    if other is not module and str(getattr(other, "__file__", "")).startswith(str(ROOT / "api")):
                        importers[key] = other
    for importer in importers.values():
        _renew(importer, renewed)


def _renew(module: ModuleType, names: set[str]) -> None:
    for stmt in ast.parse(Path(module.__file__ or "").read_text()).body:
        made = assigned(stmt)
        value = stmt.value if isinstance(stmt, ast.Assign | ast.AnnAssign) else None
        if made and value is not None and names & {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}:
            vars(module)[made] = _value(module, value)


def _place_field(module: ModuleType, tree: ast.Module, name: str) -> None:
    """The defaults of a class of fields are those of the function that makes one."""
    definition = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    scope = dict(vars(module))
    code = compile(ast.Module([definition], []), module.__file__ or "", "exec", future.annotations.compiler_flag, dont_inherit=True)
    exec(code, scope)
    old, new = vars(module)[name], scope[name]
    maker = "__new__" if issubclass(old, tuple) else "__init__"
    getattr(old, maker).__defaults__ = getattr(new, maker).__defaults__
    getattr(old, maker).__kwdefaults__ = getattr(new, maker).__kwdefaults__

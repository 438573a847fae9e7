"""A small safe expression over a graph's state: ``--failed-when 'status == "error"'``.

    predicate  = or
    or         = and {"or" and}
    and        = not {"and" not}
    not        = "not" not | comparison
    comparison = operand {("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in") operand}
    operand    = literal | list | path | "len(" operand ")" | "(" or ")"
    path       = name {"." name | "[" operand "]"}
    list       = "[" [operand {"," operand}] "]"
    literal    = string | ["-"] number | "true" | "false" | "null" | "True" | "False" | "None"

A path starts at a key of the state and goes on through keys, attributes and indexes. What is not
there counts as ``null``: it equals ``null`` only, and any other comparison with it is false. So is
one between values that cannot be compared. An operand that stands alone is true as in Python.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lgprof.errors import UsageError

_Evaluate = Callable[[Any], Any]
"""From the state to the value of an expression."""
_Compare = Callable[[Any, Any], Any]

_EXAMPLE = """write for example: status == "error" and retry_count >= 3"""
_LITERAL_NAMES = {"true": True, "false": False, "null": None}
_LONGEST = 10_000
_MISSING: Any = type(
    "Missing", (), {"__bool__": lambda self: False, "__repr__": lambda self: "?"}
)()


@dataclass(frozen=True)
class Predicate:
    """A condition over a state or over a node's returned values."""

    text: str
    _evaluate: _Evaluate

    def matches(self, value: Any) -> bool:
        """Whether the condition holds; never raises.

        Args:
            value: A dict, a pydantic model, a dataclass, or anything else with attributes.
        """
        try:
            return bool(self._evaluate(value))
        except Exception:  # the user's own __eq__, __bool__ and properties
            return False


def parse_predicate(text: str) -> Predicate:
    """Read a condition; nothing in it is ever executed as Python.

    Raises:
        UsageError: It is not one, with the position and an example.
    """
    return Predicate(text, _Parser(text).parse())


class _Parser:
    """Translates the syntax tree node by node; a node that it does not know is an error."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._source = text.strip().replace("\n", " ")

    def parse(self) -> _Evaluate:
        if not self._source:
            raise UsageError("the predicate is empty", hint=_EXAMPLE)
        if len(self._source) > _LONGEST:
            raise UsageError(f"the predicate is longer than {_LONGEST} characters", hint=_EXAMPLE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's advice on odd escapes
                tree = ast.parse(self._source, mode="eval")
            return self._expression(tree.body)
        except SyntaxError as error:
            why = "write == to compare" if "'=='" in error.msg else "it cannot be read here"
            raise self._error_at((error.offset or 1) - 1, why) from None
        except (RecursionError, MemoryError, ValueError):
            raise UsageError("the predicate cannot be read", hint=_EXAMPLE) from None

    def _expression(self, node: ast.expr) -> _Evaluate:
        translate = _TRANSLATIONS.get(type(node))
        if translate is None:
            raise self._error(node, "this is not allowed")
        return translate(self, node)

    def _bool(self, node: ast.BoolOp) -> _Evaluate:
        parts = [self._expression(part) for part in node.values]
        if isinstance(node.op, ast.And):
            return lambda state: all(_truth(part, state) for part in parts)
        return lambda state: any(_truth(part, state) for part in parts)

    def _unary(self, node: ast.UnaryOp) -> _Evaluate:
        if isinstance(node.op, ast.Not):
            inner = self._expression(node.operand)
            return lambda state: not _truth(inner, state)
        operand = node.operand
        if isinstance(node.op, ast.USub) and isinstance(operand, ast.Constant):
            number = operand.value
            if isinstance(number, int | float) and not isinstance(number, bool):
                return _always(-number)
        raise self._error(node, "this is not allowed")

    def _compare(self, node: ast.Compare) -> _Evaluate:
        operands = [self._expression(part) for part in (node.left, *node.comparators)]
        compares = [self._comparison(node, kind) for kind in node.ops]
        links = list(zip(operands, compares, operands[1:], strict=False))
        return lambda state: all(
            _compared(compare, left(state), right(state)) for left, compare, right in links
        )

    def _comparison(self, node: ast.Compare, kind: ast.cmpop) -> _Compare:
        compare = _COMPARISONS.get(type(kind))
        if compare is None:
            raise self._error(node, "write == or != to compare")
        return compare

    def _name(self, node: ast.Name) -> _Evaluate:
        if node.id in _LITERAL_NAMES:
            return _always(_LITERAL_NAMES[node.id])
        return lambda state: _member(state, node.id)

    def _attribute(self, node: ast.Attribute) -> _Evaluate:
        if node.attr.startswith("__"):
            raise self._error(node, f"{node.attr} is not allowed")
        owner = self._expression(node.value)
        return lambda state: _member(owner(state), node.attr)

    def _subscript(self, node: ast.Subscript) -> _Evaluate:
        owner, key = self._expression(node.value), self._expression(node.slice)
        return lambda state: _item(owner(state), key(state))

    def _constant(self, node: ast.Constant) -> _Evaluate:
        if node.value is None or isinstance(node.value, str | int | float):
            return _always(node.value)
        raise self._error(node, "this is not allowed")

    def _list(self, node: ast.List) -> _Evaluate:
        parts = [self._expression(part) for part in node.elts]
        return lambda state: [part(state) for part in parts]

    def _call(self, node: ast.Call) -> _Evaluate:
        is_len = isinstance(node.func, ast.Name) and node.func.id == "len"
        if not is_len or len(node.args) != 1 or node.keywords:
            raise self._error(node, "len(x) is the only function")
        inner = self._expression(node.args[0])
        return lambda state: _length(inner(state))

    def _error(self, node: ast.expr, why: str) -> UsageError:
        # The tree counts in bytes.
        before = self._source.encode()[: node.col_offset].decode()
        return self._error_at(len(before), why)

    def _error_at(self, offset: int, why: str) -> UsageError:
        stripped = len(self._text) - len(self._text.lstrip())
        column = min(offset + stripped + 1, len(self._text))
        return UsageError(f"predicate {self._text!r}, column {column}: {why}", hint=_EXAMPLE)


_TRANSLATIONS: dict[type[ast.expr], Callable[[_Parser, Any], _Evaluate]] = {
    ast.BoolOp: _Parser._bool,
    ast.UnaryOp: _Parser._unary,
    ast.Compare: _Parser._compare,
    ast.Name: _Parser._name,
    ast.Attribute: _Parser._attribute,
    ast.Subscript: _Parser._subscript,
    ast.Constant: _Parser._constant,
    ast.List: _Parser._list,
    ast.Call: _Parser._call,
}


def _always(value: Any) -> _Evaluate:
    return lambda state: value


def _truth(evaluate: _Evaluate, state: Any) -> bool:
    try:
        return bool(evaluate(state))
    except Exception:  # so that one odd value decides one part only
        return False


def _member(owner: Any, name: str) -> Any:
    """A key of a mapping, else a field: the first that there is."""
    if owner is None or owner is _MISSING:
        return _MISSING
    if isinstance(owner, Mapping):
        return owner.get(name, _MISSING)
    if name.startswith("__"):
        return _MISSING
    value = getattr(owner, name, _MISSING)
    # A method is not a part of the state.
    return _MISSING if callable(value) and hasattr(value, "__self__") else value


def _item(owner: Any, key: Any) -> Any:
    try:
        return owner[key]
    except Exception:
        return _member(owner, key) if isinstance(key, str) else _MISSING


def _length(value: Any) -> Any:
    try:
        return len(value)
    except Exception:
        return _MISSING


def _compared(compare: _Compare, left: Any, right: Any) -> bool:
    if left is _MISSING or right is _MISSING:
        is_null = all(value is _MISSING or value is None for value in (left, right))
        return compare is operator.eq and is_null
    try:
        return bool(compare(left, right))
    except Exception:
        return False


def _contains(item: Any, container: Any) -> bool:
    return item in container


def _lacks(item: Any, container: Any) -> bool:
    return item not in container


_COMPARISONS: dict[type[ast.cmpop], _Compare] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _contains,
    ast.NotIn: _lacks,
}

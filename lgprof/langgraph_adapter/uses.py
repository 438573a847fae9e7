"""What functions use and set outside of themselves: globals, closures, what they import, by name.

It is read from their bytecode, which knows more than their source: what a name stands for.
"""

from __future__ import annotations

import contextlib
import dis
import importlib.util
import sys
import sysconfig
import types
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

GLOBAL_LOADS = ("LOAD_GLOBAL", "LOAD_NAME")
"""Instructions that read a global."""
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_TWICE = ("COPY", "DUP_TOP")
"""Before an attribute that is read in order to be set, as in ``counter.calls += 1``."""
_LONGEST = 10
"""Attributes in a row that are followed."""
_SETTERS = ("setattr", "delattr", "globals", "exec", "eval")
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_MISSING: Any = object()


class Use(NamedTuple):
    """A name from outside, with the attributes of modules, classes and functions after it."""

    scope: str
    """``global`` or ``closure``; empty where the code does not tell what it sets."""
    name: str
    """As it is written: ``settings.limit``."""
    value: Any
    """None where it is set."""
    holder: Any
    """What the last name is looked up in: a module's dictionary, a class, a function."""
    is_set: bool = False

    @property
    def attribute(self) -> str:
        """The last name."""
        return self.name.rpartition(".")[2]


class _Root(NamedTuple):
    scope: str
    name: str
    value: object
    holder: object


def codes_of(function: types.FunctionType) -> list[types.CodeType]:
    """A function's code and that of the functions, lambdas and comprehensions in it."""
    codes = [function.__code__]
    for code in codes:
        codes += [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return codes


def instructions_of(function: types.FunctionType) -> Iterator[dis.Instruction]:
    """The instructions of a function and of those in it."""
    for code in codes_of(function):
        yield from dis.get_instructions(code)


def names_in(function: types.FunctionType) -> set[str]:
    """Names of globals, attributes and imports."""
    return {name for code in codes_of(function) for name in code.co_names}


def captured(function: types.FunctionType) -> dict[str, object]:
    """The variables of outer functions that a function uses, by name."""
    found: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a variable that is not set yet
            found[name] = cell.cell_contents
    return found


def named_globals(function: types.FunctionType) -> dict[str, object]:
    """The globals that a function uses, by name."""
    used = (one for one in instructions_of(function) if one.opname in GLOBAL_LOADS)
    names = dict.fromkeys(str(one.argval) for one in used)
    return {name: function.__globals__[name] for name in names if name in function.__globals__}


def global_uses(function: types.FunctionType) -> dict[str, object]:
    """Globals, and what the function imports itself, by dotted name."""
    return {use.name: use.value for use in uses_of(function) if _is_read(use, "global")}


def closure_uses(function: types.FunctionType) -> dict[str, object]:
    """Variables of outer functions by dotted name."""
    found = {use.name: use.value for use in uses_of(function) if _is_read(use, "closure")}
    return {**captured(function), **found}


def _is_read(use: Use, scope: str) -> bool:
    return use.scope == scope and not use.is_set


def uses_of(function: types.FunctionType) -> Iterator[Use]:
    """All uses of a function; what it imports is known if anybody has imported it by now."""
    instructions = list(instructions_of(function))
    roots = _Roots(function, instructions)
    before = ""
    for position, one in enumerate(instructions):
        if one.opname == "STORE_GLOBAL":
            yield Use("global", str(one.argval), None, function.__globals__, is_set=True)
        elif one.opname == "STORE_ATTR" and before.startswith("CALL"):
            yield Use("", f"{one.argval} of what a call returns", None, None, is_set=True)
        elif one.opname in GLOBAL_LOADS and roots.is_setter(str(one.argval)):
            yield Use("", f"what {one.argval} names", None, None, is_set=True)
        elif (root := roots.of(one)) is not None:
            yield from _followed(root, instructions[position + 1 : position + 1 + _LONGEST])
        before = one.opname


class _Roots:
    """What the names of a function stand for, as far as they are not its own."""

    def __init__(
        self, function: types.FunctionType, instructions: Sequence[dis.Instruction]
    ) -> None:
        self._globals = function.__globals__
        self._captured = captured(function)
        self._imported = dict(_imports(function, instructions))
        self._class = _class_of(function)

    def is_setter(self, name: str) -> bool:
        """Whether a global is a built-in function that sets names which the code does not tell."""
        return name in _SETTERS and name not in self._globals

    def of(self, one: dis.Instruction) -> _Root | None:
        """What an instruction loads from outside."""
        if not one.opname.startswith("LOAD_") and "_LOAD_" not in one.opname:
            return None
        name = one.argval[-1] if isinstance(one.argval, tuple) and one.argval else one.argval
        if one.opname in GLOBAL_LOADS:
            value = self._globals.get(name, _MISSING)
            return None if value is _MISSING else _Root("global", name, value, self._globals)
        if "FAST" not in one.opname and "DEREF" not in one.opname:
            return None
        if name in self._imported:
            return self._imported[name]
        if name in self._captured:
            return _Root("closure", name, self._captured[name], None)
        if name == "cls" and self._class is not None:
            return _Root("global", self._class.__qualname__, self._class, None)
        return None


def _followed(root: _Root, after: Sequence[dis.Instruction]) -> Iterator[Use]:
    scope, name, value, holder = root
    for position, one in enumerate(after):
        if one.opname == "STORE_ATTR":
            yield Use(scope, f"{name}.{one.argval}", None, value, is_set=True)
            break
        following = after[position + 1 : position + 2]
        if one.opname in _TWICE and following and following[0].opname in _ATTRIBUTES:
            yield Use(scope, f"{name}.{following[0].argval}", None, value, is_set=True)
            break
        if one.opname not in _ATTRIBUTES or not _is_namespace(value):
            break
        holder, value = value, _attribute(value, one.argval)
        name = f"{name}.{one.argval}"
    if value is not _MISSING:
        yield Use(scope, name, value, holder)


def _is_namespace(value: object) -> bool:
    is_plain = isinstance(value, types.FunctionType) and not value.__dict__
    return isinstance(value, types.ModuleType | type | types.FunctionType) and not is_plain


def _attribute(value: object, name: str) -> object:
    with contextlib.suppress(Exception):  # a module's own __getattr__ may raise anything
        return getattr(value, name)
    return _MISSING


def _imports(
    function: types.FunctionType, instructions: Sequence[dis.Instruction]
) -> Iterator[tuple[str, _Root]]:
    """The names that import statements in a function give to what they import."""
    value: Any = None
    module: Any = None
    for position, one in enumerate(instructions):
        if one.opname == "IMPORT_NAME":
            level, wanted = (instructions[position - back].argval for back in (2, 1))
            name = str(one.argval) if wanted else str(one.argval).partition(".")[0]
            value = module = _module(name, level, function)
        elif one.opname == "IMPORT_FROM":
            value = _attribute(module, one.argval)
        elif one.opname in ("SWAP", "ROT_TWO"):  # import a.b as c
            module = value
        elif one.opname.startswith(("STORE_FAST", "STORE_DEREF")) and value is not None:
            name = one.argval[0] if isinstance(one.argval, tuple) else one.argval
            yield name, _Root("global", name, value, namespace_of(module))
            value = None
        elif one.opname not in ("POP_TOP", "CACHE"):
            value = None


def _module(name: str, level: Any, function: types.FunctionType) -> types.ModuleType | None:
    if level:
        with contextlib.suppress(ImportError):  # beyond the outermost package
            package = function.__globals__.get("__package__") or ""
            name = importlib.util.resolve_name("." * level + name, package)
    return sys.modules.get(name)


def _class_of(function: types.FunctionType) -> type | None:
    """The class that a class method belongs to; one without attributes where it is not found."""
    if function.__code__.co_varnames[:1] != ("cls",):
        return None
    value: Any = function.__globals__
    for part in function.__qualname__.split(".")[:-1]:
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value if isinstance(value, type) else type(function.__qualname__, (), {})


def namespace_of(value: object) -> object:
    """A module's dictionary, which its functions have as their globals; else the object itself."""
    return vars(value) if isinstance(value, types.ModuleType) else value


def is_library_file(path: str) -> bool:
    """Whether a file is no part of the user's project."""
    return _in_packages(path) or path.startswith((_STANDARD_LIBRARY, "<frozen"))


def is_of_python(function: types.FunctionType) -> bool:
    """Whether the standard library holds its code, or made it: a dataclass's methods, say."""
    file = function.__code__.co_filename
    return file == "<string>" or (file.startswith(_STANDARD_LIBRARY) and not _in_packages(file))


def _in_packages(path: str) -> bool:
    return "site-packages" in path or "dist-packages" in path

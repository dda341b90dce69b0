"""Changes to attributes and items in converted code.

Each change is announced to the journal first, so that a region that is being traced can be undone. An array that cannot
change in place is replaced where it was found: in the variable, the attribute or the container that holds it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..engines.base import Engine, active_engine, array_engine, engine_of
from .aliases import is_held, is_shared, rebinding, refuse_view, replaced
from .calls import call
from .choice import Choice, look_up
from .copies import note_copy
from .dispatch import hide_frames, staged
from .lists import TensorList, check_index, is_tensor_list
from .one_of import OneOf, by_index, each_at, holds_containers, is_buffered
from .state import CONTEXT, Attribute, Content, about_to_write, in_region

IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.iadd,
    "-": operator.isub,
    "*": operator.imul,
    "/": operator.itruediv,
    "//": operator.ifloordiv,
    "%": operator.imod,
    "**": operator.ipow,
    "@": operator.imatmul,
    "<<": operator.ilshift,
    ">>": operator.irshift,
    "&": operator.iand,
    "|": operator.ior,
    "^": operator.ixor,
}


class _Index:
    """``index[a:b, c]`` is the key that ``x[a:b, c]`` would be subscripted with."""

    def __getitem__(self, key: Any) -> Any:
        return key


index = _Index()


def _array_engine(value: Any) -> Engine | None:
    """The engine of an array that cannot change in place."""
    if engine_of(value) is not None and not isinstance(value, list):
        return engine_of(value)
    return array_engine(value)


def _must_be_replaced(container: Any, key: Any, value: Any) -> Engine | None:
    """The engine that has to make a new array for ``container[key] = value``, if one has to."""
    found = _array_engine(container)
    if found is None and type(container).__module__ == "numpy" and hasattr(container, "dtype"):
        found = staged(value) or _staged_key(key)
        if found is None and in_region():
            found = active_engine()
    return found


def _staged_key(key: Any) -> Engine | None:
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if isinstance(part, slice):
            for bound in (part.start, part.stop, part.step):
                if staged(bound) is not None:
                    return staged(bound)
        elif staged(part) is not None:
            return staged(part)
    return None


def _set(container: Any, key: Any, value: Any) -> Any:
    """``container[key] = value``; gives what now has to stand where ``container`` stood."""
    replacing = _must_be_replaced(container, key, value)
    if replacing is not None:
        return replacing.updated(container, key, value)
    if issubclass(type(container), list) and staged(key) is not None and not isinstance(container, TensorList):
        items = TensorList(container)
        items[key] = value
        about_to_write(Content(container))  # here: an exception that may be under way after the key begins a journal
        container[:] = list(items)
        return container
    if issubclass(type(container), list | dict):
        about_to_write(Content(container))
    method = getattr(type(container), "__setitem__", None)
    if type(method) is FunctionType:
        call(method)(container, key, value)
    else:
        container[key] = value
    return container


def _set_along(value: Any, container: Any, keys: tuple[Any, ...]) -> Any:
    """``container[keys[0]][keys[1]]... = value``"""
    if type(container) is OneOf:
        container.change(lambda one: _set_along(value, one, keys))
        return container
    if type(keys[0]) is Choice and issubclass(type(container), dict):
        keys[0].change(lambda key: _set_along(value, container, (key, *keys[1:])))
        return container
    if len(keys) > 1 and staged(keys[0]) is not None and holds_containers(container):
        each_at(container, keys[0], lambda one: _set_along(value, one, keys[1:]))
        return container
    if len(keys) == 1:
        return _changed(container, _set(container, keys[0], value))
    inner = item(container, keys[0])
    if _array_engine(container) is not None:  # the inner array is a part of this one
        return _changed(container, _set(container, keys[0], _set_inside(value, inner, keys[1:])))
    changed = _set_along(value, inner, keys[1:])
    return container if changed is inner else _set(container, keys[0], changed)


def _set_inside(value: Any, array: Any, keys: tuple[Any, ...]) -> Any:
    """The part of an array that ``array`` is, with an item changed."""
    if len(keys) > 1:
        value = _set_inside(value, array[keys[0]], keys[1:])
    return _set(array, keys[0], value)


def _changed(old: Any, new: Any) -> Any:
    """``new``, which all who hold the array ``old`` are to hold instead."""
    if new is old:
        return new
    building = active_engine()
    whole = getattr(building, "part_of", lambda _: None)(old)
    if whole is not None and is_held(whole):
        refuse_view(str(getattr(whole, "aval", "an array")))
    replaced(old, new)
    return new


def _of_its_dtype(new: Any, array: Any) -> Any:
    """``new`` with the dtype of ``array``, which keeps it."""
    if hasattr(type(new), "astype"):
        return new.astype(array.dtype)
    building = active_engine()
    assert building is not None
    return building.types.convert(new, building.types.type_of(array))


def fill_in_place(symbol: str, value: Callable[[], Any], array: Any) -> Any:
    """``array += value()`` in a function that gives nothing back, so that only the array itself can be meant."""
    try:
        if _array_engine(array) is None or not getattr(array, "ndim", 0):
            return IN_PLACE[symbol](array, value())
        return _changed(array, _of_its_dtype(IN_PLACE[symbol](array, value()), array))
    except BaseException as error:
        hide_frames(error)
        raise


def update(symbol: str, value: Callable[[], Any], variable: Any) -> Any:
    """``variable += value()``, where others may hold what ``variable`` holds.

    An array of NumPy's changes in place, those of engines do not. Which of the two a traced array would be, the caller
    of the function decides: what the difference would be seen in is noted for calls with arrays of NumPy's.
    """
    try:
        if issubclass(type(variable), list | dict | set):
            about_to_write(Content(variable))
        new = IN_PLACE[symbol](variable, value())
        if new is variable or not getattr(variable, "ndim", 0) or active_engine() is None:
            return new
        callers = CONTEXT.callers
        if type(variable).__module__ == "numpy" or (callers is not None and callers.is_numpys(variable)):
            new = _of_its_dtype(new, variable)
            if callers is not None:
                callers.numpys.append(new)
            return _changed(variable, new)
        if callers is not None and callers.refusal is None and is_shared(variable):
            callers.refusal = rebinding()
        return new
    except BaseException as error:
        hide_frames(error)
        raise


def change_array(array: Any, method: str, *args: Any) -> None:
    """``array.sort()`` or ``array.fill(v)`` as a statement, which changes an array of NumPy's in place."""
    try:
        found = _array_engine(array)
        if found is None:
            call(getattr(array, method))(*args)
        elif method == "fill":
            _changed(array, found.updated(array, slice(None), args[0]))
        else:
            _changed(array, getattr(array, method)(*args))
    except BaseException as error:
        hide_frames(error)
        raise


def set_item(value: Any, container: Any, *keys: Any) -> Any:
    """``container[keys[0]]... = value``; gives what the variable that held ``container`` is to hold now."""
    try:
        return _set_along(value, container, keys)
    except BaseException as error:
        hide_frames(error)
        raise


def _masking(container: Any, keys: tuple[Any, ...]) -> Engine | None:
    """The engine that has to update the items which a staged mask selects."""
    if len(keys) != 1 or getattr(keys[0], "dtype", None) != bool:  # noqa: E721 - a dtype equals its scalar type
        return None
    return staged(keys[0]) if _array_engine(container) is not None or staged(keys[0]) is not None else None


def _get_along(container: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        container = item(container, key)
    return container


def update_item(symbol: str, value: Callable[[], Any], container: Any, *keys: Any) -> Any:
    """``container[keys[0]]... += value()``, for the operator ``symbol``."""
    try:
        masking = _masking(container, keys)
        if masking is not None:
            return _changed(container, masking.updated(container, keys[0], IN_PLACE[symbol](container + 0, value())))
        old = _get_along(container, keys)
        return _set_along(IN_PLACE[symbol](old, value()), container, keys)
    except BaseException as error:
        hide_frames(error)
        raise


def set_attribute_item(value: Any, owner: Any, name: str, *keys: Any) -> None:
    """``owner.name[keys[0]]... = value``"""
    try:
        if type(owner) is OneOf:
            owner.change(lambda one: set_attribute_item(value, one, name, *keys))
            return
        container = getattr(owner, name)
        changed = _set_along(value, container, keys)
        if changed is not container:
            set_attribute(changed, owner, name)
    except BaseException as error:
        hide_frames(error)
        raise


def update_attribute_item(symbol: str, value: Callable[[], Any], owner: Any, name: str, *keys: Any) -> None:
    """``owner.name[keys[0]]... += value()``"""
    try:
        if type(owner) is OneOf:
            owner.change(lambda one: update_attribute_item(symbol, value, one, name, *keys))
            return
        container = getattr(owner, name)
        old = _get_along(container, keys)
        changed = _set_along(IN_PLACE[symbol](old, value()), container, keys)
        if changed is not container:
            set_attribute(changed, owner, name)
    except BaseException as error:
        hide_frames(error)
        raise


def _descriptor(owner: Any, name: str) -> Any:
    """What the class of ``owner`` has under ``name``, if that computes attributes."""
    own: Any = type(owner)
    classes = own.__mro__
    if own is super:
        if owner.__self_class__ is None:  # an unbound super object has attributes of its own only
            return None
        classes = owner.__self_class__.__mro__
        classes = classes[classes.index(owner.__thisclass__) + 1 :]
    for kind in classes:
        if name in kind.__dict__:
            member = kind.__dict__[name]
            return member if hasattr(type(member), "__get__") else None
    return None


def set_attribute(value: Any, owner: Any, name: str) -> None:
    """``owner.name = value``"""
    try:
        if type(owner) is OneOf:
            owner.change(lambda one: set_attribute(value, one, name))
            return
        if active_engine() is not None:
            found = _descriptor(owner, name)
            if type(found) is property and type(found.fset) is FunctionType:
                call(found.fset)(owner, value)
                return
            method = getattr(type(found), "__set__", None)
            if type(method) is FunctionType:
                call(method)(found, owner, value)
                return
            about_to_write(Attribute(owner, name))
        setattr(owner, name, value)
    except BaseException as error:
        hide_frames(error)
        raise


def update_attribute(symbol: str, value: Callable[[], Any], owner: Any, name: str) -> None:
    """``owner.name += value()``, for the operator ``symbol``."""
    try:
        if type(owner) is OneOf:
            owner.change(lambda one: update_attribute(symbol, value, one, name))
            return
        old = attribute(owner, name)
        if issubclass(type(old), list | dict | set):
            about_to_write(Content(old))
        set_attribute(IN_PLACE[symbol](old, value()), owner, name)
    except BaseException as error:
        hide_frames(error)
        raise


def is_computed(owner: Any, name: str) -> bool:
    """Whether ``owner.name`` is what a function of the user's gives."""
    found = _descriptor(owner, name)
    return type(found) in (property, functools.cached_property) or type(getattr(type(found), "__get__", None)) is (
        FunctionType
    )


def attribute(owner: Any, name: str) -> Any:
    """``owner.name``, where that may be a property."""
    if active_engine() is None or type(owner) is OneOf:
        return getattr(owner, name)
    found = _descriptor(owner, name)
    kind: Any = type(found)
    own: Any = type(owner)
    if own is super:
        if kind is not property:
            return getattr(owner, name)
        owner = owner.__self__
    elif own.__getattribute__ is not object.__getattribute__:
        return getattr(owner, name)
    if kind is property and type(found.fget) is FunctionType:
        return call(found.fget)(owner)
    if kind is functools.cached_property:
        if name not in owner.__dict__:
            value = call(found.func)(owner)
            about_to_write(Attribute(owner, name))
            owner.__dict__[name] = value
        return owner.__dict__[name]
    method = getattr(kind, "__get__", None)
    if type(method) is FunctionType and (hasattr(kind, "__set__") or name not in getattr(owner, "__dict__", ())):
        return call(method)(found, owner, type(owner))
    return getattr(owner, name)


def delete_attribute(owner: Any, name: str) -> None:
    """``del owner.name``"""
    try:
        if type(owner) is OneOf:
            owner.change(lambda one: delete_attribute(one, name))
            return
        about_to_write(Attribute(owner, name))
        delattr(owner, name)
    except BaseException as error:
        hide_frames(error)
        raise


def delete_item(container: Any, key: Any) -> None:
    """``del container[key]``"""
    try:
        if type(container) is OneOf:
            container.change(lambda one: delete_item(one, key))
            return
        if issubclass(type(container), list | dict):
            about_to_write(Content(container))
        del container[key]
    except BaseException as error:
        hide_frames(error)
        raise


def item(container: Any, key: Any) -> Any:
    """``container[key]``, where the key may be staged and the container Python's."""
    try:
        engine = staged(key)
        if type(key) is Choice and issubclass(type(container), dict):
            return look_up(container, key)
        if engine is not None and issubclass(type(container), list | tuple) and not is_buffered(container):
            check_index(key, len(container), "list index out of range")
            chosen = by_index(list(container), engine.wrapped_index(key, len(container)), engine.types)
            if chosen is not NotImplemented:
                return chosen
            if holds_containers(container):
                rows = list(container)
                row = TensorList(rows)[engine.wrapped_index(key, len(container))]
                note_copy(CONTEXT, row, rows)
                return row
        if engine is not None and issubclass(type(container), list | tuple | range) and not is_tensor_list(container):
            if isinstance(container, range):
                return container.start + engine.wrapped_index(key, len(container)) * container.step
            return TensorList(container)[engine.wrapped_index(key, len(container))]
        if engine is not None and type(container).__module__ == "numpy":
            return engine.get_item(container, key)
        if engine is not None:
            found = engine.item_at(container, key)
            if found is not NotImplemented:
                return found
        method = getattr(type(container), "__getitem__", None)
        if type(method) is FunctionType and not is_tensor_list(container):
            return call(method)(container, key)
        return container[key]
    except BaseException as error:
        hide_frames(error)
        raise

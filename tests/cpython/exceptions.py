"""The tests that do not come out the same when converted, each with its reason.

`tests/test_cpython.py` holds the table to be exact: a difference that is not in it fails, and so does an entry that is
no difference any more. None of these tests looks at what a function does; each looks at what it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL = frozenset(((3, 11), (3, 12), (3, 13)))
_FROM_3_12 = frozenset(((3, 12), (3, 13)))
_ONLY_3_11 = frozenset(((3, 11),))
_UP_TO_3_12 = frozenset(((3, 11), (3, 12)))
_ONLY_3_13 = frozenset(((3, 13),))


@dataclass(frozen=True)
class Exempt:
    """Why a test may differ, and in which versions of Python it does."""

    reason: str
    versions: frozenset[tuple[int, int]] = ALL


_CLOSURE = Exempt("puts together a function from the code of another one: converted code has one more free variable")
_LINES = Exempt("lists the line events that sys.settrace() reports for a match statement")
_LASTI = Exempt("makes up a traceback whose instruction is the first of the code, and shows that instruction's columns")
_LOCALS = Exempt("shows all variables of a frame: converted code has one more free variable")
_OBJECTS = Exempt("counts the objects that the garbage collector knows while the function runs")
_REFERENCES = Exempt("counts the references to None", _ONLY_3_11)
_HEADERS = "reads a traceback entry for entry: converted code also shows the header of the if statement around"
_DEPTH = "counts frames: an if statement around a recursive call takes frames of its own"

EXCEPTIONS: dict[str, Exempt] = {
    "test_builtin.BuiltinTest.test_exec_closure": _CLOSURE,
    "test_call.TestRecursion.test_super_deep": Exempt(_DEPTH, _FROM_3_12),
    "test_contextlib_async.TestAsyncExitStack.test_exit_exception_traceback": Exempt(_HEADERS),
    "test_descr.ClassPropertiesAndMethods.test_slots": _OBJECTS,
    "test_funcattrs.FunctionPropertiesTest.test___builtins__": _CLOSURE,
    "test_funcattrs.FunctionPropertiesTest.test___closure__": _CLOSURE,
    "test_patma.TestTracing.test_default_capture": _LINES,
    "test_patma.TestTracing.test_default_wildcard": _LINES,
    "test_patma.TestTracing.test_no_default": _LINES,
    "test_patma.TestTracing.test_only_default_wildcard": _LINES,
    "test_patma.TestTracing.test_unreachable_code": _LINES,
    "test_traceback.CExcReportingTests.test_KeyboardInterrupt_at_first_line_of_frame": _LASTI,
    "test_traceback.PyExcReportingTests.test_KeyboardInterrupt_at_first_line_of_frame": _LASTI,
    "test_traceback.TestStack.test_format_locals": _LOCALS,
    "test_traceback.TestTracebackException.test_comparison_params_variations": _LOCALS,
    "test_traceback.TestTracebackException.test_print": Exempt(_LOCALS.reason, _ONLY_3_11),
    "test_traceback.TestFallbackTracebackFormat.test_recursive_traceback": Exempt(_HEADERS, _ONLY_3_13),
    "test_traceback.TestTracebackFormat.test_recursive_traceback": Exempt(_HEADERS, _ONLY_3_13),
    "test_traceback.TracebackFormatTests.test_recursive_traceback_cpython_internal": Exempt(_HEADERS, _UP_TO_3_12),
    "test_traceback.TracebackFormatTests.test_recursive_traceback_python": Exempt(_HEADERS, _UP_TO_3_12),
    "test_xml_etree.BugsTest.test_bug_xmltoolkit63": _REFERENCES,
}

_LIST = Exempt("asks what a list is made of: one that is made while a graph is built is of a subclass of list")

_CLAUSES = Exempt("reads a traceback entry for entry: while a graph is built, the block of a try is a function")

_ITERATOR = Exempt(
    "asks what an iterator is made of: while a graph is built, one of a list or range is an object of its own"
)

ONLY_TRACED: dict[str, Exempt] = {
    "test_contextlib.ContextManagerTestCase.test_contextmanager_traceback": _CLAUSES,
    "test_contextlib.TestExitStack.test_exit_exception_traceback": _CLAUSES,
    "test_descr.ClassPropertiesAndMethods.test_builtin_function_or_method": _LIST,
    "test_descr.ClassPropertiesAndMethods.test_method_wrapper": _LIST,
    "test_enumerate.TestReversed.test_range_optimization": _ITERATOR,
    "test_exceptions.ExceptionTests.testSettingException": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_after_other_except": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_after_raise_in_except": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_after_raise_in_with_exit": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_after_raise_simple": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_after_with": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_in_finally_except": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_in_finally_normal": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_in_named_except": _CLAUSES,
    "test_exceptions.PEP626Tests.test_lineno_in_try": _CLAUSES,
    "test_exceptions.PEP626Tests.test_missing_lineno_shows_as_none": _CLAUSES,
    "test_functools.TestSingleDispatch.test_cache_invalidation": _LIST,
    "test_iter.TestCase.test_reduce_mutating_builtins_iter": _ITERATOR,
    "test_list.ListTest.test_iterator_pickle": _ITERATOR,
    "test_list.ListTest.test_preallocation": _LIST,
    "test_range.RangeTest.test_iterator_pickling": _ITERATOR,
    "test_richcmp.MiscTest.test_exception_message": _LIST,
    "test_tuple.TupleTest.test_iterator_pickle": _ITERATOR,
}
"""Further tests that differ when they run while a graph is being built."""

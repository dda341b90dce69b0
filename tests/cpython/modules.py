"""The modules of Python's tests that are run: the language, its built-in types, and modules written in Python.

Left out are the tests of CPython's own machinery (what the compiler emits, tracing, profiling, frames, the debugger,
the command line), of the operating system, the network and threads, and those that take long.
"""

from __future__ import annotations

import sys

_LANGUAGE = """
    test_asyncgen test_augassign test_baseexception test_binop test_builtin test_call test_class test_compare
    test_contains test_coroutines test_decorators test_descr test_descrtut test_dictcomps test_dynamic
    test_dynamicclassattribute test_except_star test_exception_group test_exception_hierarchy
    test_exception_variations test_exceptions test_extcall test_finalization test_fstring test_funcattrs
    test_generator_stop test_generators test_genericalias test_genericclass test_genexps test_global test_grammar
    test_index test_isinstance test_iter test_iterlen test_keywordonlyarg test_listcomps test_metaclass
    test_named_expressions test_opcodes test_patma test_pep646_syntax test_positional_only_arg test_pow test_print
    test_property test_raise test_richcmp test_scope test_setcomps test_string_literals test_subclassinit test_super
    test_syntax test_type_aliases test_type_annotations test_type_params test_typechecks test_unary test_unpack
    test_unpack_ex test_with test_yield_from
"""
_TYPES = """
    test_abc test_array test_bool test_bytes test_cmath test_complex test_defaultdict test_deque test_dict
    test_dict_version test_dictviews test_enum test_enumerate test_float test_format test_fractions test_hash test_int
    test_int_literal test_list test_long test_math test_memoryview test_numeric_tower test_ordered_dict test_range
    test_set test_slice test_sort test_str test_strtod test_string test_structseq test_tuple test_types test_unicode
    test_userdict test_userlist test_userstring test_weakref test_weakset
"""
_LIBRARY = """
    test_argparse test_ast test_base64 test_binascii test_bisect test_calendar test_codecs test_collections
    test_colorsys test_configparser test_contextlib test_contextlib_async test_copy test_copyreg test_csv
    test_dataclasses test_difflib test_fnmatch test_functools test_genericpath test_getopt test_graphlib test_heapq
    test_html test_htmlparser test_ipaddress test_itertools test_json test_keyword test_linecache test_ntpath
    test_operator test_optparse test_pickle test_pickletools test_posixpath test_pprint test_quopri test_random
    test_re test_reprlib test_shlex test_stat test_statistics test_strptime test_struct test_textwrap test_tokenize
    test_tomllib test_traceback test_typing test_unittest test_unparse test_urlparse test_uuid test_xml_etree test_zlib
"""

_TRACED = """
    test_asyncgen test_augassign test_class test_collections test_compare test_contextlib test_copy test_coroutines
    test_descr test_dict test_enumerate test_exceptions test_extcall test_functools test_generators
    test_genexps test_grammar test_heapq test_index test_iter test_list test_listcomps test_named_expressions
    test_operator test_ordered_dict test_patma test_pow test_property test_range test_richcmp test_scope test_set
    test_slice test_sort test_super test_tuple test_unpack test_unpack_ex test_userdict test_userlist test_with
    test_yield_from
"""

MODULES = {name: "language" for name in _LANGUAGE.split()}
MODULES |= {name: "types" for name in _TYPES.split()}
MODULES |= {name: "library" for name in _LIBRARY.split()}

_ONLY_IN = {
    "test_str": {(3, 13)},
    "test_type_aliases": {(3, 12), (3, 13)},
    "test_type_params": {(3, 12), (3, 13)},
    "test_unicode": {(3, 11), (3, 12)},
}


TRACED = _TRACED.split()
"""Those that run inside a graph too."""


def modules() -> list[str]:
    """The names of the modules that this version of Python has."""
    return [name for name in MODULES if sys.version_info[:2] in _ONLY_IN.get(name, {sys.version_info[:2]})]

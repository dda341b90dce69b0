"""What converted code calls as it runs; converted functions see this module under the name ``ag__``.

Everything here takes plain Python paths for plain Python values, and asks the engine of a staged one.
"""

from . import builtins, library, questions, queues
from .branch import if_exp, if_stmt
from .builtins import items
from .calls import call
from .comprehensions import comprehension, is_loop
from .directives import stack_method
from .effects import check, read, read_free, writes
from .exceptions import building, leaves, try_stmt
from .explaining import explain
from .formatting import percent, shown, text
from .lists import new_list
from .logic import and_, compare, eq, in_, is_, is_not, not_, not_eq, not_in, or_, order
from .loops import for_stmt, iterated, while_stmt
from .managers import manager
from .matching import (
    capture_pattern,
    class_pattern,
    mapping_pattern,
    match,
    or_pattern,
    sequence_pattern,
    singleton_pattern,
    star_pattern,
    value_pattern,
)
from .mutation import (
    attribute,
    change_array,
    delete_attribute,
    delete_item,
    fill_in_place,
    index,
    item,
    set_attribute,
    set_attribute_item,
    set_item,
    update,
    update_attribute,
    update_attribute_item,
    update_item,
)
from .operators import operate

__all__ = [
    "and_",
    "attribute",
    "building",
    "builtins",
    "call",
    "capture_pattern",
    "change_array",
    "check",
    "class_pattern",
    "compare",
    "comprehension",
    "delete_attribute",
    "delete_item",
    "eq",
    "explain",
    "fill_in_place",
    "for_stmt",
    "if_exp",
    "if_stmt",
    "in_",
    "index",
    "is_",
    "is_loop",
    "is_not",
    "item",
    "items",
    "iterated",
    "leaves",
    "library",
    "manager",
    "mapping_pattern",
    "match",
    "new_list",
    "not_",
    "not_eq",
    "not_in",
    "operate",
    "or_",
    "or_pattern",
    "order",
    "percent",
    "questions",
    "queues",
    "read",
    "read_free",
    "sequence_pattern",
    "set_attribute",
    "set_attribute_item",
    "set_item",
    "shown",
    "singleton_pattern",
    "stack_method",
    "star_pattern",
    "text",
    "try_stmt",
    "update",
    "update_attribute",
    "update_attribute_item",
    "update_item",
    "value_pattern",
    "while_stmt",
    "writes",
]

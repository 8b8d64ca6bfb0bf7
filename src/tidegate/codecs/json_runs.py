"""What is sound in a JSON text, as regular expressions: the slow reader passes over runs of it. Knows no faults."""

from __future__ import annotations

import re

PLAIN = re.compile(
    rb"""(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}"""
    rb"""|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))*+"""
)
"""The inside of a string as far as it is sound, escapes included."""


def _runs() -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """One sound element with its comma, many of them, and many members: of scalars and of containers that hold none.

    Something must follow that begins another, so the last of each is always read one by one. Numbers are short enough
    here never to be out of range.
    """
    space, string = rb"[ \n\t\r]*+", b'"' + PLAIN.pattern + b'"'
    number = rb"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?(?![0-9.eE])"
    scalar = b"(?:" + string + b"|" + number + b"|null|true|false)" + space
    key = string + space + b":" + space
    array = rb"\[" + space + b"(?:" + scalar + rb"(?:," + space + rb"(?!\])|(?=\])))*+\]" + space
    object_ = rb"\{" + space + b"(?:" + key + scalar + rb"(?:," + space + rb"(?!\})|(?=\})))*+\}" + space
    value = b"(?:" + scalar + b"|" + array + b"|" + object_ + b")," + space
    element = value + rb"(?=[^\]])"
    members = b"(?:" + key + value + b'(?="))*+'
    return re.compile(element), re.compile(b"(?:" + element + b")*+"), re.compile(members)


ELEMENT, ELEMENTS, MEMBERS = _runs()

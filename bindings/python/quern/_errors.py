"""The exceptions of quern."""
from __future__ import annotations

from typing import Optional

# The codes of quern.h.
EINVAL = -1  #: an argument is wrong
ENOMEM = -2  #: there is no memory, or a thread could not be started
EIO = -3  #: a file cannot be opened or read, or it was changed while in use
EFORMAT = -4  #: a file is damaged, incomplete or contradicts itself
EUNSUPPORTED = -5  #: the file may be fine, but this version cannot use it
ETOOLONG = -6  #: a text has more tokens than the model takes
ENUMERIC = -7  #: the model gave a vector that is not finite


class Error(Exception):
    """What failed, where, and what to do, in one line.

    >>> raise Error("the text has 900 tokens", ETOOLONG, 3)
    Traceback (most recent call last):
    quern._errors.Error: inputs[3]: the text has 900 tokens
    """

    code: int  #: one of the codes of quern.h: quern.ETOOLONG and others
    index: Optional[int]  #: the text or row at fault, counted from 0 among all of the call; None: no single one is
    what: str  #: the argument that index counts in

    def __init__(self, message: str, code: int = EINVAL, index: Optional[int] = None, what: str = "inputs"):
        super().__init__(message)
        self.code = code
        self.index = index
        self.what = what

    def __str__(self) -> str:
        return self.args[0] if self.index is None else "%s[%d]: %s" % (self.what, self.index, self.args[0])


class InputError(Error, ValueError):
    """A text or an argument is wrong."""


class InputTypeError(InputError, TypeError):
    """A text or an argument is not of the right type."""

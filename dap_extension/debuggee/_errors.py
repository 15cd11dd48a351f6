"""The failure of a request, as its handler raises it."""

from __future__ import annotations

from ..protocol import ERROR_IDS, ErrorCode, ErrorDetails

#: Whose text the user should see; the others are for the client, which asks again or reports a defect.
_SHOWN = ("timeout", "internal")
_LONGEST = 1000


class RequestError(Exception):
    """Raised by a handler to answer with an error.

    :param code: what kind of error it is, for the client.
    :param text: what was wrong and what to do, for a person; made without running the program's code.
    """

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text[:_LONGEST]

    def details(self) -> ErrorDetails:
        """Return it in its wire form."""
        return {"id": ERROR_IDS[self.code], "format": self.text, "showUser": self.code in _SHOWN, "code": self.code}


def evaluating() -> RequestError:
    """Return the answer while `_pydevd.is_evaluating`."""
    return RequestError("timeout", "the debugger is evaluating an expression; ask again")

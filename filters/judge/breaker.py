"""Not waiting for an endpoint that is known to be dead."""

from __future__ import annotations

from filters.judge.client import EndpointError

#: Failures in a row, each after all its retries, that are taken for a dead endpoint rather than for bad luck.
_IN_A_ROW = 3


class Breaker:
    """Opens when nobody listens at the endpoint, or when one request after another fails there; stays open."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._opened_by: EndpointError | None = None

    def check(self) -> None:
        """Raises EndpointError when open."""
        if self._opened_by is not None:
            raise EndpointError(f"not asked after this: {self._opened_by}", self._opened_by.kind)

    def succeeded(self) -> None:
        self._in_a_row = 0

    def failed(self, error: EndpointError) -> None:
        if error.kind == "refused":
            return self.succeeded()
        self._in_a_row += 1
        if self._opened_by is None and (error.kind == "absent" or self._in_a_row >= _IN_A_ROW):
            self._opened_by = error
        return None

"""A pool that tells how long it let each borrower wait."""

import logging
import time
from collections.abc import Callable

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool

# Seconds from asking to having, and whether a connection was had in time.
Observer = Callable[[float, bool], None]

# SQLAlchemy's own are as quiet; it names them by class.
logging.getLogger(f"{__name__}.ObservedPool").setLevel(logging.WARNING)


class ObservedPool(AsyncAdaptedQueuePool):
    """The usual pool; `observer` is called for each checkout that ends, well or by timeout."""

    observer: Observer | None = None

    def connect(self) -> PoolProxiedConnection:
        """A connection: a free one, or a new one while there are fewer than `pool_size`."""
        started = time.perf_counter()
        try:
            connection = super().connect()
        except PoolTimeoutError:
            self._tell(started, False)
            raise
        self._tell(started, True)
        return connection

    def _tell(self, started: float, in_time: bool) -> None:
        if self.observer is not None:
            self.observer(time.perf_counter() - started, in_time)

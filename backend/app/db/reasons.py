"""Why the database could not be used."""

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.reasons import Reason, causes, explain_os_error

# SQLSTATE codes by their beginning: what an operator can act on.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
SQLSTATES = {
    "08": Reason("connection lost"),
    "28": Reason("authentication failed", reached=True),
    "3D": Reason("no such database", reached=True),
    "42501": Reason("permission denied", reached=True),
    "53": Reason("too many connections or out of resources", reached=True),
    "55P03": Reason("timed out waiting for a lock", reached=True),
    "57014": Reason("the statement took too long", reached=True),
    "57P": Reason("the server is starting up or shutting down"),
}


def explain_database(error: BaseException) -> Reason:
    """The reason behind whatever SQLAlchemy or asyncpg raised."""
    if isinstance(error, PoolTimeoutError):
        return Reason("no free connection in the pool", reached=True)
    for cause in causes(error):
        code = getattr(cause, "sqlstate", None)
        if isinstance(code, str):
            known = (reason for start, reason in SQLSTATES.items() if code.startswith(start))
            return next(known, Reason(f"SQLSTATE {code}", reached=True))
        if isinstance(cause, OSError):
            return explain_os_error(cause)
    return Reason(type(error).__name__, reached=True)


def is_outage(error: BaseException) -> str | None:
    """The sentence, if a later try of the same may succeed: the server or its capacity is gone."""
    reason = explain_database(error)
    full = reason == SQLSTATES["53"] or isinstance(error, PoolTimeoutError)
    return reason.text if full or not reason.reached else None

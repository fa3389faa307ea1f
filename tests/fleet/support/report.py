"""What a load saw: answers, failures and streams, each with its time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Literal

Kind = Literal["kept", "new", "post", "slow", "stream"]
# A client that falls farther behind its schedule, or sends nothing for so long around a switch,
# has seen too little to say that nothing failed.
LAG_S = 2.0
GAP_S = 1.0


@dataclass(frozen=True)
class Served:
    """A good answer. Times are seconds since the epoch."""

    kind: Kind
    sent: float
    answered: float
    release: str


@dataclass(frozen=True)
class Failure:
    """A request that a user would have seen fail."""

    kind: Kind
    sent: float
    failed: float
    reason: str


@dataclass
class Stream:
    """One streaming answer; `end` is open, clean, cut, or client (we left)."""

    started: float
    release: str
    ended: float = 0.0
    lines: int = 0
    end: Literal["open", "clean", "cut", "client"] = "open"


@dataclass
class Report:
    """Everything a load saw so far; safe to read while it runs."""

    served: list[Served] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    # The farthest that a request left behind its schedule, in seconds: the client's own honesty.
    lag: float = 0.0
    # Kept-alive connections found closed before they were used again; no request was lost.
    reopened: int = 0

    def releases(self, sent_after: float = 0.0) -> set[str]:
        """Releases that answered requests sent after a moment."""
        return {one.release for one in self._after(sent_after)}

    def doubts(self) -> str:
        """Why this report proves nothing, or empty: the machine was too slow for its client."""
        if self.lag > LAG_S:
            return f"machine too slow: the client fell {self.lag:.1f} s behind its schedule"
        quick = sorted((one.sent, one.release) for one in self.served if one.kind != "slow")
        for (before, old), (after, new) in pairwise(quick):
            if old != new and after - before > GAP_S:
                return f"machine too slow: nothing was sent for {after - before:.1f} s at a switch"
        return ""

    def count(self, kind: Kind | None = None) -> int:
        """How many good answers, of one kind or of all."""
        return sum(kind in (None, one.kind) for one in self.served)

    def ended_before(self, moment: float) -> list[Stream]:
        """Streams that the other side ended before a moment."""
        return [one for one in self.streams if one.end in ("clean", "cut") and one.ended < moment]

    def _after(self, moment: float) -> Iterable[Served]:
        # Newest last: what a waiting test asks for is at the end of a long list.
        for one in reversed(self.served):
            if one.answered < moment:
                break
            if one.sent > moment:
                yield one

    def summary(self) -> dict[str, object]:
        """Figures for people and for JSON."""
        times = sorted(one.answered - one.sent for one in self.served if one.kind != "slow")
        first: dict[str, float] = {}
        for one in self.served:
            first.setdefault(one.release, one.answered)
        return {
            "served": len(self.served),
            "by_kind": dict(Counter(one.kind for one in self.served)),
            "by_release": dict(Counter(one.release for one in self.served)),
            "first_answer": first,
            "failed": len(self.failures),
            "reasons": dict(Counter(f"{one.kind}: {one.reason}" for one in self.failures)),
            "streams": [asdict(one) for one in self.streams],
            "median_s": round(times[len(times) // 2], 4) if times else None,
            "p99_s": round(times[len(times) * 99 // 100], 4) if times else None,
            "slowest_s": round(times[-1], 4) if times else None,
            "lag_s": round(self.lag, 4),
            "reopened": self.reopened,
        }

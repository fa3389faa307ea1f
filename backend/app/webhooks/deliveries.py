"""Each message once.

A table, not Redis: the id is stored in the transaction that does the work, so that a delivery
whose work failed is not known and its next attempt is welcome; and it works without Redis.
"""

from datetime import timedelta

from sqlalchemy import Boolean, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.webhooks.errors import ReplayedError
from app.webhooks.models import WebhookDelivery
from app.webhooks.signatures import Delivery

# Far longer than a signature is good for. A message that comes again after that does no harm:
# its work is idempotent.
KEPT = timedelta(days=2)
PRUNED_AT_ONCE = 100


async def record(session: AsyncSession, delivery: Delivery) -> bool:
    """True for a new message, False for a later attempt of one that is done already.

    A later attempt is signed anew and means that the sender missed our answer. The same attempt
    again is a replay: ReplayedError. Waits for a transaction that does the same message now.
    """
    statement = (
        insert(WebhookDelivery)
        .values(id=delivery.id, sent_at=delivery.sent_at)
        .on_conflict_do_update(
            index_elements=[WebhookDelivery.id],
            set_={"sent_at": delivery.sent_at},
            where=WebhookDelivery.sent_at < delivery.sent_at,
        )
        # A row that was inserted, not updated, has no deleting transaction.
        .returning(literal_column("xmax = 0", Boolean))
    )
    is_new = await session.scalar(statement)
    if is_new is None:
        raise ReplayedError
    return is_new


async def prune(session: AsyncSession) -> None:
    """Forget some of the old ones; those that another transaction forgets are left to it."""
    old = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.received_at < func.now() - KEPT)
        .limit(PRUNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(old)))

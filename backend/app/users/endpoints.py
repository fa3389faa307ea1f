"""GET and PATCH /users/me."""

from fastapi import APIRouter, Depends, Response

from app.auth.dependencies import CurrentUser
from app.auth.errors import UnauthorizedError
from app.core.description import problems
from app.core.errors import TooManyRequestsError, UnavailableError
from app.db.session import Session
from app.users import service
from app.users.models import User
from app.users.schemas import UserChange, UserRead


async def keep_private(response: Response) -> None:
    """No cache may keep the answer."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(
    prefix="/users",
    tags=["users"],
    dependencies=[Depends(keep_private)],
    responses=problems(UnauthorizedError, TooManyRequestsError, UnavailableError),
)


@router.get("/me", response_model=UserRead)
async def read_me(user: CurrentUser) -> User:
    """The signed-in user."""
    return user


@router.patch("/me", response_model=UserRead)
async def change_me(change: UserChange, user: CurrentUser, session: Session) -> User:
    """Change the signed-in user's preferences; answers with the result."""
    return await service.change(session, user, **change)

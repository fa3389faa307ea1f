"""Settings of OpenAI."""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from app.core.forms import Form


class OpenAISettings(BaseSettings):
    """The key; what needs one is off without it, and the service is not degraded."""

    section: ClassVar[str] = "OpenAI"

    openai_api_key: (
        Annotated[
            SecretStr, Form(r"sk-[\w-]{16,}", "must be a key of OpenAI, which begins with sk-")
        ]
        | None
    ) = Field(
        None,
        description="OpenAI's key. The detailed health says whether one is configured.",
        examples=["sk-proj-replace_me_replace_me"],
    )

"""What the text of a setting must look like: a pattern for machines, a sentence for people.

The same pattern is tried when the service starts and stands in the JSON Schema that a deploy holds
an environment against; neither ever tells the text.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Form:
    """A constraint of a text or a secret: `Annotated[SecretStr, Form(r"sk_…", "must be …")]`."""

    pattern: str
    expected: str

    def fits(self, text: str) -> bool:
        """Whether the whole text has this form."""
        return re.fullmatch(self.pattern, text) is not None

    def schema(self) -> dict[str, str]:
        """As JSON Schema has it; `x-expected` is the sentence."""
        return {"pattern": f"^(?:{self.pattern})$", "x-expected": self.expected}

    def _check(self, value: Any) -> Any:
        if not self.fits(value.get_secret_value() if isinstance(value, SecretStr) else value):
            raise ValueError(self.expected)
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return AfterValidator(self._check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(core_schema) | self.schema()


def url(*schemes: str, example: str) -> Form:
    """A URL of one of the schemes, with a host."""
    known = "|".join(map(re.escape, schemes))
    return Form(
        rf"(?:{known})://(?:[^\s@/?#]*@)?(?:[^\s@/:?#\[\]]+|\[[0-9a-fA-F:]+\])(?::[1-9]\d{{0,4}})?(?:[/?][^\s]*)?",
        f"must be a URL like {example}",
    )

"""The one exception of the lab."""


class LabError(Exception):
    """Something the user can mend: one line with the cause and the way out."""

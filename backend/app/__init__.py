"""The API of Delight. Imports nothing: the container's health check pays for every line here."""

__version__ = "0.1.0"

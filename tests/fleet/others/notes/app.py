"""Notes in PostgreSQL. It knows no release, and its health is one word."""

import os

import psycopg
from flask import Flask, Response, jsonify, request

DATABASE_URL = os.environ["DATABASE_URL"]
app = Flask(__name__)


@app.get("/health")
def health() -> str:
    """Well if the database answers."""
    with psycopg.connect(DATABASE_URL, connect_timeout=2) as database:
        database.execute("SELECT 1 FROM notes LIMIT 1")
    return "well"


@app.get("/notes")
def notes() -> Response:
    """Every note, and what the worker has made of it."""
    with psycopg.connect(DATABASE_URL) as database:
        found = database.execute("SELECT text, loud FROM notes ORDER BY id").fetchall()
    return jsonify(version=os.environ["VERSION"], motto=os.environ["MOTTO"], notes=found)


@app.post("/notes")
def add() -> tuple[str, int]:
    """A new note."""
    with psycopg.connect(DATABASE_URL) as database:
        database.execute("INSERT INTO notes (text) VALUES (%s)", [request.get_data(as_text=True)])
    return "", 201

"""Real PostgreSQL and Redis servers for the tests: started, stopped, frozen."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from tests.ports import early_end, on_free_ports

# Awkward on purpose: it has to be quoted in a URL, and must be found in no answer and no log.
PASSWORD = "pl4nted:p@ss/w0rd%"
USER = "delight"
# A database is 300 files: on a disk it takes five times as long to make one.
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
ROOM = 1 << 30  # bytes
PATIENCE = 2  # seconds for a stop of the gentle kind

Server = TypeVar("Server", bound="Backing")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Ask until it is so; fail with `what` when it never gets so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def _account() -> str | None:
    """PostgreSQL refuses to run as root; its package brings an account."""
    return "postgres" if os.geteuid() == 0 else None


def _program(name: str) -> str:
    """Path of a server program; Debian keeps PostgreSQL's off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(debian[-1]) if debian else shutil.which(name)
    assert found, f"{name} is not installed: apt-get install postgresql redis-server"
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that belongs to the account of the servers; in memory if there is room."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    path = Path(tempfile.mkdtemp(prefix="delight-test-", dir=MEMORY if roomy else None))
    try:
        if account := _account():
            entry = pwd.getpwnam(account)
            os.chown(path, entry.pw_uid, entry.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Backing(ABC):
    """One server process on a port of its own."""

    def __init__(self, argv: list[str], folder: Path, port: int, stop_signal: int) -> None:
        self.argv = argv
        self.folder = folder
        self.port = port
        self.stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, if it does not, and wait until it accepts connections."""
        if self._process is None:
            log = (self.folder / "log").open("ab")
            with log:
                self._process = subprocess.Popen(
                    self.argv, cwd=self.folder, stdout=log, stderr=log, user=_account()
                )
        wait_until(self._is_up, f"{self.argv[0]} accepts connections")

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise early_end((self.folder / "log").read_text())
        return self.ready()

    @abstractmethod
    def ready(self) -> bool:
        """Does it answer?"""

    def stop(self) -> None:
        """End it and wait for that."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                # PostgreSQL gives a client that has come during the stop a minute to introduce
                # itself. One in this process can't: it waits for the stop.
                for child in _children(self._process.pid):
                    os.kill(child, signal.SIGTERM)
                self._process.wait(60)
            self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Down inside the block, up after it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside the block it accepts connections, as the kernel does that, and never answers."""
        assert self._process is not None
        server = self._process.pid
        # First of all and last of all: a server that is stopped neither starts children nor reaps
        # those that end, so each that is listed is still there to go on.
        os.kill(server, signal.SIGSTOP)
        os.waitpid(server, os.WUNTRACED)
        children = _children(server)
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in [*children, server]:
                os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


class Postgres(Backing):
    """A cluster with password authentication over TCP."""

    def __init__(self, folder: Path, port: int) -> None:
        data = folder / "data"
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        subprocess.run(
            [_program("initdb"), "-D", str(data), "-U", USER, "--auth=scram-sha-256",
             f"--pwfile={secret}", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
            check=True, cwd=folder, user=_account(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        options = {"port": port, "listen_addresses": "127.0.0.1", "fsync": "off",
                   "unix_socket_directories": folder, "max_connections": 50,
                   "max_wal_size": "64MB"}  # fmt: skip
        flags = [f"--{key}={value}" for key, value in options.items()]
        argv = [_program("postgres"), "-D", str(data), *flags]
        super().__init__(argv, folder, port, signal.SIGINT)
        self._numbers = count()

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        """A DSN as an operator would write it."""
        secret = quote(password, safe="")
        return f"postgresql://{USER}:{secret}@127.0.0.1:{self.port}/{database}"

    def ready(self) -> bool:
        """pg_isready's answer."""
        argv = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(argv, check=False).returncode == 0

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement with psql; the unaligned answer."""
        client = self.psql(database)
        output, _ = client.communicate(statement, timeout=60)
        assert client.returncode == 0, output
        return output.strip()

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The name of a database, a copy of the template, that is there for the length of the
        block."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def psql(self, database: str) -> "subprocess.Popen[str]":
        """A session of psql that ends with its input."""
        return subprocess.Popen(
            [_program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1"],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=os.environ | {"PGPASSWORD": PASSWORD, "PGHOST": "127.0.0.1",
                              "PGPORT": str(self.port), "PGUSER": USER, "PGDATABASE": database},
        )  # fmt: skip


class Redis(Backing):
    """A server with a password."""

    def __init__(self, folder: Path, port: int) -> None:
        config = folder / "redis.conf"
        config.write_text(f'port {port}\nbind 127.0.0.1\nrequirepass "{PASSWORD}"\nsave ""\n')
        config.chmod(0o644)
        super().__init__([_program("redis-server"), str(config)], folder, port, signal.SIGTERM)

    def url(self, password: str = PASSWORD) -> str:
        """A URL as an operator would write it."""
        return f"redis://:{quote(password, safe='')}@127.0.0.1:{self.port}/0"

    def ready(self) -> bool:
        """Does it speak?"""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"-NOAUTH")
        except OSError:
            return False


@contextmanager
def running(kind: Callable[[Path, int], Server]) -> Iterator[Server]:
    """A server for the length of the block."""
    with ExitStack() as stack:

        def start(port: int) -> Server:
            server = kind(stack.enter_context(_folder()), port)
            stack.callback(server.stop)
            server.start()
            return server

        yield on_free_ports(1, start)

#!/usr/bin/env python3
"""How much memory one server takes for many accounts in a database and as many sessions: `make hold`.

Each account is made over HTTP, signs in once, and keeps its cookie. At the end every thousandth session is asked
whether it still holds. First with SQLite, then with a PostgreSQL that is started for it, where that is installed.
Only the standard library: run.py AUTHLAB [COUNT].
"""

import base64
import contextlib
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CLIENTS = 4
PASSWORD = "a password of eleven"


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def ask(connection, method, path, headers, body=None):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer


def make(address, numbers, cookies, times):
    connection = http.client.HTTPConnection(address)
    for number in numbers:
        name = f"account{number}"
        wanted = json.dumps({"username": name, "password": PASSWORD})
        made = ask(connection, "POST", "/signup", {"content-type": "application/json"}, wanted)
        assert made.status == 201, made.status
        pair = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        begun = time.perf_counter()
        login = ask(connection, "POST", "/login", {"authorization": "Basic " + pair})
        times[number] = time.perf_counter() - begun
        assert login.status == 200, login.status
        cookies[number] = login.getheader("set-cookie").split(";")[0]


@contextlib.contextmanager
def sqlite():
    with tempfile.TemporaryDirectory() as place:
        yield f"sqlite:{os.path.join(place, 'users.db')}", place


@contextlib.contextmanager
def postgres(programs):
    """A server of its own, as it comes: a change is on the disk before it is answered, as in SQLite."""
    itself = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as place:
        data = os.path.join(place, "data")
        os.mkdir(data)
        if itself:
            for path in (place, data):
                shutil.chown(path, "postgres")
        subprocess.run([*itself, f"{programs}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                        "--locale=C"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        server = subprocess.Popen([*itself, f"{programs}/postgres", "-D", data, "-k", place, "-h", "127.0.0.1",
                                   "-p", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        try:
            ready = [f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", port]
            until = time.monotonic() + 60
            while subprocess.run(ready, check=False).returncode != 0:
                assert time.monotonic() < until and server.poll() is None, "PostgreSQL did not start"
                time.sleep(0.05)
            yield f"postgres://postgres@127.0.0.1:{port}/postgres", os.path.join(data, "base")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def size_of(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def hold(authlab, count, kind, users, folder):
    """Whether every session that was asked holds."""
    empty = size_of(folder)
    server = subprocess.Popen(
        [authlab, "serve", "--listen", "127.0.0.1:0", "--preset", "cookie-session", "--insecure-cookies",
         "--password", "sha256", "--users", users],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = server.stdout.readline().strip().rpartition("/")[2]
        before, begun = resident_kib(server.pid), time.monotonic()
        cookies, times = [None] * count, [None] * count
        clients = [threading.Thread(target=make, args=(address, range(first, count, CLIENTS), cookies, times))
                   for first in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert all(cookies), "a client failed"
        seconds, after = time.monotonic() - begun, resident_kib(server.pid)
        connection = http.client.HTTPConnection(address)
        sample = cookies[:: max(1, count // 1000)]
        held = sum(ask(connection, "GET", "/protected", {"cookie": cookie}).status == 200 for cookie in sample)
        size = size_of(folder) - empty
        print(f"{count} accounts in {kind} and {count} sessions in {seconds:.0f} s, SHA-256 passwords")
        print(f"resident {before / 1024:.1f} MiB at the start, {after / 1024:.1f} MiB with them: "
              f"{(after - before) * 1024 / count:.0f} bytes a session and account; database {size / 2**20:.1f} MiB")
        print(f"sign-in p50 {statistics.median(times) * 1e6:.0f} us, with {CLIENTS} clients that also sign up")
        print(f"sessions that hold: {held} of {len(sample)} asked", flush=True)
        return held == len(sample)
    finally:
        server.terminate()
        server.wait()


def main():
    authlab, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with sqlite() as (users, folder):
        held = hold(authlab, count, "SQLite", users, folder)
    installed = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if installed:
        with postgres(os.path.dirname(installed[-1])) as (users, folder):
            held = hold(authlab, count, "PostgreSQL", users, folder) and held
    else:
        print("PostgreSQL is not measured: apt-get install postgresql")
    sys.exit(0 if held else 1)


main()

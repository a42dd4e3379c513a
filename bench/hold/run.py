#!/usr/bin/env python3
"""How much memory one server takes for many accounts in SQLite and as many sessions: `make hold`.

Each account is made over HTTP, signs in once, and keeps its cookie. At the end every thousandth session is asked
whether it still holds. Only the standard library: run.py AUTHLAB [COUNT].
"""

import base64
import http.client
import json
import os
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


def make(address, numbers, cookies):
    connection = http.client.HTTPConnection(address)
    for number in numbers:
        name = f"account{number}"
        wanted = json.dumps({"username": name, "password": PASSWORD})
        made = ask(connection, "POST", "/signup", {"content-type": "application/json"}, wanted)
        assert made.status == 201, made.status
        pair = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        login = ask(connection, "POST", "/login", {"authorization": "Basic " + pair})
        assert login.status == 200, login.status
        cookies[number] = login.getheader("set-cookie").split(";")[0]


def main():
    authlab, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as place:
        database = os.path.join(place, "users.db")
        server = subprocess.Popen(
            [authlab, "serve", "--listen", "127.0.0.1:0", "--preset", "cookie-session", "--insecure-cookies",
             "--password", "sha256", "--users", f"sqlite:{database}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = server.stdout.readline().strip().rpartition("/")[2]
            before, begun = resident_kib(server.pid), time.monotonic()
            cookies = [None] * count
            clients = [threading.Thread(target=make, args=(address, range(first, count, CLIENTS), cookies))
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
            size = sum(os.path.getsize(os.path.join(place, name)) for name in os.listdir(place))
            print(f"{count} accounts in SQLite and {count} sessions in {seconds:.0f} s, SHA-256 passwords")
            print(f"resident {before / 1024:.1f} MiB at the start, {after / 1024:.1f} MiB with them: "
                  f"{(after - before) * 1024 / count:.0f} bytes a session and account; database {size / 2**20:.1f} MiB")
            print(f"sessions that hold: {held} of {len(sample)} asked")
            sys.exit(0 if held == len(sample) else 1)
        finally:
            server.terminate()
            server.wait()


main()

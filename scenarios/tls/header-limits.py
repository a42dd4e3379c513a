#!/usr/bin/env python3
"""How long an `Authorization` header may be: at the gates of scenarios/gates in their own limits, and at authlab's server.

Tokens signed with ML-DSA have 3.9 to 6.7 kB with a few claims. A length is refused where the answer is 400, 413, 431 or none at
all; a token that is merely wrong is answered by 401. The longest that is not refused is found by halving. From the repository's
folder: scenarios/tls/header-limits.py [AUTHLAB]. A gate that is not installed is left out. Only the standard library.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

GATES = ["nginx", "caddy", "haproxy", "apache", "fastify", "fastapi"]
HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "gates")
MOST = 2**20
REFUSED = {400, 413, 414, 431, None}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def status(port, length):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/items/", headers={"authorization": "Bearer " + "a" * (length - len("Bearer "))})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def longest(port):
    """The longest value that passes, and how one more octet is answered."""
    passes, fails = 100, MOST
    if status(port, passes) in REFUSED:
        return None, status(port, passes)
    if status(port, fails) not in REFUSED:
        return fails, None
    while fails - passes > 1:
        middle = (passes + fails) // 2
        if status(port, middle) in REFUSED:
            fails = middle
        else:
            passes = middle
    return passes, status(port, fails)


def answers(port, process):
    until = time.monotonic() + 15
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def main():
    authlab = sys.argv[1] if len(sys.argv) > 1 else "target/release/authlab"
    started = []

    def start(words):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        started.append(process)
        return process

    def serve(*flags):
        server = start([authlab, "serve", "--listen", "127.0.0.1:0", "--password", "sha256", *flags])
        return server.stdout.readline().strip().rpartition("/")[2]

    try:
        central = serve("--secret-file", os.path.join(HERE, "demo-secret"), "--trusted-proxy", "127.0.0.1",
                        "--routes", os.path.join(HERE, "routes.toml"))
        upstream = serve("--policy", "allow-all")
        print("| server | longest `Authorization` | one octet more |\n|---|---|---|")
        rows = [("authlab", int(central.rpartition(":")[2]))]
        for name in GATES:
            port = free_port()
            gate = start(["sh", os.path.join(HERE, "gate.sh"), name, str(port), central, upstream])
            if answers(port, gate):
                rows.append((name, port))
            else:
                print(f"{name} does not start here: left out", file=sys.stderr)
        for name, port in rows:
            length, after = longest(port)
            more = "no answer" if after is None and length != MOST else after
            print(f"| {name} | {f'{length:,}'.replace(',', ' ') if length != MOST else 'more than 1 MiB'} | {more or '–'} |", flush=True)
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            process.wait()


main()

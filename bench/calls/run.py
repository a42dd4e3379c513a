#!/usr/bin/env python3
"""How often a server asks Redis, for a million decisions: `make redis-calls`.

A server with its sessions in a Redis of its own is asked by four clients: 99 requests with one of a hundred tokens, then a
sign-in, and so on. Redis says how many scripts and commands it ran meanwhile (`INFO commandstats`; what a script runs is
counted too) and how much CPU time it took. Only the standard library: run.py AUTHLAB [COUNT].
"""

import concurrent.futures
import http.client
import json
import socket
import subprocess
import sys
import time

CLIENTS = 4
TOKENS = 100
STORES = {
    "quick": ["--cache", "decision", "--cache-store", "quick"],
    "tiered": ["--cache", "decision", "--cache-store", "tiered"],
    "redis": ["--cache", "decision", "--cache-store", "redis"],
    "none": ["--cache", "none"],
}


def sign_in(connection):
    body = json.dumps({"username": "john", "password": "password123"})
    connection.request("POST", "/token", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)["access_token"]


def ask(address, tokens, count):
    """Whether all were granted is asserted: a refusal would be another cost."""
    connection = http.client.HTTPConnection(address)
    for number in range(count):
        if number % TOKENS == TOKENS - 1:
            sign_in(connection)
            continue
        connection.request("GET", "/items/", headers={"authorization": "Bearer " + tokens[number % TOKENS]})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status


def info(port, section):
    """The lines of INFO, as a table."""
    with socket.create_connection(("127.0.0.1", port)) as redis:
        redis.sendall(f"INFO {section}\r\n".encode())
        read = redis.makefile("rb")
        text = read.read(int(read.readline()[1:])).decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def counts(port):
    """Scripts, commands, and CPU seconds. A look itself is an INFO, which is left out."""
    stats = info(port, "commandstats")
    calls = {name.removeprefix("cmdstat_"): int(said.split(",")[0].removeprefix("calls=")) for name, said in stats.items()}
    calls.pop("info", None)
    cpu = info(port, "cpu")
    return calls.get("evalsha", 0), sum(calls.values()), float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


def until(done, what):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def measure(authlab, count, store, flags):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    redis = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
                             stdout=subprocess.DEVNULL)
    server = None
    try:
        until(lambda: answers(port), "Redis did not start")
        server = subprocess.Popen(
            [authlab, "serve", "--listen", "127.0.0.1:0", "--password", "sha256", "--sessions",
             f"redis://127.0.0.1:{port}", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        address = server.stdout.readline().strip().rpartition("/")[2]
        connection = http.client.HTTPConnection(address)
        tokens = [sign_in(connection) for _ in range(TOKENS)]
        ask(address, tokens, TOKENS)
        (scripts, commands, cpu), begun = counts(port), time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            # Each client's failure is this one's.
            list(clients.map(lambda _: ask(address, tokens, count // CLIENTS), range(CLIENTS)))
        seconds, after = time.monotonic() - begun, counts(port)
        millions = count / 1e6
        print(f"{store:<8} {count / seconds:>10.0f} {(after[0] - scripts) / millions:>12.0f} "
              f"{(after[1] - commands) / millions:>12.0f} {(after[2] - cpu) / millions:>12.2f}", flush=True)
    finally:
        for process in (server, redis):
            if process:
                process.terminate()
                process.wait()


def main():
    authlab, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    print(f"{count} decisions each, 1 % of them sign-ins; of a million decisions:")
    print(f"{'cache':<8} {'requests/s':>10} {'scripts':>12} {'commands':>12} {'Redis CPU s':>12}")
    for store, flags in STORES.items():
        measure(authlab, count, store, flags)


main()

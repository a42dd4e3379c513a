#!/usr/bin/env python3
"""What each password hash costs whoever steals it, and how much memory a sign-in storm takes: `make passwords`.

A Markdown table. The attacker's columns are of the program GUESS, which checks guesses on all cores with the server's own
code. The storm's are of a server for each hash, to which 200 clients sign in at once: its resident memory before, the most
that it ever took (VmHWM), and how the sign-ins ended. Only the standard library: run.py AUTHLAB GUESS.
"""

import http.client
import json
import os
import platform
import subprocess
import sys
import threading
import time

AT_ONCE = 200
LOGIN = json.dumps({"username": "john", "password": "password123"})
HASHES = {
    **{f"bcrypt-{cost}": ["--password", "bcrypt", "--bcrypt-cost", str(cost)] for cost in (12, 10, 8, 4)},
    **{name: ["--password", name] for name in ("argon2id", "scrypt", "pbkdf2", "md5", "sha256", "blake3")},
}


def mib_of(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def storm(authlab, flags):
    """Memory before in MiB, the most in MiB, seconds until the last answer, answers by status."""
    server = subprocess.Popen([authlab, "serve", "--listen", "127.0.0.1:0", "--credential", "opaque", *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = server.stdout.readline().strip().rpartition("/")[2]
        before, answers, gate = mib_of(server.pid, "VmHWM:"), {}, threading.Barrier(AT_ONCE + 1)
        lock = threading.Lock()

        def sign_in():
            connection = http.client.HTTPConnection(address, timeout=300)
            connection.connect()
            gate.wait()
            connection.request("POST", "/token", LOGIN, {"content-type": "application/json"})
            status = connection.getresponse().status
            with lock:
                answers[status] = answers.get(status, 0) + 1

        clients = [threading.Thread(target=sign_in) for _ in range(AT_ONCE)]
        for client in clients:
            client.start()
        gate.wait()
        begun = time.monotonic()
        for client in clients:
            client.join()
        return before, mib_of(server.pid, "VmHWM:"), time.monotonic() - begun, answers
    finally:
        server.terminate()
        server.wait()


def number(value):
    """Three digits that count, thousands apart."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    if value >= 1000:
        value = float(f"{value:.3g}")
    return f"{value:,.{digits}f}".replace(",", " ")


def main():
    authlab, guess = sys.argv[1:3]
    guessed = {}
    for line in subprocess.run([guess], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        name, *rates = line.split("\t")
        guessed[name] = [float(rate) for rate in rates]
    assert guessed.keys() == HASHES.keys(), sorted(guessed)
    with open("/proc/cpuinfo") as cpus:
        model = next(line.split(":")[1].strip() for line in cpus if line.startswith("model name"))
    print(f"{model}, {os.cpu_count()} cores, Linux {platform.release()}; {AT_ONCE} sign-ins at once\n")
    print("| password hash | guesses/s, all cores | least to most | guesses/s, one core | memory before | at most | last answer after | answers |")
    print("|---|---|---|---|---|---|---|---|")
    for name, flags in HASHES.items():
        median, least, most, one = guessed[name]
        before, peak, seconds, answers = storm(authlab, flags)
        ended = ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
        print(f"| {name} | {number(median)} | {number(least)} to {number(most)} | {number(one)} | {before:.1f} MiB "
              f"| {peak:.1f} MiB | {seconds:.2f} s | {ended} |", flush=True)


main()

#!/usr/bin/env python3
"""What one request costs, in instructions, by what they are spent on: a bare axum handler, the control and a cached decision.

    CARGO_PROFILE_EXACT_DEBUG=line-tables-only cargo build --profile exact --bin authlab
    python3 bench/tax/profile.py target/exact/authlab [REQUESTS]

Each server runs alone under callgrind, on one worker thread. The requests come one after the other on one connection, so that each
is read, answered and waited for by itself; only they are counted, after a warm-up. Instructions of the kernel are not.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

WARM_UP = 300
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
SERVE = ["serve", "--threads", "1", "--password", "sha256", "--credential", "jwt", "--binding", "sha256"]
CACHED = ["--cache", "decision", "--cache-store", "quick", "--cache-key", "route", "--freshness", "epoch"]
SERVERS = {
    "bare axum": ["null", "--axum", "1"],
    "allow-all": [*SERVE, "--policy", "allow-all"],
    "cached": [*SERVE, *CACHED],
}
# The first that fits a function's name counts it. What was inlined is its caller's.
GROUPS = [
    ("copies (memcpy)", r"memcpy|memmove|memset"),
    ("allocations", r"^_?mi_|raw_vec|bytes_mut::.*reserve"),
    ("timers and clocks", r"tokio::time|runtime::time|TokioSleep|common::(time|date)|Timespec|clock_gettime"),
    ("decision", r"authlab_server::(lab|decisions|freshness|grant|clock)|quick_cache|foldhash|memcmp"),
    ("extraction and checks", r"authlab_server::(http::(granted|host|head)|path)|in_one_form|to_str"),
    ("our listener", r"authlab_server::serve|graceful|sync::(watch|notify)|http::app"),
    ("answer", r"authlab_server|into_response|http_body|axum_core"),
    ("routing and extensions", r"axum|matchit|tower|hashbrown|[Ee]xtensions|hash_one|hyper_util::service|futures_util"),
    ("head parsed", r"Server.*::parse|httparse|Buffered<.*>::parse|header::name|try_append|http::uri|from_utf8"),
    ("answer encoded", r"::encode|WriteBuf|write_head|[Ee]ncode|vec_deque"),
    ("headers looked up and set", r"http::header"),
    ("connection (hyper)", r"hyper"),
    ("runtime and sockets", r""),
]


def counted(binary, words, requests, folder):
    """Instructions of one request by function, of a server started with these words."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = os.path.join(folder, "callgrind.out")
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", binary, *words]
    server = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = connected(port)
        request = asked(client, port, words)
        for _ in range(WARM_UP):
            exchanged(client, request)
        controlled(server, "-i", "on")
        for _ in range(requests):
            exchanged(client, request)
        controlled(server, "-i", "off")
        controlled(server, "-d")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
    text = ["callgrind_annotate", "--threshold=100", "--auto=no", "--tree=none", "--inclusive=no", f"{out}.1"]
    functions = {}
    for line in subprocess.run(text, capture_output=True, text=True, check=True).stdout.splitlines():
        found = re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+[^:]*:(.*?)( \[.*\])?$", line)
        if found:
            functions[found[2]] = functions.get(found[2], 0) + int(found[1].replace(",", ""))
    return {name: count / requests for name, count in functions.items()}


def controlled(server, *words):
    subprocess.run(["callgrind_control", *words, str(server.pid)], check=True, capture_output=True)
    time.sleep(0.3)


def connected(port):
    for _ in range(600):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client
        except OSError:
            time.sleep(0.1)
    sys.exit("the server does not listen")


def asked(client, port, words):
    """The request that is counted, with a token of the server, or of the same length."""
    head = f"host: 127.0.0.1:{port}\r\nuser-agent: {AGENT}\r\n"
    token = "x" * 587
    if "serve" in words:
        body = json.dumps({"username": "john", "password": "password123"})
        typed = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        token = json.loads(exchanged(client, f"POST /token HTTP/1.1\r\n{head}{typed}\r\n{body}".encode()))["access_token"]
    return f"GET /items/ HTTP/1.1\r\n{head}authorization: Bearer {token}\r\n\r\n".encode()


def exchanged(client, request):
    client.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(1 << 16)
    head, body = answer.split(b"\r\n\r\n", 1)
    if not head.startswith(b"HTTP/1.1 200"):
        sys.exit(f"not answered 200: {head.splitlines()[0]}")
    length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
    while len(body) < length:
        body += client.recv(1 << 16)
    return body


def main():
    binary, requests = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    columns = []
    for words in SERVERS.values():
        with tempfile.TemporaryDirectory() as folder:
            functions = counted(binary, words, requests, folder)
        column = dict.fromkeys((name for name, _ in GROUPS), 0)
        for function, count in functions.items():
            column[next(name for name, pattern in GROUPS if re.search(pattern, function))] += count
        columns.append(column)
    print("| instructions of a request |" + "".join(f" {name} |" for name in SERVERS))
    print("|---|" + "---:|" * len(SERVERS))
    for name, _ in GROUPS:
        print(f"| {name} |" + "".join(f" {column[name]:.0f} |" for column in columns))
    print("| all |" + "".join(f" {sum(column.values()):.0f} |" for column in columns))


if __name__ == "__main__":
    main()

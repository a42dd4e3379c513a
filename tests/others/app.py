"""An ASGI application that answers with a small JSON object, after ROUNDS of a loop."""

import os

ROUNDS = int(os.environ.get("ROUNDS", "0"))


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    sum(range(ROUNDS))
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"ok": true}'})

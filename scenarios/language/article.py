"""The article's platform: a FastAPI service whose tokens are bound to their sender: article.py PORT BINDING CACHE [COST]

BINDING is bcrypt, of this COST (12), or md5: how the sender's User-Agent and address are sealed in the token. CACHE is none, or article: what was
granted is kept by method, URI and token until the token ends, as in the article. The password is of a fast hash in any case, as
in thousandfold.toml: the question is what a request costs, not a sign-in."""

import hashlib
import hmac
import json
import secrets
import sys
import time

import bcrypt
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

PORT, BINDING, CACHE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
COST = int(sys.argv[4]) if len(sys.argv) > 4 else 12
if BINDING not in ("bcrypt", "md5") or CACHE not in ("none", "article"):
    sys.exit("article.py PORT bcrypt|md5 none|article [COST]")

VALID_SECONDS = 30 * 60
MOST_ENTRIES = 100_000
SECRET = secrets.token_bytes(32)
SALT = secrets.token_bytes(16)
USERS = {"john": hashlib.sha256(SALT + b"password123").digest()}
ITEMS = {"items": [{"id": 1, "name": "Item 1"}, {"id": 2, "name": "Item 2"}]}

app = FastAPI()
bearer = HTTPBearer(auto_error=False)
# (method, URI, token) to the subject and the token's end; the oldest leaves first.
granted: dict[tuple[str, str, str], tuple[str, int]] = {}


def sender(request: Request) -> tuple[bytes, bytes]:
    return request.headers.get("user-agent", "").encode("latin-1"), request.client.host.encode()


def seal(part: bytes) -> str:
    if BINDING == "md5":
        return hashlib.md5(part).hexdigest()
    # bcrypt reads 72 bytes at most; a User-Agent has more.
    return bcrypt.hashpw(hashlib.sha256(part).hexdigest().encode(), bcrypt.gensalt(COST)).decode()


def is_sealed(part: bytes, sealed: str) -> bool:
    if BINDING == "md5":
        return hmac.compare_digest(hashlib.md5(part).hexdigest(), sealed)
    return bcrypt.checkpw(hashlib.sha256(part).hexdigest().encode(), sealed.encode())


async def subject(request: Request, shown: HTTPAuthorizationCredentials | None = Depends(bearer)) -> str:
    if shown is None:
        raise HTTPException(401, "no credentials", {"www-authenticate": "Bearer"})
    key = (request.method, str(request.url), shown.credentials)
    if CACHE == "article":
        kept = granted.get(key)
        if kept is not None and time.time() < kept[1]:
            return kept[0]
    try:
        claims = jwt.decode(shown.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub", "bnd"]})
    except jwt.InvalidTokenError:
        raise HTTPException(401, "invalid token", {"www-authenticate": "Bearer"}) from None
    user_agent, address = sender(request)
    if not (is_sealed(user_agent, claims["bnd"]["ua"]) and is_sealed(address, claims["bnd"]["ip"])):
        raise HTTPException(401, "the token is bound to another sender", {"www-authenticate": "Bearer"})
    if CACHE == "article":
        if len(granted) >= MOST_ENTRIES:
            del granted[next(iter(granted))]
        granted[key] = (claims["sub"], claims["exp"])
    return claims["sub"]


@app.get("/healthz")
async def healthz() -> dict:
    return {"status": "ok"}


@app.post("/token")
async def token(request: Request) -> JSONResponse:
    try:
        asked = json.loads(await request.body())
        name, password = str(asked["username"]), str(asked["password"])
    except (ValueError, KeyError, TypeError):
        raise HTTPException(422, "username and password are required") from None
    offered = hashlib.sha256(SALT + password.encode()).digest()
    if not hmac.compare_digest(offered, USERS.get(name, b"")):
        raise HTTPException(401, "no such user, or not this password")
    user_agent, address = sender(request)
    now = int(time.time())
    claims = {
        "sub": name,
        "iat": now,
        "exp": now + VALID_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "bnd": {"ua": seal(user_agent), "ip": seal(address)},
    }
    return JSONResponse({"access_token": jwt.encode(claims, SECRET, algorithm="HS256"), "token_type": "Bearer"})


@app.get("/items/")
async def items(_: str = Depends(subject)) -> JSONResponse:
    return JSONResponse(ITEMS)


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", access_log=False)

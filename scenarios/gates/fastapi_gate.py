"""FastAPI as the published designs have it, in front of the service: fastapi_gate.py PORT UPSTREAM SECRET-FILE

The token is verified in a dependency; what was revoked passes until the token's end."""

import sys
from contextlib import asynccontextmanager

import httpx
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

PORT, UPSTREAM, SECRET = int(sys.argv[1]), sys.argv[2], open(sys.argv[3]).read().strip()


@asynccontextmanager
async def lifespan(app):
    async with httpx.AsyncClient(base_url=f"http://{UPSTREAM}") as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer(auto_error=False)


def reader(shown: HTTPAuthorizationCredentials | None = Depends(bearer)) -> dict:
    if shown is None:
        raise HTTPException(401, "no credentials")
    try:
        claims = jwt.decode(
            shown.credentials, SECRET, algorithms=["HS256"], options={"verify_aud": False, "require": ["exp"]}
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401, "invalid token") from None
    if "items:read" not in claims.get("scope", "").split():
        raise HTTPException(403, "insufficient scope")
    return claims


@app.get("/healthz")
async def healthz() -> dict:
    return {"status": "ok"}


@app.get("/{path:path}")
async def passed_on(request: Request, claims: dict = Depends(reader)) -> Response:
    answer = await request.app.state.client.get(request.url.path, params=request.query_params)
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", access_log=False)

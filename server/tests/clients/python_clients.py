"""What two client libraries make of the server at sys.argv[1], unchanged: authlib, and requests-oauthlib."""

import os
import sys

# Loopback, without TLS.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

base = sys.argv[1]
at = lambda path: base + path
metadata = requests.get(at("/.well-known/oauth-authorization-server")).json()
assert metadata["issuer"] == base, metadata

for method in ["client_secret_basic", "client_secret_post"]:
    client = Authlib("demo-client", "demo-secret", scope="items:read", token_endpoint_auth_method=method)
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["token_type"] == "Bearer" and token["scope"] == "items:read", token
    assert client.get(at("/items/")).status_code == 200
    assert client.post(at("/items/")).status_code == 403
    said = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert said["active"] is True and said["client_id"] == "demo-client", said
    gone = client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
    assert gone.status_code == 200, gone.text
    said = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert said == {"active": False}, said
    assert client.get(at("/items/")).status_code == 401

wrong = Authlib("demo-client", "guessed")
try:
    wrong.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    raise AssertionError("a wrong secret got a token")
except OAuthError as refused:
    assert refused.error == "invalid_client", refused

# A session that began at the server's own sign-in goes on here.
login = requests.post(at("/token"), json={"username": "jane", "password": "password456"}).json()
client = Authlib("demo-client", "demo-secret", token=login)
token = client.refresh_token(metadata["token_endpoint"], refresh_token=login["refresh_token"])
assert token["refresh_token"] != login["refresh_token"], token
assert client.get(at("/items/")).json() == {"items": ["User Items"]}
gone = client.revoke_token(metadata["revocation_endpoint"], token=token["refresh_token"], token_type_hint="refresh_token")
assert gone.status_code == 200, gone.text
assert requests.get(at("/items/"), headers={"authorization": "Bearer " + token["access_token"]}).status_code == 401

session = RequestsOAuthlib(client=BackendApplicationClient(client_id="demo-client"))
token = session.fetch_token(metadata["token_endpoint"], client_id="demo-client", client_secret="demo-secret")
assert session.get(at("/items/")).status_code == 200, token
print("ok")

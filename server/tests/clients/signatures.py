"""Whether other people's cryptography takes a token of the server at sys.argv[1], by the key that it publishes: pyca/cryptography, and
dilithium-py for ML-DSA (FIPS 204)."""

import base64
import json
import sys

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87

ML_DSA = {"ML-DSA-44": ML_DSA_44, "ML-DSA-65": ML_DSA_65, "ML-DSA-87": ML_DSA_87}


def octets(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(octets(text), "big")


def takes(key, message, signature):
    """Whether the key's algorithm takes the signature."""
    algorithm = key["alg"]
    if algorithm in ML_DSA:
        assert key["kty"] == "AKP", key
        return ML_DSA[algorithm].verify(octets(key["pub"]), message, signature)
    try:
        if key["kty"] == "RSA":
            public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
            public.verify(signature, message, pss if algorithm == "PS256" else padding.PKCS1v15(), hashes.SHA256())
        elif key["kty"] == "EC":
            curve, digest = {"P-256": (ec.SECP256R1(), hashes.SHA256()), "P-384": (ec.SECP384R1(), hashes.SHA384())}[key["crv"]]
            public = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), curve).public_key()
            half = len(signature) // 2
            r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(digest))
        else:
            ed25519.Ed25519PublicKey.from_public_bytes(octets(key["x"])).verify(signature, message)
    except InvalidSignature:
        return False
    return True


base = sys.argv[1]
login = {"username": "john", "password": "password123"}
token = requests.post(base + "/token", json=login).json()["access_token"]
message, signature = token.rsplit(".", 1)
header = json.loads(octets(message.split(".")[0]))
(key,) = requests.get(base + "/.well-known/jwks.json").json()["keys"]
assert (key["kid"], key["alg"], key["use"]) == (header["kid"], header["alg"], "sig"), (key, header)
assert takes(key, message.encode(), octets(signature)), header
assert not takes(key, message.encode() + b"x", octets(signature)), header
print("ok", header["alg"], len(token))

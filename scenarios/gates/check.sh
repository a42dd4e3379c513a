#!/bin/sh
# Runs `authlab check` against the gates of gates.toml that are installed here, each in its configuration of this folder:
#     scenarios/gates/check.sh [GATE...]
# First with what the configuration promises, then, where that is less than "at once", with a revocation that counts at once.
# It needs curl, openssl and python3. AUTHLAB is the binary, FOR how long each check takes, SEED its seed, INTO the folder of the
# reports (target/gates).
set -eu
cd "$(dirname "$0")/../.."
authlab=${AUTHLAB:-target/release/authlab} time=${FOR:-1m} seed=${SEED:-22}
# Tokens live so long, so that a check sees them expire.
life=3s
export LIFE=$life
here=scenarios/gates into=${INTO:-target/gates}
mkdir -p "$into"
started=
ended() {
    for one in $started; do kill "$one" 2>/dev/null || true; done
    for one in $started; do wait "$one" 2>/dev/null || true; done
    started=
}
trap ended EXIT
trap 'exit 1' INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

serve() { # FLAGS: starts a server of ours, whose address is then $address
    rm -f "$into/serve.out"
    "$authlab" serve --listen 127.0.0.1:0 --password sha256 "$@" >"$into/serve.out" 2>>"$into/serve.err" &
    started="$! $started"
    until grep -qs listening "$into/serve.out"; do sleep 0.1; done
    address=$(sed -n '1s/.*:\/\///p' "$into/serve.out")
}

gate() { # NAME PORT CENTRAL UPSTREAM: starts a gate, and waits until it answers
    sh "$here/gate.sh" "$@" >>"$into/$1.out" 2>&1 &
    started="$! $started"
    scheme=http tries=0
    [ "$1" != tls-front ] || scheme=https
    until curl -ks -o "$into/ready" "$scheme://127.0.0.1:$2/healthz"; do
        tries=$((tries + 1))
        [ "$tries" -lt 150 ] || { echo "$1 does not answer: $into/$1.out" >&2; exit 1; }
        sleep 0.1
    done
}

is_here() { # NAME
    case $1 in
    nginx | nginx-cached) command -v nginx ;;
    caddy | haproxy) command -v "$1" ;;
    apache) [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] && command -v apache2 nginx openssl ;;
    layered) [ -e "${LAYERED:-target/release/examples/layered}" ] ;;
    fastify) [ -e "$here/node_modules/fastify" ] && command -v node ;;
    fastapi) [ -e "$here/.venv/bin/python" ] ;;
    *) false ;;
    esac >/dev/null
}

encoded() { openssl base64 -A | tr '+/' '-_' | tr -d =; }

signed() { # CLAIMS: a token of these claims more, signed with the authorization server's key
    head=$(printf '{"typ":"at+jwt","alg":"HS256"}' | encoded)
    body='"sub":"john","client_id":"authlab","roles":["admin"],"jti":"7a239ea85aa2c81f24d1461d8f582017"'
    body=$(printf '{"iss":"http://%s",%s,"iat":%s,%s}' "$central" "$body" "$(date +%s)" "$1" | encoded)
    printf '%s.%s.' "$head" "$body"
    printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -hmac "$(cat "$here/demo-secret")" -binary | encoded
}

check() { # NAME PROMISE EXPIRY: checks the gate, whose revocations count within PROMISE ("never" for no promise)
    contract=$into/$1-$2.toml report=$into/$1-$2
    sed -e "s/GATE/127.0.0.1:$port/" -e "s/CENTRAL/$central/" "$here/contract.toml" >"$contract"
    printf '\n[expiry]\nafter = "%s"\nwithin = "%s"\n' "$life" "$3" >>"$contract"
    [ "$2" = never ] ||
        printf '\n[[change]]\nname = "revoke"\nends = "credential"\nsteps = ["revoke"]\nwithin = "%s"\n' "$2" >>"$contract"
    shift 3
    # Principals that may not, whose tokens have the authorization server's signature.
    for other in "$@"; do
        printf '\n[[principal]]\nname = "%s"\nspare = true\nvalues = { token = "env:%s" }\npresent = [{ bearer = "{token}" }]\n' \
            "$(printf %s "$other" | tr 'A-Z_' 'a-z-')" "$other" >>"$contract"
    done
    code=0
    "$authlab" check "$contract" --for "$time" --requests 1000000 --seed "$seed" --json "$report.json" ${1:+--keep-going} >"$report.txt" 2>&1 || code=$?
    echo "== $report.txt: exit $code"
    grep -E '^(Violation|Undecided|Covered|contract)|not covered' "$report.txt" || cat "$report.txt"
}

for name in ${*:-nginx nginx-cached caddy apache haproxy layered fastify fastapi}; do
    if ! is_here "$name"; then
        echo "== $name is not installed here: not checked"
        continue
    fi
    serve --secret-file "$here/demo-secret" --trusted-proxy 127.0.0.1 --routes "$here/routes.toml" --token-ttl "$life"
    central=$address asked=$address
    own="\"aud\":\"http://$central\"" later='"exp":4102444800'
    OTHER_AUDIENCE=$(signed "\"aud\":\"http://other.example\",$later,\"scope\":\"items:read\"")
    NEAR_SCOPE=$(signed "$own,$later,\"scope\":\"items:readers\"")
    ENDLESS=$(signed "$own,\"scope\":\"items:read\"")
    export OTHER_AUDIENCE NEAR_SCOPE ENDLESS
    serve --policy allow-all
    upstream=$address
    if [ "$name" = apache ]; then
        port=$(free_port)
        gate tls-front "$port" "$central" -
        asked=127.0.0.1:$port
    fi
    port=$(free_port)
    gate "$name" "$port" "$asked" "$upstream"
    # The service signs its users in by itself.
    [ "$name" != layered ] || central=127.0.0.1:$port
    # What the configuration promises; then, where a revocation counts later than at once, how that shows.
    signed="OTHER_AUDIENCE NEAR_SCOPE ENDLESS"
    case $name in
    nginx | caddy | layered) check "$name" 0s 0s $signed ;;
    nginx-cached)
        check "$name" 2s 2s $signed
        check "$name" 0s 2s
        ;;
    *)
        check "$name" never 0s $signed
        check "$name" 0s 0s
        ;;
    esac
    ended
done

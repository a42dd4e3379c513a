#!/bin/sh
# Starts one gate of gates.toml in the foreground: gate.sh NAME PORT CENTRAL UPSTREAM
# Its configuration is the file of its name, here, with the addresses filled in; what it writes goes to a folder of its own.
set -eu
name=$1 port=$2 central=$3 upstream=$4
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/authlab-gate.XXXXXX")
# The workers of nginx are of another user than its master.
chmod 711 "$folder"
cleared() { rm -rf "$folder"; }
fill() {
    sed -e "s|{port}|$port|g" -e "s|{central}|$central|g" -e "s|{upstream}|$upstream|g" -e "s|{folder}|$folder|g" \
        -e "s|{ready}|$here/../../deploy/gates|g" -e "s|{secret}|$(cat "$here/demo-secret")|g" -e "s|{modules}|/usr/lib/apache2/modules|g" "$here/$1" >"$folder/$1"
}
case $name in
nginx | nginx-open | nginx-cached | tls-front)
    if [ "$name" = tls-front ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj /CN=localhost \
            -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
    fi
    fill "$name.conf"
    set -- nginx -p "$folder" -c "$name.conf"
    ;;
apache)
    fill apache.conf
    set -- apache2 -D FOREGROUND -f "$folder/apache.conf"
    ;;
haproxy)
    fill haproxy.cfg
    set -- haproxy -db -f "$folder/haproxy.cfg"
    ;;
caddy)
    fill Caddyfile
    set -- env HOME="$folder" AUTHLAB="$central" caddy run --config "$folder/Caddyfile" --adapter caddyfile
    ;;
layered)
    # Signing in is its own, as in our server. LIFE is how long its tokens live.
    set -- "${LAYERED:-$here/../../target/release/examples/layered}" "$port" ${LIFE:+"$LIFE"}
    ;;
fastify)
    set -- node "$here/fastify.mjs" "$port" "$upstream" "$here/demo-secret"
    ;;
fastapi)
    set -- "$here/.venv/bin/python" "$here/fastapi_gate.py" "$port" "$upstream" "$here/demo-secret"
    ;;
*)
    echo "no such gate: $name" >&2
    exit 2
    ;;
esac
# The folder goes when the gate does; a gate that is killed leaves it to the system's own clearing of temporary files.
trap cleared EXIT
"$@" &
gate=$!
trap 'kill -TERM $gate 2>/dev/null; wait $gate; exit 0' TERM INT
wait $gate

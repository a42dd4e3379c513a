#!/bin/sh
# Starts nginx in front of servers, in the foreground: balance.sh round|sticky PORT SERVER…
# `round` gives each request to the next server, `sticky` all requests of a token to one.
set -eu
how=$1 port=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/authlab-balance.XXXXXX")
# The workers of nginx are of another user than its master.
chmod 711 "$folder"
servers=
for server in "$@"; do servers="$servers server $server;"; done
[ "$how" = sticky ] && servers="hash \$http_authorization consistent; $servers"
sed -e "s|{port}|$port|g" -e "s|{servers}|$servers|g" -e "s|{folder}|$folder|g" "$here/balance.conf" >"$folder/balance.conf"
trap 'rm -rf "$folder"' EXIT
nginx -p "$folder" -c balance.conf &
nginx=$!
trap 'kill -TERM $nginx 2>/dev/null; wait $nginx; exit 0' TERM INT
wait $nginx

#!/bin/sh
# Starts nginx in front of servers, in the foreground: balance.sh round|sticky PORT SERVER…
# `round` gives each request to the next server, `sticky` all requests of a token to one.
set -eu
how=$1 port=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
servers=
for server in "$@"; do servers="$servers server $server;"; done
[ "$how" = sticky ] && servers="hash \$http_authorization consistent; $servers"
exec sh "$here/../nginx.sh" "$here/balance.conf" "$port" "$servers"

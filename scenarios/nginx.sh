#!/bin/sh
# Starts nginx in the foreground by a configuration with {port}, {servers}, {here} and {folder} in it, the last a folder of its own for
# what it writes: nginx.sh FILE PORT SERVERS
set -eu
file=$1 port=$2 servers=$3
here=$(cd "$(dirname "$file")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/authlab-nginx.XXXXXX")
# The workers of nginx are of another user than its master.
chmod 711 "$folder"
sed -e "s|{port}|$port|g" -e "s|{servers}|$servers|g" -e "s|{here}|$here|g" -e "s|{folder}|$folder|g" "$file" >"$folder/nginx.conf"
trap 'rm -rf "$folder"' EXIT
nginx -p "$folder" -c nginx.conf &
nginx=$!
trap 'kill -TERM $nginx 2>/dev/null; wait $nginx; exit 0' TERM INT
wait $nginx

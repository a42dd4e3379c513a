#!/bin/sh
# nginx on PORT with gzip on or off, serving a file of text: nginx.sh PORT on|off FOLDER
set -eu
port=$1 gzip=$2 folder=$3/nginx-$1
mkdir -p "$folder"
[ -e "$folder/page.txt" ] || seq 1 2000 >"$folder/page.txt"
cat >"$folder/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log stderr warn;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    types { text/plain txt; }
    gzip $gzip;
    gzip_types text/plain;
    server { listen 127.0.0.1:$port; root $folder; }
}
CONF
exec nginx -c "$folder/nginx.conf" -p "$folder"

#!/bin/sh
# nginx on PORT that answers everything and logs each request as a line of JSON: nginx.sh PORT LOG
set -eu
port=$1 log=$PWD/$2 folder=$PWD/$2.nginx
mkdir -p "$folder"
cat >"$folder/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
    log_format line escape=json '{"time":\$msec,"method":"\$request_method","path":"\$request_uri","subject":"\$http_x_account"}';
    access_log $log line buffer=64k flush=1s;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    keepalive_requests 10000000;
    server { listen 127.0.0.1:$port; location / { default_type text/plain; return 200 "ok\n"; } }
}
CONF
exec nginx -c "$folder/nginx.conf" -p "$folder"

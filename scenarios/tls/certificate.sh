#!/bin/sh
# Makes the certificates of these scenarios, valid for a week and signed by themselves: the server's, for the loopback address, and
# that of its clients. What is there and valid for another day stays.
set -eu
cd "$(dirname "$0")"
made() {
    openssl x509 -checkend 86400 -noout -in "$3.pem" >/dev/null 2>&1 && return
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -addext basicConstraints=critical,CA:FALSE \
        -subj "/CN=$1" -addext "subjectAltName=$2" -keyout "$3-key.pem" -out "$3.pem" 2>/dev/null
}
made localhost DNS:localhost,IP:127.0.0.1 server
made client DNS:client.test client

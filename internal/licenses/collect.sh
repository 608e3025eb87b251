#!/bin/sh
# Copies the licences of the program, of Go and of every module that it is built
# from on some system into texts/, for the binary to carry. Run by go generate.
set -e
cd "$(dirname "$0")"
rm -rf texts
mkdir -p texts/pactune texts/go
cp ../../LICENSE texts/pactune/
cp "$(go env GOROOT)/LICENSE" texts/go/
for system in linux windows darwin; do
	GOOS=$system go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ../../cmd/pactune
done | sort -u | while read -r path dir; do
	mkdir -p "texts/$path"
	for f in "$dir"/LICEN[CS]E* "$dir"/NOTICE* "$dir"/PATENTS* "$dir"/COPYING*; do
		if [ -f "$f" ]; then install -m 644 "$f" "texts/$path/"; fi
	done
done

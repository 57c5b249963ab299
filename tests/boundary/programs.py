#!/usr/bin/env python3
"""What a program is linked with: programs.py NAME PATH.
Its NEEDED entries must be exactly of its row, and none of its undefined symbols may be forbidden:
labeld and labelctl hold no parser of documents, labeld-parse can reach no network, no other
program, no database, no key."""
import re
import subprocess
import sys

# Of the language and of the sanitizers, allowed everywhere.
COMMON = "libc libm libgcc_s ld-linux libpthread libasan libubsan libstdc++".split()
PARSERS = r"(xml[A-Z]\w*|zip_\w+|hs_\w+|magic_\w+|libdeflate_\w+|archive_\w+|poppler_\w+)"
NETWORK = (r"(socket|socketpair|connect|bind|listen|accept4?|getaddrinfo|gethostby\w+|"
           r"curl_\w+|MHD_\w+|SSL_\w+)")
PROGRAMS = r"(exec[lv]\w*|posix_spawnp?|system|popen|vfork|dlopen|dlmopen)"
STORES = r"(sqlite3_\w+|PQ\w+|crypto_\w+|sodium_\w+|EVP_\w+|json_\w+)"
THREADS = r"(pthread_create|thrd_create)"

ROWS = {
    "labeld": {
        "needed": "libcurl libmicrohttpd libsodium libsqlite3 libpq libfyaml libjansson "
                  "libutf8proc libcrypto".split(),
        "forbidden": [PARSERS],
    },
    "labelctl": {
        "needed": "libcurl libjansson libsodium libcrypto libfyaml libutf8proc".split(),
        "forbidden": [PARSERS, r"(sqlite3_\w+|PQ\w+|MHD_\w+)"],
    },
    "labeld-parse": {
        "needed": "libmagic libzip libxml2 libhs libdeflate libz libutf8proc libseccomp "
                  "libfyaml".split(),
        "forbidden": [NETWORK, PROGRAMS, STORES, THREADS],
    },
}


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def needed(path):
    names = re.findall(r"\(NEEDED\).*\[(.+?)\]", run("readelf", "-d", path))
    return [re.sub(r"\.so.*", "", name) for name in names]


def undefined(path):
    lines = run("nm", "-D", "--undefined-only", path).splitlines()
    return sorted({line.split()[-1].split("@")[0] for line in lines})


def complaints(name, path):
    row = ROWS[name]
    libraries = needed(path)
    if "libc" not in libraries:
        yield f"{name}: readelf shows no libc among its libraries: {libraries}"
    for library in libraries:
        if library not in row["needed"] and not library.startswith(tuple(COMMON)):
            yield f"{name} is linked with {library}"
    symbols = undefined(path)
    if len(symbols) < 20:
        yield f"{name}: nm shows only {len(symbols)} undefined symbols"
    for symbol in symbols:
        for pattern in row["forbidden"]:
            if re.fullmatch(pattern, symbol):
                yield f"{name} uses {symbol}"


def main():
    found = list(complaints(sys.argv[1], sys.argv[2]))
    print("\n".join(found) or "no complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

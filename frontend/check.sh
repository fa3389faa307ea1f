#!/bin/sh
# The frontend's checks. Node and pnpm come from bin/node-setup.
#
#   ./check.sh              everything: style, types, stale files, tests with coverage, build, size
#   ./check.sh --gate       the same without build and size, which the test of the image has
#   ./check.sh --e2e        the tests in a browser, against the local build
#   ./check.sh --e2e URL    the same against a deployed environment; more words go to Playwright
#   ./check.sh --marks URL  Lighthouse's marks of a deployed environment
#   ./check.sh --audit      known vulnerabilities of the locked packages; fails where no source answers
#   ./check.sh --install    Node, pnpm and the locked packages, and no check
#   ./check.sh --lock       after a change of dependencies, settings or API: make their files again
#
# The browser is Debian's: `apt-get install chromium`, or $CHROMIUM.
set -eu
cd "$(dirname "$0")"
../bin/node-setup
stamps=$PWD/../.cache/frontend
PATH=$PWD/../.cache/node/bin:$PATH
export PATH NEXT_TELEMETRY_DISABLED=1
mkdir -p "$stamps"

# fresh STAMP FILES…: do the files look as they did when STAMP was written? Notes how they look.
fresh() {
    stamp=$stamps/$1
    shift
    now=$(find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    [ "$(cat "$stamp" 2> /dev/null)" = "$now" ]
}
passed() { printf '%s\n' "$now" > "$stamp"; }

install() {
    fresh install package.json pnpm-lock.yaml pnpm-workspace.yaml && [ -d node_modules ] && return
    pnpm install --frozen-lockfile --reporter=silent
    passed
}

# What decides how a build turns out; tests are no part of it.
build() {
    set -- package.json pnpm-lock.yaml pnpm-workspace.yaml tsconfig.json next.config.ts \
        src ! -name '*.test.ts' ! -name '*.test.tsx'
    fresh build "$@" && [ -f .next/standalone/server.js ] && return
    rm -f "$stamp" # a build that is cut short is none
    pnpm --silent build > "$stamps/build.log" 2>&1 || { cat "$stamps/build.log"; return 1; }
    passed
}

gate=false
case ${1:-} in
    --lock)
        pnpm install --lockfile-only
        install
        exec pnpm --silent generate
        ;;
    --e2e)
        install
        shift
        if [ $# -gt 0 ]; then
            export BASE_URL="$1"
            shift
        else
            build
        fi
        exec pnpm --silent e2e "$@"
        ;;
    --marks)
        cd marks
        pnpm install --ignore-workspace --frozen-lockfile --reporter=silent
        exec node measure.mjs ${2:+"$2"}
        ;;
    --audit) exec pnpm audit ;;
    --install) install; exit ;;
    --gate) gate=true ;;
    --help)
        sed -n 's/^# \{0,1\}//; 2,13p' check.sh
        exit
        ;;
esac

install
if $gate; then
    pnpm --silent exec next typegen > "$stamps/typegen.log"
else
    build # it makes the types of the routes, too
    pnpm --silent bundle-size
fi
pnpm --silent generate --check
pnpm --silent exec prettier --check --log-level=warn .
pnpm --silent lint
pnpm --silent exec tsc --noEmit
pnpm --silent test --coverage

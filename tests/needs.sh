#!/bin/sh
# Installs the Debian packages the tests need where that is possible; says so in one line where it is not.
missing=""
for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -x /usr/bin/chromium ] && missing=$(echo " $missing " | sed 's/ chromium / /')
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && missing=$(echo " $missing " | sed 's/ postgresql / /')
missing=$(echo $missing)
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing for the tests: $missing"
    apt-get -o DPkg::Lock::Timeout=300 -qq update >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends $missing >/dev/null && exit 0
fi
echo "Not installed here: $missing. The tests that need them are skipped; with CI=true they fail."
exit 0

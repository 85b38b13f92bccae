"""Goes the first steps of an officer at a freshly installed server: front page, first password, sign in, a course.

Needs nothing but Python, so it runs on the server itself: trip.py --url URL --email E-MAIL --link ONE-TIME-LINK
"""

from __future__ import annotations

import argparse
import fcntl
import http.cookiejar
import re
import socket
import struct
import sys
import time
import urllib.error
import urllib.request
from html import unescape
from urllib.parse import urlencode, urlsplit

PASSWORD = "harbour lantern sixteen"
READY_WITHIN = 60
ELSEWHERE = ("192.0.2.1", 443)  # an address that RFC 5737 keeps for examples


def go(url: str, email: str, link: str) -> None:
    """Raises what went wrong."""
    begun = time.monotonic()
    while not answers(f"{url}/health/ready"):
        if time.monotonic() - begun > READY_WITHIN:
            sys.exit(f"{url} is not ready after {READY_WITHIN} s")
        time.sleep(0.05)
    print(f"ready in {time.monotonic() - begun:.1f} s")
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def page(path: str, **fields: str) -> str:
        with browser.open(f"{url}{path}", urlencode(fields).encode() if fields else None, 60) as answer:
            return str(answer.read().decode())

    def token(text: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        if not found:
            sys.exit("a page without its form")
        return unescape(found[1])

    title = re.search(r"<title>(.*?)</title>", page("/"), re.S)
    print(f"front page: {' '.join(unescape(title[1]).split()) if title else '?'}")
    first = urlsplit(link).path
    page(first, **{"csrf_token": token(page(first)), "email": email, "new-password": PASSWORD})
    print("first password: kept")
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page("/sign-in", csrf_token=token(page("/sign-in")), email=email, password=PASSWORD)
    if "/sign-out" not in page("/account"):
        sys.exit("not signed in")
    print("signed in")
    course = re.search(r'href="(/courses/[a-z0-9-]+)', page("/"))
    if not course or "<h1" not in page(course[1]):
        sys.exit("no course on the dashboard")
    print(f"course: {course[1]}")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def loopback_only() -> None:
    """Brings loopback up, and makes sure that there is no way out beside it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
    try:
        socket.create_connection(ELSEWHERE, timeout=5).close()
    except OSError as error:
        print(f"no network but loopback: {error.strerror or error}")
    else:
        sys.exit("there is a network, so this would prove nothing")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--loopback-only", action="store_true")
    words.add_argument("--url", default="http://127.0.0.1:8000")
    words.add_argument("--email")
    words.add_argument("--link")
    given = words.parse_args()
    if given.loopback_only:
        loopback_only()
    else:
        go(given.url, given.email, given.link)

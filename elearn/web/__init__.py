"""What visitors see and send: a view reads the request, calls a service and answers.

May import `services`, `exports` and `domain`; never `models`: a view holds no query.
"""

"""Things happen here: each public function is one use of the system and one transaction.

Knows the database; knows nothing of requests, sessions, forms or templates. May import `models`, `authoring`,
`exports` and `domain`; never `web`.
"""

"""The hosted DeepSeek API on your own machine: a dated contract profile spoken over HTTP, with faults on demand.

Stands beside the surfaces and may use core, catalog and codecs only: what the gateway is tested against must not be the
gateway. `application` lists the paths, `session` is the journey of one request, `responder` writes the answers; cache,
accounts, faults and responder are pure, and time comes in through `clock`.
"""

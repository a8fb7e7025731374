"""The sandbox: a fake Graph API with a seeded world whose truth can be asked for; it imports nothing of ours.

Read in this order: `world` (what exists), `facts` (what was delivered), `query` (what is asked), `evaluation` (rows),
`graph` (one call, from authentication to headers), `server` (HTTP), `main` (start and stop), `control` (the oracle).
"""

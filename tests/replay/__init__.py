"""An exchange on loopback: recorded and generated answers in the forms of real ones.

It keeps their rules of paging, their limits and their quirks, and can misbehave on request.
"""

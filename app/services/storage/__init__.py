"""Files of value (documents, pictures), kept once, whole, with their hash.

Offers: store (the protocol), folder, bucket.
May know: no other room.
"""

"""What every PDF of ours is made with: faces, marks that say what each text is, the tree of what is read, the archive form.

Offers: faces, tree, marking, words, archive.
May know: no other room.
"""
